"""A fake of vLLM: the few names that banchu takes from it, with the signatures of 0.32. For tests, and called so.

It answers with what it was asked, as JSON, and does what a prompt tells it to: end for another reason, fail, die, wait.
`lay_out` makes a folder in which it can be imported as `vllm`.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path
from types import SimpleNamespace
from typing import Any

MODULES = ("engine.arg_utils", "inputs", "sampling_params", "v1.engine.async_llm", "v1.engine.exceptions")


def lay_out(folder: Path) -> None:
    """Makes `vllm` importable from `folder`; it is this file under the names of vLLM's modules."""
    for module in MODULES:
        path = folder.joinpath("vllm", *module.split("."))
        path.mkdir(parents=True)
        (path / "__init__.py").write_text(f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n")
        with (path / "__init__.py").open("a") as init:
            init.write("from fake_vllm import *\n")


@dataclass
class AsyncEngineArgs:
    """vLLM's has some 200 fields."""

    model: str = "Qwen/Qwen3-0.6B"
    dtype: str = "auto"
    max_model_len: int | None = None
    gpu_memory_utilization: float = 0.92
    disable_log_stats: bool = False


class RequestOutputKind(Enum):
    CUMULATIVE = 0
    DELTA = 1
    FINAL_ONLY = 2


@dataclass
class StructuredOutputsParams:
    json: str | dict[str, Any] | None = None


@dataclass
class SamplingParams:
    temperature: float = 1.0
    top_p: float = 1.0
    seed: int | None = None
    stop: str | list[str] | None = None
    max_tokens: int | None = 16
    logprobs: int | None = None
    skip_special_tokens: bool = True
    output_kind: RequestOutputKind = RequestOutputKind.CUMULATIVE
    structured_outputs: StructuredOutputsParams | None = None


class EngineGenerateError(Exception):
    pass


class EngineDeadError(Exception):
    pass


def tokens_input(
    prompt_token_ids: list[int], *, prompt: str | None = None, cache_salt: str | None = None
) -> dict[str, Any]:
    return {"type": "token", "prompt_token_ids": prompt_token_ids}


class AsyncLLM:
    """Starts a process of its own, as vLLM does, which outlives this one unless somebody ends it."""

    def __init__(self, args: AsyncEngineArgs) -> None:
        print("a line on standard output, where none belongs")
        self._child = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"])
        if (then := os.environ.get("FAKE_VLLM")) == "slow":
            time.sleep(60)
        if then == "no memory":
            at = "(EngineCore pid=7) ERROR 11-21 10:00:00 [core.py:1500]"
            print(f"{at} Traceback (most recent call last):\n{at} ValueError: Free memory on device (3/80 GiB) is low.")
            print(f"{at} RuntimeError: Engine core initialization failed. See root cause above.", flush=True)
            raise RuntimeError("Engine core initialization failed. See root cause above. Failed core proc(s): {}")
        self.model_config = SimpleNamespace(max_model_len=args.max_model_len or 256)
        self._args = args
        self._inside = 0

    @classmethod
    def from_engine_args(cls, engine_args: AsyncEngineArgs) -> AsyncLLM:
        return cls(engine_args)

    async def generate(
        self, prompt: dict[str, Any], sampling_params: SamplingParams, request_id: str
    ) -> AsyncIterator[SimpleNamespace]:
        tokens, reason = prompt["prompt_token_ids"], "stop"
        self._inside += 1
        await asyncio.sleep(0.3 if sampling_params.max_tokens == 77 else 0.0)  # 77: as long as it takes to meet others
        together, self._inside = self._inside, self._inside - 1
        match sampling_params.max_tokens:
            case 11:
                raise ValueError("top_p must be in (0, 1], got 0.0.")
            case 12:
                raise EngineGenerateError from RuntimeError("CUDA error: an illegal memory access")
            case 13:
                print("(EngineCore pid=7) ERROR 11-21 10:00:00 [core.py:1] torch.OutOfMemoryError: CUDA out of memory.")
                raise EngineDeadError
            case 14:
                reason = "abort"
            case 15:
                reason = "length"
        params = asdict(sampling_params) | {"output_kind": sampling_params.output_kind.name}
        text = json.dumps({"tokens": tokens, "params": params, "together": together, "args": asdict(self._args)})
        if not sampling_params.skip_special_tokens:
            text = f"<tool_call>{json.dumps({'name': 'run', 'arguments': {'tokens': len(tokens)}})}</tool_call>"
        places = [
            {9: SimpleNamespace(logprob=-0.5, rank=2, decoded_token="a")}
            | {8: SimpleNamespace(logprob=-0.25, rank=1, decoded_token="b")}
        ]
        output = SimpleNamespace(text=text, token_ids=[9], finish_reason=reason, logprobs=places)
        yield SimpleNamespace(outputs=[output], finished=True)

    def shutdown(self, timeout: float | None = None) -> None:
        self._child.terminate()
