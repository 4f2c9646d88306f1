"""What the cell does for speed alone: candidates must see nothing of it, and it must do what it says."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from banchu.core.errors import SandboxError
from banchu.core.sealed import SealedTests, TestSuite
from banchu.sandbox import Judge
from banchu.sandbox.cell.text import interpreter
from banchu.sandbox.process import FLAGS

MAPS = """\
400000-401000 r--p 00000000 08:01 1 /opt/python
401000-402000 rw-p 00001000 08:01 1 /opt/python
7000000-7001000 r--p 00000000 08:01 2 /lib/libpython3.11.so.1.0
7001000-7009000 r-xp 00001000 08:01 2 /lib/libpython3.11.so.1.0
7009000-700b000 r--p 00009000 08:01 2 /lib/libpython3.11.so.1.0
700b000-700c000 rw-p 0000b000 08:01 2 /lib/libpython3.11.so.1.0
7100000-7200000 r-xp 00000000 08:01 3 /lib/libc.so.6
7200000-7300000 rw-p 00000000 00:00 0
"""
SEALED = SealedTests(TestSuite("def check(candidate):\n    assert candidate(2) == 4\n", "f", "", ""))
RIGHT = "def f(x):\n    return x * x\n"


def test_the_interpreter_is_found_as_one_span_without_what_can_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/opt/python")
    assert interpreter(MAPS) == (0x7000000, 0x700B000)
    assert interpreter(MAPS.replace("libpython3.11.so.1.0", "libother.so")) == (0x400000, 0x401000)
    assert interpreter(MAPS.replace("7009000-700b000 r--p", "700a000-700b000 r--p")) == (0x7000000, 0x7009000)
    assert interpreter("") == (0, 0)


def _run(program: str) -> str:
    rooms = [str(Path(__file__).parents[2] / room) for room in ("sandbox", "core")]
    done = subprocess.run(
        [sys.executable, *FLAGS, "-c", program],
        env={"PYTHONPATH": ":".join(rooms)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_interpreter_still_works_once_its_code_was_moved() -> None:
    said = _run(
        "from banchu.sandbox.cell import text\n"
        "import json, re, decimal, sys\n"
        "before = text.interpreter(open('/proc/self/maps').read())\n"
        "text.enlarge()\n"
        "maps = open('/proc/self/maps').read()\n"
        "assert not any(line.split()[1] == 'rwxp' for line in maps.splitlines()), maps\n"
        "assert json.loads('[1]') == [1] and re.sub('a', 'b', 'aa') == 'bb' and decimal.Decimal(1) / 8 == 0.125\n"
        "try:\n    1 / 0\nexcept ZeroDivisionError:\n    print('well', text.interpreter(maps) != before)\n"
    )
    setting = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    if setting.exists() and "[never]" not in setting.read_text():
        assert said == "well True\n"
    else:
        assert said == "well False\n"


def test_what_is_made_later_lies_in_none_of_the_holes() -> None:
    said = _run(
        "from banchu.sandbox.cell import density\n"
        "made = [bytes(n) for n in range(15, 480, 16) for _ in range(3000)]\n"
        "holes = {id(made[i]) for i in range(0, len(made), 2)}\n"
        "del made[::2]\n"
        "density.fill_pools()\n"
        "later = [bytes(n) for n in range(15, 480, 16) for _ in range(500)]\n"
        "print(len(holes), sum(id(one) in holes for one in later))\n"
    )
    holes, filled_later = map(int, said.split())
    assert holes == 45_000
    assert filled_later < 10  # of 15,000: the interpreter frees a little of its own in between


def test_the_heap_is_filled_up_to_its_end() -> None:
    said = _run(
        "import ctypes\n"
        "from banchu.sandbox.cell import density, kernel\n"
        "made = [bytes(n) for n in range(600, 3000, 8) for _ in range(20)]\n"
        "holes = {id(made[i]) for i in range(0, len(made), 2)}\n"
        "del made[::2]\n"
        "density.fill_heap()\n"
        "later = [bytes(n) for n in range(600, 3000, 80) for _ in range(20)]\n"
        "print(len(holes), sum(id(one) in holes for one in later))\n"
    )
    assert said == "3000 0\n"  # of 600


def test_a_program_is_judged_in_its_callers_own_thread() -> None:
    before = set(threading.enumerate())  # another test's judge may have its own
    with Judge(slots=1) as judge:
        assert judge.judge_sync(SEALED, RIGHT).passed
        more = set(threading.enumerate()) - before
        assert not [thread for thread in more if thread.name.startswith("banchu-judge")]


def test_an_interrupted_judgement_interrupts_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    judge = Judge(slots=1)
    heard: list[BaseException] = []

    def ask() -> None:
        try:
            judge.judge_sync(SEALED, RIGHT)
        except BaseException as error:  # noqa: BLE001  # whatever it hears is looked at
            heard.append(error)

    def interrupted(*_: object) -> None:
        other = threading.Thread(target=ask)
        other.start()
        other.join(0.2)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(judge._trials, "verdict", interrupted)
        with pytest.raises(KeyboardInterrupt):
            judge.judge_sync(SEALED, RIGHT)
    while not heard:
        os.sched_yield()
    assert isinstance(heard[0], SandboxError)
    assert judge.judge_sync(SEALED, RIGHT).passed  # and it can be asked again
    judge.close()


@pytest.mark.slow
def test_no_more_are_judged_at_once_than_there_are_slots_whoever_asks() -> None:
    with Judge(slots=2) as judge:
        slow = f"import time\ntime.sleep(0.3)\n{RIGHT}"
        threads = [threading.Thread(target=judge.judge_sync, args=(SEALED, f"{slow}# {n}")) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(judge._pool._idle) == 2


def test_a_closed_judge_says_so_and_keeps_no_slot() -> None:
    judge = Judge(slots=1)
    slot = judge._pool.take()
    judge.close()
    judge._pool.give_back(slot)
    assert not judge._pool._idle
    with pytest.raises(SandboxError, match="closed"):
        judge.judge_sync(SEALED, RIGHT)
