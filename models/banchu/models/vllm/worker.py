"""The process that hosts vLLM's engine: one checkpoint, requests in and answers out as JSON lines.

Started by `EngineProcess`. Ends when its standard input does, with whoever started it.
"""

from __future__ import annotations

import asyncio
import contextlib
import difflib
import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import fields
from typing import Any, Final

from banchu.models.local.rendering import cut_at, prompt_tokens

_REASONS: Final = {"stop": "stop", "length": "length"}
"""Those that stand for an answer; vLLM also knows abort, error and repetition."""
Message = dict[str, Any]


def main() -> None:
    """`python -m banchu.models.vllm.worker CHECKPOINT SETTINGS`; settings: fields of `AsyncEngineArgs`, as JSON."""
    answers = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints is for the log, not for the protocol
    # A copy in a process that vLLM forks would keep the pipe open when this one is gone.
    os.register_at_fork(after_in_child=lambda: os.close(answers.fileno()))

    def send(message: Message) -> None:
        answers.write(json.dumps(message) + "\n")

    asyncio.run(_serve(sys.argv[1], json.loads(sys.argv[2]), send))


async def _serve(path: str, settings: Message, send: Callable[[Message], None]) -> None:
    inbox: asyncio.Queue[Message | None] = asyncio.Queue()
    reader = _Reader(asyncio.get_running_loop(), inbox)
    try:
        engine = Engine(path, settings)  # blocks: nobody else is here yet
    except Exception as error:  # noqa: BLE001  # whatever vLLM and a checkpoint's own code may raise
        send({"failed": " ".join(str(error).split())[:400] or type(error).__name__})
        _quit()
    reader.loaded = True
    send({"ready": True})
    tasks: set[asyncio.Task[None]] = set()
    while (request := await inbox.get()) is not None:
        tasks.add(task := asyncio.create_task(_reply(engine, request, send)))
        task.add_done_callback(tasks.discard)
    engine.shutdown()
    _end()


async def _reply(engine: Engine, request: Message, send: Callable[[Message], None]) -> None:
    from vllm.v1.engine.exceptions import EngineDeadError

    try:
        answer = await engine.answer(request)
    except EngineDeadError:
        _quit()  # the root cause is in the log
    except Exception as error:  # noqa: BLE001  # a request's own failure, or a template's
        said = error.__cause__ or error
        answer = {"refused": f"{' '.join(str(said).split())[:300] or type(said).__name__}"}
    send({"ticket": request["ticket"], **answer})


class _Reader(threading.Thread):
    """Hands requests to the loop. Where the input ends, so does this process, also while it is loading."""

    def __init__(self, loop: asyncio.AbstractEventLoop, inbox: asyncio.Queue[Message | None]) -> None:
        super().__init__(daemon=True)
        self._loop, self._inbox = loop, inbox
        self.loaded = False
        self.start()

    def run(self) -> None:
        for line in sys.stdin:
            self._put(json.loads(line))
        self._put(None)
        if not self.loaded:
            _end()

    def _put(self, message: Message | None) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: it has ended on its own
            self._loop.call_soon_threadsafe(self._inbox.put_nowait, message)


class Engine:
    """vLLM's asyncio engine and the checkpoint's tokenizer."""

    def __init__(self, path: str, settings: Message) -> None:
        from vllm.engine.arg_utils import AsyncEngineArgs
        from vllm.v1.engine.async_llm import AsyncLLM

        known = {field.name for field in fields(AsyncEngineArgs)}
        for key in settings.keys() - known:
            near = difflib.get_close_matches(key, known, n=1)
            raise ValueError(f"vLLM has no setting {key!r}" + (f", did you mean {near[0]!r}?" if near else ""))
        told = {"disable_log_stats": True, **settings, "model": path}
        self._llm: Any = AsyncLLM.from_engine_args(AsyncEngineArgs(**told))
        self._context = int(self._llm.model_config.max_model_len)
        from transformers import AutoTokenizer

        # Not vLLM's tokenizer: prompts are to be the ones that `hf:` makes, whatever vLLM has of its own for a family.
        self._tokenizer: Any = AutoTokenizer.from_pretrained(path)

    async def answer(self, request: Message) -> Message:
        """Text, usage and reason, or what there is to say instead. Raises as vLLM does."""
        from vllm.inputs import tokens_input

        tools = request.get("tools", ())
        tokens = prompt_tokens(self._tokenizer, request["prompt"], request.get("prefill", ""), tools)
        if not tokens:
            return {"refused": "the prompt is empty"}
        if len(tokens) + request["sampling"]["max_tokens"] > self._context:
            return {"overflow": len(tokens), "context": self._context}
        async for last in self._llm.generate(tokens_input(tokens), _params(request), str(request["ticket"])):
            output = last.outputs[0]
        if output.finish_reason not in _REASONS:
            return {"refused": f"vLLM ended the answer for another reason ({output.finish_reason})"}
        told = {"text": output.text}
        if tools:
            plain = self._tokenizer.decode(output.token_ids, skip_special_tokens=True)
            told = {"text": cut_at(plain, request["sampling"]["stop"]), "marked": output.text}
        return {
            **told,
            "prompt_tokens": len(tokens),
            "completion_tokens": len(output.token_ids),
            "finish_reason": _REASONS[output.finish_reason],
            "logprobs": _logprobs(output, request["logprobs"]) if "logprobs" in request else [],
        }

    def shutdown(self) -> None:
        self._llm.shutdown()


def _params(request: Message) -> Any:
    from vllm.sampling_params import RequestOutputKind, SamplingParams, StructuredOutputsParams

    sampling = request["sampling"]
    schema = request.get("answer_schema")
    return SamplingParams(
        temperature=sampling["temperature"],
        top_p=sampling["top_p"],
        max_tokens=sampling["max_tokens"],
        stop=sampling["stop"],
        seed=sampling["seed"] % 2**63,  # -1 would mean none
        logprobs=request.get("logprobs"),
        skip_special_tokens=not request.get("tools"),  # some checkpoints mark a call with one
        structured_outputs=StructuredOutputsParams(json=schema) if schema else None,
        output_kind=RequestOutputKind.FINAL_ONLY,
    )


def _logprobs(output: Any, count: int) -> list[Any]:
    """[token, its log-probability, the `count` likeliest of the place] for each token of the answer."""
    found = []
    for token, place in zip(output.token_ids, output.logprobs, strict=True):
        top = sorted(place.values(), key=lambda each: each.rank)[:count]
        mine = place[token]
        found.append([mine.decoded_token, mine.logprob, [[each.decoded_token, each.logprob] for each in top]])
    return found


def _quit() -> None:
    """With a failure. What vLLM has started is ended by whoever reads of it."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1)


def _end() -> None:
    """Now, and with all that vLLM has started: this process leads their session. Whoever asked is gone."""
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(0)


if __name__ == "__main__":
    main()
