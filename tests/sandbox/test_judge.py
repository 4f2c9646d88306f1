from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from banchu.core.errors import ConfigError, SandboxError
from banchu.core.sealed import SealedTests, TestSuite
from banchu.core.verdict import Verdict
from banchu.sandbox import Judge, Limits

RIGHT = "def f(x):\n    return x * x\n"
SEALED = SealedTests(TestSuite("def check(candidate):\n    assert candidate(2) == 4\n", "f", "", ""))
HOSTILE = (
    "import os, threading\nthreading.Thread(target=print).start()\nopen('/tmp/left', 'w').write('x')\nos._exit(0)\n"
)


async def test_the_same_attempt_is_judged_once_even_at_the_same_time() -> None:
    async with Judge(slots=2) as judge:
        verdicts = await asyncio.gather(*(judge.judge(SEALED, RIGHT) for _ in range(8)))
        assert all(verdict is verdicts[0] for verdict in verdicts)
        assert await judge.judge(SEALED, f"{RIGHT}\n") is not verdicts[0]
        assert (await judge.judge(SEALED, " ")).kind == "no_answer"
        assert judge.judge_sync(SEALED, RIGHT) is verdicts[0]


async def test_a_caller_that_is_cancelled_does_not_take_the_verdict_from_another() -> None:
    async with Judge(slots=1) as judge:
        slow = "import time\ntime.sleep(0.3)\n" + RIGHT
        first = asyncio.create_task(judge.judge(SEALED, slow))
        second = asyncio.create_task(judge.judge(SEALED, slow))
        await asyncio.sleep(0.05)
        first.cancel()
        assert (await second).passed


def test_closing_twice_is_closing_once_and_the_processes_are_gone() -> None:
    judge = Judge(slots=1)
    asyncio.run(judge.start())
    cell, tester = judge._pool._idle[0].pids
    below = _below(cell)
    asyncio.run(judge.aclose())
    judge.close()
    assert below
    assert not any(Path(f"/proc/{pid}").exists() for pid in (cell, tester, *below))


@pytest.mark.parametrize("victim", [0, 1])
def test_a_dead_slot_is_replaced_without_a_word(victim: int) -> None:
    judge = Judge(slots=1)
    assert judge.judge_sync(SEALED, RIGHT).passed
    pids = judge._pool._idle[0].pids
    os.kill(pids[victim], signal.SIGKILL)
    while _ticks(pids[victim]) is not None:
        time.sleep(0.001)  # until it is dead, what it started can still answer
    assert judge.judge_sync(SEALED, RIGHT + "#\n").passed
    assert judge._pool._idle[0].pids != pids
    judge.close()


HANGS = """
from banchu.core.sealed import SealedTests, TestSuite
from banchu.sandbox import Judge, Limits
judge = Judge(Limits(wall_s=1000), slots=1)
tests = "def check(candidate):\\n    assert sum(candidate(1)) == 0\\n"
sealed = SealedTests(TestSuite(tests, "f", "", ""))
judge.judge_sync(sealed, "def f(x):\\n    return []\\n")
print(judge._pool._idle[0].pids[1], flush=True)
judge.judge_sync(sealed, "def f(x):\\n    return range(10**18)\\n")
"""


def test_tests_that_would_never_end_end_with_their_app() -> None:
    app = subprocess.Popen([sys.executable, "-c", HANGS], stdout=subprocess.PIPE, text=True)
    assert app.stdout
    with app.stdout:
        tester = int(app.stdout.readline())
    while (_ticks(tester) or 0) < 30:  # until they are at work, in a loop that is not Python's own
        time.sleep(0.02)
    app.kill()
    app.wait()
    deadline = time.monotonic() + 20
    try:
        while _ticks(tester) is not None:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        with suppress(ProcessLookupError):
            os.kill(tester, signal.SIGKILL)


def _ticks(pid: int) -> int | None:
    """CPU of a process, or None when it is dead."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(fields[11]) if fields[0] != "Z" else None


@pytest.mark.slow
def test_a_judge_that_fails_twice_leaves_the_attempt_unjudged_and_can_be_asked_again() -> None:
    judge = Judge(slots=1)
    done = threading.Event()
    killer = threading.Thread(target=_kill_cells, args=(done,))
    killer.start()
    try:
        with pytest.raises(SandboxError, match=r"unjudged|did not start"):
            judge.judge_sync(SEALED, "import time\ntime.sleep(5)\n" + RIGHT)
    finally:
        done.set()
        killer.join()
    assert judge.judge_sync(SEALED, RIGHT).passed
    judge.close()


def _kill_cells(done: threading.Event) -> None:
    while not done.is_set():
        time.sleep(0.4)
        for pid in _below(os.getpid()):
            if b"\0cell\0" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)


@pytest.mark.slow
def test_two_hundred_judgements_leave_nothing(judge: Judge) -> None:
    ask: Callable[[str], Verdict] = lambda code: judge.judge_sync(SEALED, code)  # noqa: E731
    assert ask(f"{RIGHT}# first\n").passed
    slot = judge._pool._idle[0]
    before = _settled(slot.pids)
    for number in range(100):
        assert ask(f"{RIGHT}# {number}\n").passed
        assert not ask(f"{HOSTILE}# {number}\n").passed
    assert judge._pool._idle[0] is slot
    assert _settled(slot.pids) == before


def _settled(pids: tuple[int, ...]) -> dict[str, list[int]]:
    """What is held once the cell has tidied up after its last word."""
    time.sleep(1)
    return _holdings(pids)


def _holdings(pids: tuple[int, ...]) -> dict[str, list[int]]:
    """Processes below the slot, open files of the app, the slot and the server, mounts of the server."""
    cell, tester = pids
    (server,) = _below(cell)
    every = (os.getpid(), cell, tester, server)
    return {
        "children": [len(_below(pid)) for pid in (cell, tester, server)],
        "files": [
            len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in every if os.access(f"/proc/{pid}/fd", os.R_OK)
        ],
        "mounts": [len(Path(f"/proc/{server}/mountinfo").read_text().splitlines())] if os.geteuid() == 0 else [],
        "threads": [len(list(Path(f"/proc/{pid}/task").iterdir())) for pid in (cell, tester, server)],
    }


def _below(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"unknown isolation 'none'\. Known: bwrap, docker, landlock"):
        Judge(isolation="none")
    with pytest.raises(ConfigError, match="slots=0"):
        Judge(slots=0)
    assert Judge().limits == Limits()
