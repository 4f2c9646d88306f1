"""Episodes through banchu's runner and ledger: a model that sleeps, and a judge that answers at once (both fakes).

python perf/orchestrating/ours.py EPISODES ROUNDS IN_FLIGHT SLEEP_S ARM
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from banchu.benchmarks import Benchmark, BenchmarkTask
from banchu.core.chat import Completion, Request, Usage
from banchu.core.sealed import SealedTests, TestSuite
from banchu.core.task import Task
from banchu.core.verdict import Verdict
from banchu.experiments.config import RunConfig
from banchu.experiments.runner import Runner
from banchu.sandbox.proving import Proof
from orchestrating.clock import kib, measured

PROGRAM = "def inc(x):\n" + "".join(f"    step_{n} = x + {n}\n" for n in range(12)) + "    return x\n"


class Sleeper:
    """A fake model: sleeps, then gives the same wrong program."""

    id = "scripted:sleeper"
    prompt_style = "chat"

    def __init__(self, sleep_s: float) -> None:
        self._sleep_s = sleep_s
        self.calls = 0

    async def complete(self, request: Request) -> Completion:
        self.calls += 1
        await asyncio.sleep(self._sleep_s)
        return Completion(f"```python\n{PROGRAM}```", Usage(300, 120), "stop", self._sleep_s)

    async def aclose(self) -> None: ...


class Nay:
    """A fake judge: what it is shown is wrong."""

    async def judge(self, sealed: SealedTests, code: str | None) -> Verdict:
        return Verdict("wrong_answer", 0, 1, assertion="assert candidate(1) == 2", expected="2", actual="1")

    async def prove(self, tests: TestSuite, code: str) -> Proof:
        raise NotImplementedError


def benchmark(size: int) -> Benchmark:
    def pair(n: int) -> BenchmarkTask:
        prompt = f'def inc(x):\n    """Add one; task {n}."""\n'
        check = "def check(candidate):\n    assert candidate(1) == 2\n"
        return BenchmarkTask(Task(f"T/{n}", "sleep", prompt, "inc"), SealedTests(TestSuite(check, "inc", prompt, "")))

    return Benchmark("sleep", tuple(pair(n) for n in range(size)), "perf/orchestration.py", "none", "Apache-2.0")


def main() -> None:
    episodes, rounds, in_flight, sleep_s, arm = sys.argv[1:]
    tasks, model = benchmark(int(episodes)), Sleeper(float(sleep_s))
    config = RunConfig("sleep", "none", tasks.ids, model.id, "chat", (arm,), rounds=int(rounds) - 1)
    with tempfile.TemporaryDirectory() as folder:
        runner = Runner(Path(folder), config, tasks, model, Nay(), concurrency=int(in_flight))
        with measured() as found:
            outcome = asyncio.run(runner.run())
        assert outcome.complete, outcome
        found["calls"] = model.calls
        found["kib"] = kib(folder)
    found.print()


if __name__ == "__main__":
    main()
