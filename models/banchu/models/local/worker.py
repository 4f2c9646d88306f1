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

from banchu.models.local.batch import Batch, Row
from banchu.models.local.sampling import Sampler

MAX_ROWS = 32
PREFILL_TOKENS = 6144
"""Padded tokens of one prefill: bounds its memory."""


def main() -> None:
    """`python -m banchu.models.local.worker CHECKPOINT`."""
    _die_with_parent()
    answers = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints is for the log, not for the protocol
    requests: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(requests,), daemon=True).start()
    engine = Engine(sys.argv[1])
    _send(answers, {"ready": True, "context": engine.context})
    while True:
        for answer in engine.turn(requests):
            _send(answers, answer)


class Engine:
    """Model, tokenizer and running batch."""

    def __init__(self, path: str) -> None:
        import torch
        import transformers

        transformers.logging.set_verbosity_error()
        transformers.logging.disable_progress_bar()
        cuda = torch.cuda.is_available()
        if not cuda:
            # One thread a process, as many processes as cores: threads that spin on a busy machine lose most of it.
            torch.set_num_threads(1)
        self._tokenizer: Any = transformers.AutoTokenizer.from_pretrained(path)
        model = transformers.AutoModelForCausalLM.from_pretrained(path, dtype=torch.bfloat16 if cuda else torch.float32)
        self._model: Any = model.to("cuda" if cuda else "cpu").eval()
        ends = self._model.generation_config.eos_token_id
        ends = {*(ends if isinstance(ends, list) else [ends]), self._tokenizer.eos_token_id} - {None}
        self.context = int(getattr(self._model.config, "max_position_embeddings", 0) or 0)
        self._batch = Batch(self._model, self._text, frozenset(ends))
        self._waiting: list[Row] = []

    def turn(self, requests: queue.SimpleQueue[dict[str, Any]]) -> list[dict[str, Any]]:
        """Take what waits, make one token for every row, and return what ended. Sleeps when there is nothing to do."""
        answers = []
        if not self._batch and not self._waiting:
            answers += self._take(requests.get())
        with contextlib.suppress(queue.Empty):
            while True:
                answers += self._take(requests.get_nowait())
        ended = self._batch.admit(rows) if (rows := self._next_rows()) else self._batch.step() if self._batch else []
        return answers + [self._answer(row) for row in ended]

    def _take(self, request: dict[str, Any]) -> list[dict[str, Any]]:
        try:
            prompt = self._tokens(request["prompt"])
        except Exception as error:  # noqa: BLE001  # templates and tokenizers are the checkpoint's own code
            return [{"ticket": request["ticket"], "refused": f"the prompt cannot be read ({error})"}]
        if not prompt:
            return [{"ticket": request["ticket"], "refused": "the prompt is empty"}]
        sampling = request["sampling"]
        if self.context and len(prompt) + sampling["max_tokens"] > self.context:
            sizes = {"overflow": len(prompt), "max_tokens": sampling["max_tokens"], "context": self.context}
            return [{"ticket": request["ticket"], **sizes}]
        sampler = Sampler(sampling["temperature"], sampling["top_p"], sampling["seed"])
        self._waiting.append(Row(request["ticket"], prompt, sampler, sampling["max_tokens"], tuple(sampling["stop"])))
        return []

    def _next_rows(self) -> list[Row]:
        """Waiting rows of like length that fit: padding is computed like any token."""
        room = MAX_ROWS - len(self._batch)
        if room <= 0 or not self._waiting:
            return []
        self._waiting.sort(key=lambda row: len(row.prompt))
        rows = [self._waiting.pop()]
        width = len(rows[0].prompt)
        while self._waiting and len(rows) < room and width * (len(rows) + 1) <= PREFILL_TOKENS:
            if len(self._waiting[-1].prompt) < 0.6 * width:
                break
            rows.append(self._waiting.pop())
        return rows

    def _tokens(self, prompt: Any) -> list[int]:
        if not isinstance(prompt, str):
            messages = [{"role": role, "content": content} for role, content in prompt]
            # The template writes the special tokens itself.
            text = self._tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
            return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])
        return list(self._tokenizer(prompt)["input_ids"])

    def _text(self, tokens: list[int]) -> str:
        text: str = self._tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text

    def _answer(self, row: Row) -> dict[str, Any]:
        # Decoded behind the prompt's end: some tokenizers drop the space before the first word of a text.
        ahead = row.prompt[-4:]
        text = self._text([*ahead, *row.tokens])[len(self._text(ahead)) :]
        cuts = [at for stop in row.stop if (at := text.find(stop)) >= 0]
        return {
            "ticket": row.ticket,
            "text": text[: min(cuts)] if cuts else text,
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
