"""The process that generates: one checkpoint, one batch, requests in and answers out as JSON lines.

Started by `LocalModel`, one a core. Reads requests on a thread, so that they can join the batch while it runs. Ends
when its parent does: standard input closes, and the kernel is asked to kill it.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import queue
import signal
import sys
import threading
from typing import IO, Any

from banchu.core.errors import ModelError
from banchu.models.local.admission import Waiting
from banchu.models.local.batch import Batch, Row
from banchu.models.local.layout import transpose_weights
from banchu.models.local.loading import load
from banchu.models.local.placement import PREFILL_TOKENS, Settings
from banchu.models.local.rendering import cut_at, prompt_tokens
from banchu.models.local.sampling import Sampler
from banchu.models.local.selfcheck import check

MAX_ROWS = 64
"""In a batch. A matrix product of 64 rows takes a third longer than one of 32 on a CPU."""


def main() -> None:
    """`python -m banchu.models.local.worker CHECKPOINT [SETTINGS]`; the settings as JSON."""
    _die_with_parent()
    answers = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints is for the log, not for the protocol
    requests: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(requests,), daemon=True).start()
    try:
        engine = Engine(sys.argv[1], Settings(**json.loads(sys.argv[2])) if len(sys.argv) > 2 else None)
    except ModelError as error:
        _send(answers, {"failed": str(error)})
        os._exit(1)  # the thread that reads is not to be waited for
    _send(answers, {"ready": True, "context": engine.context})
    while True:
        for answer in engine.turn(requests):
            _send(answers, answer)


class Engine:
    """Model, tokenizer and running batch."""

    def __init__(self, path: str, settings: Settings | None = None) -> None:
        settings = settings or Settings()
        self._tokenizer, self._model = load(path, settings)
        if self._model.device.type == "cpu" and str(self._model.dtype) == "torch.float32":
            transpose_weights(self._model)
        ends = self._model.generation_config.eos_token_id
        ends = {*(ends if isinstance(ends, list) else [ends]), self._tokenizer.eos_token_id} - {None}
        self.context = int(getattr(self._model.config, "max_position_embeddings", 0) or 0)
        self._batch = Batch(self._model, self._text, frozenset(ends), settings.cache_bytes)
        self._calling: set[int] = set()
        """Tickets of those that may call tools: some checkpoints mark a call with special tokens."""
        self._waiting = Waiting(MAX_ROWS, PREFILL_TOKENS)
        # int8 looks for outliers over the whole batch, so there it does say something else.
        if settings.quantize != "int8" and (why := check(self._model, self._batch)):
            raise SystemExit(f"{why}; serve it with vLLM or `transformers serve`, and use --model openai:NAME")

    def turn(self, requests: queue.SimpleQueue[dict[str, Any]]) -> list[dict[str, Any]]:
        """Take what waits, make one token for every row, and return what ended. Sleeps when there is nothing to do."""
        answers = []
        if not self._batch and not self._waiting:
            answers += self._take(requests.get())
        with contextlib.suppress(queue.Empty):
            while True:
                answers += self._take(requests.get_nowait())
        rows = self._waiting.next(self._batch)
        ended = self._batch.admit(rows) if rows else self._batch.step() if self._batch else []
        return answers + [self._answer(row) for row in ended]

    def _take(self, request: dict[str, Any]) -> list[dict[str, Any]]:
        try:
            tools = request.get("tools", ())
            prompt = prompt_tokens(self._tokenizer, request["prompt"], request.get("prefill", ""), tools)
        except Exception as error:  # noqa: BLE001  # templates and tokenizers are the checkpoint's own code
            return [{"ticket": request["ticket"], "refused": f"the prompt cannot be read ({error})"}]
        if not prompt:
            return [{"ticket": request["ticket"], "refused": "the prompt is empty"}]
        sampling = request["sampling"]
        if self.context and len(prompt) + sampling["max_tokens"] > self.context:
            sizes = {"overflow": len(prompt), "max_tokens": sampling["max_tokens"], "context": self.context}
            return [{"ticket": request["ticket"], **sizes}]
        sampler = Sampler(sampling["temperature"], sampling["top_p"], sampling["seed"])
        if tools:
            self._calling.add(request["ticket"])
        self._waiting.add(Row(request["ticket"], prompt, sampler, sampling["max_tokens"], tuple(sampling["stop"])))
        return []

    def _text(self, tokens: list[int], marks: bool = False) -> str:
        text: str = self._tokenizer.decode(tokens, skip_special_tokens=not marks, clean_up_tokenization_spaces=False)
        return text

    def _answer(self, row: Row) -> dict[str, Any]:
        # Decoded behind the prompt's end: some tokenizers drop the space before the first word of a text.
        ahead = row.prompt[-4:]
        told = {"text": cut_at(self._text([*ahead, *row.tokens])[len(self._text(ahead)) :], row.stop)}
        if row.ticket in self._calling:
            self._calling.discard(row.ticket)
            told["marked"] = cut_at(self._text(row.tokens, marks=True), row.stop)
        return {
            "ticket": row.ticket,
            **told,
            "prompt_tokens": len(row.prompt),
            "completion_tokens": len(row.tokens),
            "finish_reason": row.finish_reason,
        }


def _read(requests: queue.SimpleQueue[dict[str, Any]]) -> None:
    for line in sys.stdin:
        requests.put(json.loads(line))
    os._exit(0)  # the parent has closed the pipe or died; nobody waits for what is being generated


def _send(answers: IO[str], answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer) + "\n")


def _die_with_parent() -> None:
    if sys.platform == "linux":
        PR_SET_PDEATHSIG = 1  # noqa: N806
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle


if __name__ == "__main__":
    main()
