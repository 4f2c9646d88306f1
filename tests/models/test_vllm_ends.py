"""How an engine starts and ends, and that nothing of it is left. With a fake of vLLM, and called so."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from banchu.core.chat import Request, Sampling
from banchu.core.errors import ModelError
from banchu.models import Around
from banchu.models.registry import open_model

pytestmark = pytest.mark.slow  # each part of it starts a process that imports transformers


async def test_an_engine_that_dies_ends_the_run_with_what_it_died_of(vllm_fake: None, tiny: Path) -> None:
    model = open_model(f"vllm:{tiny}+max_model_len=600")
    waiting = asyncio.create_task(model.complete(Request("x", Sampling(max_tokens=77))))
    for request in (Request("x", Sampling(max_tokens=13)), Request("x")):
        with pytest.raises(
            ModelError, match=r"vLLM ended with status 1 \(torch.OutOfMemoryError: CUDA out of mem"
        ) as e:
            await model.complete(request)
        assert e.value.fatal
    with contextlib.suppress(ModelError):  # it may have been quicker
        await waiting
    await until(lambda: not left_of(model))
    await model.aclose()


@pytest.mark.parametrize(
    ("settings", "then", "said"),
    [
        (
            "",
            "no memory",
            r"ValueError: Free memory on device \(3/80 GiB\) is low\.\); vLLM's settings go behind the name",
        ),
        ("+max_model_length=9", "", r"vLLM has no setting 'max_model_length', did you mean 'max_model_len'\?"),
    ],
)
async def test_an_engine_that_does_not_start_says_why(
    vllm_fake: None, tiny: Path, monkeypatch: pytest.MonkeyPatch, settings: str, then: str, said: str
) -> None:
    monkeypatch.setenv("FAKE_VLLM", then)
    model = open_model(f"vllm:{tiny}{settings}")
    for asking in (
        Around(model).prepare(),
        model.complete(Request("x")),
    ):  # before a run begins, or with its first call
        with pytest.raises(ModelError, match=f"vLLM did not start with status 1 \\(.*{said}") as error:
            await asking
        assert error.value.fatal
    await until(lambda: not left_of(model))
    await model.aclose()


@pytest.mark.parametrize("then", ["", "slow"])
async def test_closing_leaves_nothing_behind(
    vllm_fake: None, tiny: Path, monkeypatch: pytest.MonkeyPatch, then: str
) -> None:
    """Loaded or still loading, with a call under way; twice is once."""
    monkeypatch.setenv("FAKE_VLLM", then)
    model = open_model(f"vllm:{tiny}")
    call = asyncio.create_task(model.complete(Request("x", Sampling(max_tokens=77))))
    await until(lambda: len(left_of(model)) == 2)
    assert os.getsid(left_of(model)[0]) != os.getsid(0)  # Ctrl-C in a terminal does not reach it
    group = left_of(model)
    await model.aclose()
    await model.aclose()
    await until(lambda: not any(alive(pid) for pid in group))
    with pytest.raises(ModelError, match="closed while calls were under way"):
        await call


@pytest.mark.parametrize("then", ["slow", pytest.param("", marks=pytest.mark.slow)])
async def test_it_ends_with_whoever_started_it(
    vllm_fake: None, tiny: Path, monkeypatch: pytest.MonkeyPatch, then: str
) -> None:
    """Loaded or still loading."""
    monkeypatch.setenv("FAKE_VLLM", then)
    program = f"""
import asyncio
from banchu.models.registry import open_model
async def main():
    model = open_model("vllm:{tiny}")
    starting = asyncio.create_task(model.start())
    if {not then}:
        await starting
    while not model._engine:
        await asyncio.sleep(0.05)
    print(model._engine._process.pid, flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    leader = int(await asyncio.to_thread(process.stdout.readline))
    await until(lambda: len(members(leader)) == 2)
    group = members(leader)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    await until(lambda: not any(alive(pid) for pid in group))


def left_of(model: Any) -> list[int]:
    return members(model._engine._process.pid) if model._engine else []


def members(leader: int) -> list[int]:
    """The living of a session, its leader first."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            if os.getsid(int(entry.name)) == leader and alive(int(entry.name)):
                found.append(int(entry.name))
    return sorted(found, key=lambda pid: (pid != leader, pid))


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def until(done: Any) -> None:
    deadline = time.monotonic() + 20
    while not done():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
