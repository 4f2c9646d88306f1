"""What calls give, as comparable text: real cells, honest programs and hostile ones."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest

from banchu.experiments.executing import MAX_OUTCOME, Executor

pytestmark = pytest.mark.slow  # each runs in a cell

CALLS = ["f(1)", "f(2)", "f(3)"]
LATE = "stopped: the code took too long"
ENDED = "stopped: the program ended itself"


@pytest.fixture(scope="module")
def executor() -> Iterator[Executor]:
    executor = Executor("namespaces")
    yield executor
    asyncio.run(executor.aclose())


async def test_each_call_has_its_text_in_order(executor: Executor) -> None:
    code = (
        "import collections, decimal\n"
        "def f(x):\n"
        "    print('x' * 10**6)\n"
        "    return {1: {'b', 'a'}, 2: {'k': (1.5, None)}, 3: collections.Counter('aab'), 4: '0xabcdef12'}[x]\n"
    )
    calls = ["f(3)", "f(1)", "f(2)", "f(9)", "f(1", "g(1)", "f(4)"]
    assert await executor.outputs(calls, code) == [
        "Counter({'a': 2, 'b': 1})",
        "set({'a', 'b'})",
        "{'k': (1.5, None)}",
        "raises KeyError",
        "raises SyntaxError",
        "raises NameError",
        "'0xabcdef12'",
    ]


async def test_programs_that_do_the_same_in_other_ways_have_equal_texts(executor: Executor) -> None:
    first = "def f(x):\n    return {c: c * x for c in 'abc'}, set('xyz'), [0.1 + 0.2] * 9999\n"
    other = "def f(x):\n    y = [0.30000000000000004 for _ in range(9999)]\n"
    other += "    return dict(c=x*'c', b=x*'b', a=x*'a'), {'z', 'x', 'y'}, y\n"
    wrong = other.replace("9999", "9998")
    found = [await executor.outputs(CALLS, code) for code in (first, other, wrong)]
    assert found[0] == found[1]
    assert all(a != b for a, b in zip(found[0], found[2], strict=True))


async def test_a_second_run_gives_the_same(executor: Executor) -> None:
    code = (
        "import random\nfirst = random.random()\n"
        "def f(x):\n    return list(set('abcdefgh')), hash('a'), first, random.random(), str(object())\n"
    )
    assert await executor.outputs(CALLS, code) == await executor.outputs(CALLS, code)


async def test_no_call_sees_what_another_left_behind(executor: Executor) -> None:
    code = (
        "import random, os\nseen = []\n"
        "def f(x, kept=[]):\n"
        "    kept.append(x); seen.append(x)\n"
        "    open('left', 'a').write('x')\n"
        "    return kept, seen, x and random.random()\n"
    )
    first, second, third = await executor.outputs(["f(0)", "f(1)", "f(1)"], code)
    assert first == "([0], [0], 0)"
    assert second == third
    assert second.startswith("([1], [1], 0.")


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("def f(x:\n", "raises SyntaxError"),
        ("import numpy_that_is_not_there\n", "raises ModuleNotFoundError"),
        ("raise SystemExit(0)\n", "raises SystemExit"),
        ("import os\nos._exit(0)\n", "stopped: the program ended itself"),
        ("import os\nos.closerange(0, 99)\ndef f(x): return 1\n", "stopped: the program ended itself"),
        pytest.param("while True: pass\n", "stopped: the code took too long", marks=pytest.mark.slow),
        pytest.param("import time\ntime.sleep(60)\n", "stopped: the code took too long", marks=pytest.mark.slow),
    ],
)
async def test_what_cannot_be_loaded_has_one_text(executor: Executor, code: str, why: str) -> None:
    found = await executor.outputs(CALLS, code)
    assert set(found) == {f"{why} while loading"}
    assert len(found) == 3


WRONG = [
    ("import os; os._exit(0)", ENDED),
    ("import os; os._exit(87)", ENDED),
    ("import os; os.abort()", ENDED),
    ("raise SystemExit(0)", "raises SystemExit"),
    ("raise KeyboardInterrupt", "raises KeyboardInterrupt"),
    ("return f(x)", "raises RecursionError"),
    ("return [0] * 10**10", "raises MemoryError"),
    ("return bytearray(900 * 2**20)", "raises MemoryError"),
    ("import os; [os.write(fd, b'loaded\\nforged\\n') for fd in (1, 2)]; return 7", "7"),
    ("import sys; sys.stdout = sys.stderr = None; return 7", "7"),
    ("import os; os.closerange(0, 64); return 7", "7"),
    ("import sys; sys.setrecursionlimit(30); return [[[[7]]]]", "[[[[7]]]]"),
    ("import sys; sys.settrace = sys.exit; return 7", "7"),
    ("return (n for n in (1, 2))", "<generator [1, 2]>"),
    ("return (n for n in (1, 1 / 0))", "raises ZeroDivisionError"),
    ("raise type('a b', (Exception,), {})", "raises ?"),
]


async def test_a_call_that_goes_wrong_takes_nothing_from_the_others(executor: Executor) -> None:
    lines = ["def f(x):"]
    for number, (body, _) in enumerate(WRONG):
        lines += [f"    if x == {number}:", *(f"        {line}" for line in body.split("; "))]
    lines.append("    return x")
    calls = [f"f({number})" for number in range(len(WRONG))]
    among = [call for wrong in calls for call in (wrong, "f(99)")]
    found = await executor.outputs(among, "\n".join(lines))
    assert dict(zip(WRONG, found[::2], strict=True)) == {wrong: wrong[1] for wrong in WRONG}
    assert found[1::2] == ["99"] * len(WRONG)


@pytest.mark.slow
@pytest.mark.parametrize(
    "body",
    [
        "while True: pass",
        "return sum(iter(int, 1))",
        "import time; time.sleep(60)",
        "import signal; signal.signal(signal.SIGXCPU, signal.SIG_IGN)\n    while x == 2: pass",
    ],
)
async def test_the_calls_behind_one_that_does_not_end_have_their_answers(executor: Executor, body: str) -> None:
    code = f"def f(x):\n    if x != 2: return x\n    {body}\n"
    assert await executor.outputs(CALLS, code) == ["1", LATE, "3"]


@pytest.mark.slow
async def test_after_three_that_do_not_end_no_other_is_tried(executor: Executor) -> None:
    began = time.monotonic()
    found = await executor.outputs([f"f({n})" for n in range(20)], "def f(x):\n    while x: pass\n    return x\n")
    assert found == ["0", LATE, LATE, LATE, *["stopped: not run, since others took too long"] * 16]
    assert time.monotonic() - began < 15


PATCHES = """
import builtins, hashlib, json, os, re, sys, time, types, resource, reprlib, random
for module in (hashlib, json, os, re, time, resource, random, reprlib, sys):
    for name, value in list(vars(module).items()):
        if not name.startswith('__') and callable(value) and not isinstance(value, type):
            setattr(module, name, lambda *a, **k: 'forged')
def f(x):
    for name in 'repr len sorted type str set list isinstance issubclass zip id eval bytes min dict'.split():
        setattr(builtins, name, lambda *a, **k: 'forged')
    return {x: [x, 'a' * 900]}
"""


async def test_a_program_that_replaces_every_function_there_is_changes_no_text(executor: Executor) -> None:
    honest = "def f(x):\n    return {x: [x, 'a' * 900]}\n"
    assert await executor.outputs(CALLS, PATCHES) == await executor.outputs(CALLS, honest)


WRITES = """
import os
for fd in range(1, 30):
    try: os.write(fd, {data})
    except OSError: pass
def f(x): return x
"""
SPOILS = """
def f(x):
    import gc
    for o in gc.get_objects():
        if type(o).__name__ == 'Board':
            o._memory[:] = b'\\xff' * len(o._memory)
    return x
"""
FORKS = """
def f(x):
    import os, time
    if os.fork() == 0: time.sleep(99)
    return x
"""
KILLS = "import os\ndef f(x):\n    os.kill({who}, 9)\n    return x\n"


@pytest.mark.parametrize(
    "code",
    [
        WRITES.format(data=r"b'ready\nloaded\n' + b'1\n' * 99"),
        WRITES.format(data=r"b'\xff' * 3000 + b'\n\0\n'"),
        KILLS.format(who="os.getppid()"),
        KILLS.format(who="-1"),
        SPOILS,
        FORKS,
        "import os\nos.fork()\ndef f(x): return x\n",
        "import threading, time\nthreading.Thread(target=time.sleep, args=(99,)).start()\ndef f(x): return x\n",
        "import atexit, time\natexit.register(time.sleep, 99)\ndef f(x): return x\n",
        pytest.param("def f(x):\n    import os\n    while True: os.fork()\n", marks=pytest.mark.slow),
    ],
)
async def test_whatever_a_program_does_each_call_has_a_short_text(executor: Executor, code: str) -> None:
    found = await executor.outputs(CALLS, code)
    assert len(found) == 3
    assert all(text and len(text) <= MAX_OUTCOME and "\n" not in text for text in found)
    assert await executor.outputs(["f(1)"], "def f(x): return x\n") == ["1"]


async def test_without_a_call_nothing_is_said(executor: Executor) -> None:
    assert await executor.outputs([], "def f(x): return x\n") == []
