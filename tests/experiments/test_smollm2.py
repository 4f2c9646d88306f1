"""The real model on the real benchmark: the number that was measured elsewhere, the same over HTTP, and the wall."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from banchu.benchmarks import Benchmark
from banchu.benchmarks.garbage import with_garbage_tests
from banchu.core.arm import Arm
from banchu.core.recipes import RECIPES
from banchu.experiments.runner import Runner
from banchu.models import Model
from banchu.models.registry import ModelOptions, open_model

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

SERVE = Path(__file__).parent.parent / "models" / "serve.py"
GREEDY = ["--arms", "none", "--rounds", "0", "--temperature", "0", "--json"]
OVER_HTTP = 20


def verdicts(out: Path, *arguments: str) -> dict[str, str]:
    """Runs an experiment of one greedy attempt a task; the verdict of each."""
    banchu = [sys.executable, "-m", "banchu.cli.main"]
    run = subprocess.run(
        [*banchu, "run", "humaneval", *GREEDY, "--out", str(out), *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
    )
    assert run.returncode == 0, run.stderr
    folder = json.loads(run.stdout)["folder"]
    shown = subprocess.run([*banchu, "show", folder, "--json"], capture_output=True, text=True, check=True)
    return {episode["task_id"]: episode["verdicts"][-1] for episode in json.loads(shown.stdout)["episodes"]}


@pytest.fixture(scope="module")
def in_process(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return verdicts(tmp_path_factory.mktemp("runs"), "--model", "smollm2", "--concurrency", "64")


def test_smollm2_solves_ten_of_humaneval_give_or_take_four(in_process: dict[str, str]) -> None:
    solved = [task for task, verdict in in_process.items() if verdict == "passed"]
    print(f"{len(solved)} of {len(in_process)}: {', '.join(solved)}")
    assert len(in_process) == 164
    assert 6 <= len(solved) <= 14


@contextmanager
def served(*arguments: str) -> Iterator[str]:
    """SmolLM2 behind a server on loopback, in a process of its own; gives its base URL."""
    server = subprocess.Popen(
        [sys.executable, str(SERVE), "--model", "smollm2", "--port", "0", "--name", "smol", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout
    try:
        yield f"http://127.0.0.1:{server.stdout.readline().split()[-1]}/v1"
    finally:
        server.communicate("")


def test_the_same_model_over_http_has_the_same_verdicts(in_process: dict[str, str], tmp_path: Path) -> None:
    with served() as url:
        there = ["--model", "openai:smol", "--base-url", url, "--style", "completion", "--limit", str(OVER_HTTP)]
        over_http = verdicts(tmp_path, *there)
    assert len(over_http) == OVER_HTTP
    assert over_http == {task: in_process[task] for task in over_http}


SOURCES = (
    "none,placebo,intrinsic,intrinsic+review=turns,self_tests,visible_tests,execution,none+gate=self_tests,"
    "none+choose=majority,self_tests+search=tree+width=2+rounds=3"
)
# Each with two revisions: what they are published with takes an hour.
PUBLISHED = (
    ",".join(dict.fromkeys(Arm.parse(f"{name}+rounds=2").name for name in RECIPES if Arm.parse(name).realistic))
    + ",self_tests+search=repair+width=1+rounds=2"
)

SENT = "none,placebo,intrinsic,self_tests,execution"


@pytest.mark.parametrize(("arms", "tasks"), [(SOURCES, 1), (PUBLISHED, 1)], ids=["sources", "recipes"])
async def test_garbage_tests_change_no_byte_of_what_smollm2_says(lab: Any, arms: str, tasks: int) -> None:
    """One worker, one episode at a time: then even the floating point is the same. Both runs side by side."""
    true = lab.tasks(tasks)

    async def run(name: str, benchmark: Benchmark) -> None:
        await run_alone(lab, name, benchmark, arms, open_model("smollm2", ModelOptions(workers=1)))

    await asyncio.gather(run("true", true), run("garbage", with_garbage_tests(true)))
    assert lab.trajectories("garbage") == lab.trajectories("true")


async def test_garbage_tests_change_no_byte_that_is_sent_to_smollm2(lab: Any, tmp_path: Path) -> None:
    """As above over HTTP, with a server for each run, which writes down what it was asked."""
    true = lab.tasks(1)

    async def run(name: str, benchmark: Benchmark) -> list[bytes]:
        log = tmp_path / f"{name}.jsonl"
        with served("--workers", "1", "--log", str(log)) as url:
            model = open_model("openai:smol", ModelOptions(base_url=url, style="completion"))
            await run_alone(lab, name, benchmark, SENT, model)
        return log.read_bytes().splitlines()

    asked, instead = await asyncio.gather(run("true", true), run("garbage", with_garbage_tests(true)))
    assert len(asked) >= len(SENT.split(","))
    assert instead == asked  # in this order, too
    assert lab.trajectories("garbage") == lab.trajectories("true")


async def run_alone(lab: Any, name: str, benchmark: Benchmark, arms: str, model: Model) -> None:
    config = lab.config(benchmark, arms, rounds=1, max_tokens=40)
    runner = Runner(lab.folder / name, config, benchmark, model, lab.judge, concurrency=1)
    assert (await runner.run()).complete
    await model.aclose()
