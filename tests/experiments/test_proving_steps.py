"""One call, block by block: real cells, honest programs and hostile ones; and the blocks by themselves."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from banchu.experiments.executing import MAX_TRACE, Executor
from banchu.experiments.incell.blocks import places
from banchu.experiments.incell.stepped import assembled

LATE = "(stopped: the code took too long)"


@pytest.fixture(scope="module")
def executor() -> Iterator[Executor]:
    executor = Executor("namespaces")
    yield executor
    asyncio.run(executor.aclose())


def numbers(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"^\[BLOCK-(\d+)\]", text, re.M)]


EVEN = '''
def even(a):
    return a % 2 == 0


def f(n):
    """Sum of the even numbers up to n."""
    total = 0
    for i in range(n):
        if even(i):
            total += i
        elif i > 100:
            total -= 1
        else:
            continue
    return total
'''
EVEN_STEPS = """
[BLOCK-0]
    # n=2
    total = 0
    # n=2 total=0
[BLOCK-1]
    # n=2 total=0
    for i in range(n):
        if even(i):
        # n=2 total=0 i=0
[BLOCK-2] in even
    # a=0
    return a % 2 == 0
    # a=0 _ret=True
[BLOCK-3]
            # n=2 total=0 i=0
            total += i
            # n=2 total=0 i=0
[BLOCK-4]
    # n=2 total=0 i=0
    for i in range(n):
        if even(i):
        elif i > 100:
        # n=2 total=0 i=1
[BLOCK-5] in even
    # a=1
    return a % 2 == 0
    # a=1 _ret=False
[BLOCK-6]
            # n=2 total=0 i=1
            continue
            # n=2 total=0 i=1
[BLOCK-7]
    # n=2 total=0 i=1
    for i in range(n):
    # n=2 total=0 i=1
[BLOCK-8]
    # n=2 total=0 i=1
    return total
    # n=2 total=0 i=1 _ret=0
returned: 0
"""


async def test_a_run_in_the_form_of_ldb(executor: Executor) -> None:
    assert await executor.steps("f(2)", EVEN) == EVEN_STEPS.strip()


async def test_of_many_blocks_the_first_and_the_last_five_are_shown(executor: Executor) -> None:
    told = await executor.steps("f(60)", EVEN)
    assert numbers(told) == [0, 1, 2, 3, 4, 178, 179, 180, 181, 182]
    assert "[... 173 blocks left out ...]" in told
    assert told.endswith("returned: 870")
    assert len(told) <= MAX_TRACE


async def test_values_are_those_of_their_moment(executor: Executor) -> None:
    told = await executor.steps("f([])", "def f(x):\n    for i in range(3):\n        x.append(i)\n    return x\n")
    assert (
        re.findall(r"# x=(\[.*?\])", told) == ["[]", "[0]", "[0]", "[0, 1]", "[0, 1]", *["[0, 1, 2]"] * 5][: -0 or None]
    )


async def test_looking_at_the_last_blocks_of_a_recursion_does_not_end_it_sooner(executor: Executor) -> None:
    told = await executor.steps("f(0)", "def f(x):\n    return f(x + 1)\n")
    first, last = numbers(told)[:5], numbers(told)[5:]
    assert first == [0, 1, 2, 3, 4]
    assert last == list(range(last[0], last[0] + 5))
    assert f"[... {last[0] - 5} blocks left out ...]" in told
    assert "\nRecursionError: maximum recursion depth exceeded\n" in told


async def test_a_run_that_raises_is_told_to_its_end(executor: Executor) -> None:
    told = await executor.steps("f(0)", "def f(x):\n    y = x\n    z = 1 / y\n    return z\n")
    assert told.startswith("[BLOCK-0]\n    # x=0\n    y = x\n    z = 1 / y\n    # x=0 y=0\nTraceback")
    assert "line 3, in f: z = 1 / y" in told
    assert "ZeroDivisionError: division by zero" in told
    assert "return z" not in told


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("def f(x:\n", ["Loading the code fails.", "SyntaxError"]),
        ("def g(x): return 1\n", ["NameError: name 'f' is not defined"]),
        ("def f(x):\n    return f(x + 1)\n", ["[BLOCK-4]", "# x=4", "left out", "RecursionError"]),
        (
            "class A:\n    def m(self, y):\n        return y\ndef f(x):\n    return A().m(x)\n",
            ["[BLOCK-1] in m", "self="],
        ),
        ("def f(x):\n    yield x\n    x += 1\n    yield x\n", ["returned: <generator"]),
        ("def f(x):\n    return [a\n        for a in range(x)]\n", ["for a in range(x)]\n", "returned: [0, 1]"]),
        ("f = lambda x: x\n", ["returned: 2"]),
        ("def f(x):\n    print('[BLOCK-9]')\n    return 'x' * 9999\n", ["returned: 'xxx", "..."]),
        ("def f(x):\n    exec('y = 1')\n    return sorted([x, 1], key=lambda v: -v)\n", ["returned: [2, 1]"]),
    ],
)
async def test_what_is_told(executor: Executor, code: str, told: list[str]) -> None:
    text = await executor.steps("f(2)", code)
    assert [part for part in told if part not in f"{text}\n"] == []
    assert len(text) <= MAX_TRACE
    assert 9 not in numbers(text)


@pytest.mark.slow
async def test_what_had_happened_before_a_stop_is_shown(executor: Executor) -> None:
    endless = "def f(x):\n    y = x\n    while True:\n        y += 1\n"
    told = await executor.steps("f(2)", endless)
    assert numbers(told)[:5] == [0, 1, 2, 3, 4]
    assert len(numbers(told)) == 10
    assert told.endswith(f"blocks were followed)\n{LATE}")
    stuck = await executor.steps("f(2)", "def f(x):\n    y = x\n    return sum(iter(int, y - 1))\n")
    assert stuck == f"[BLOCK-0]\n    # x=2\n    y = x\n    return sum(iter(int, y - 1))\n{LATE}"
    asleep = await executor.steps("f(2)", "import time\ndef f(x):\n    y = x\n    time.sleep(99)\n")
    assert asleep.endswith(f"time.sleep(99)\n{LATE}")


@pytest.mark.slow
async def test_a_long_run_is_told_in_time_with_its_result(executor: Executor) -> None:
    told = await executor.steps(
        "f(10**6)", "def f(x):\n    s = 0\n    for i in range(x):\n        s += i\n    return s\n"
    )
    assert told.endswith("(only the first 200000 blocks were followed)\nreturned: 499999500000")


@pytest.mark.slow
async def test_memory_does_not_grow_with_the_run(executor: Executor) -> None:
    """Big values are shown short, and many blocks are not kept: a process of 768 MiB is enough."""
    code = "def f(x):\n    s = list(range(10**6))\n    for i in range(x):\n        s[0] += i\n    return len(s)\n"
    assert (await executor.steps("f(50000)", code)).endswith("returned: 1000000")


BEGINS = "[BLOCK-0]\n    # x=2\n    y = x\n"


@pytest.mark.parametrize(
    ("body", "end"),
    [
        ("import os; os._exit(0)", "(stopped: the program ended itself)"),
        ("import os; os._exit(87)", "(stopped: the program ended itself)"),
        ("import os; os.kill(os.getppid(), 9)", "(stopped: the program ended itself)"),
        ("import sys; sys.settrace(None); return y", "returned: 2"),
        ("import sys; sys.settrace = None; return y", "returned: 2"),
        ("import sys; sys._getframe().f_trace = None; return y", "returned: 2"),
        ("import sys; sys.setrecursionlimit(40); return y", "returned: 2"),
        (
            "import builtins; builtins.repr = builtins.len = builtins.str = lambda *a: 'z' * 10**6; return y",
            "returned: 2",
        ),
        ("raise SystemExit(0)", "SystemExit: 0\nlocals: x = 2, y = 2"),
    ],
)
async def test_a_program_that_tampers_is_told_as_far_as_it_was_seen(executor: Executor, body: str, end: str) -> None:
    code = "def f(x):\n    y = x\n    " + "\n    ".join(body.split("; ")) + "\n"
    told = await executor.steps("f(2)", code)
    assert len(told) <= MAX_TRACE
    if "getppid" not in body:
        assert told.startswith(BEGINS)
    assert told.endswith(end)


@pytest.mark.parametrize(
    "method",
    ["return 'x' * 10**7", "return 'a\\n[BLOCK-7]\\n' * 9", "raise ValueError", "return self.__repr__()", "return 3"],
)
async def test_objects_that_show_themselves_badly_stay_on_their_line(executor: Executor, method: str) -> None:
    code = (
        f"class A:\n    def __repr__(self):\n        {method}\ndef f(x):\n    a = A()\n    b = [a] * 99\n    return a\n"
    )
    told = await executor.steps("f(2)", code)
    assert numbers(told) == [0]
    assert len(told) < 1500
    assert "returned: " in told


def test_places_are_basic_blocks() -> None:
    found = places(EVEN)
    blocks = [
        [line for line in found if found[line].block == block] for block in sorted({p.block for p in found.values()})
    ]
    source = EVEN.split("\n")
    shown = [[source[line - 1].strip() for line in block] for block in blocks]
    assert ["for i in range(n):", "if even(i):", "elif i > 100:"] in shown
    assert ["total += i"] in shown
    assert ["return total"] in shown
    assert places("if x: y = 1\nz = 2")[1].number == 1


NESTED = st.recursive(
    st.just(["x += 1"]),
    lambda inner: st.builds(
        lambda head, body, tail: [head, *(f"    {line}" for line in body), *tail],
        st.sampled_from(["if x:", "while x:", "for i in x:", "with x:", "def g():", "class C:"]),
        inner,
        st.sampled_from([[], ["x += 2"], ["if x:", "    pass", "elif y:", "    pass", "else:", "    y += 1"]]),
    ),
    max_leaves=6,
)


@settings(deadline=None)
@given(st.lists(NESTED, min_size=1, max_size=4))
def test_every_line_has_its_place_and_places_follow_the_source(parts: list[list[str]]) -> None:
    lines = [line for part in parts for line in part]
    found = places("\n".join(lines))
    assert {line for line in range(1, len(lines) + 1) if lines[line - 1].strip() != "else:"} <= set(found)
    ordered = [found[line].number for line in sorted(found)]
    assert ordered == sorted(ordered)


@given(st.lists(st.integers(1, 1400), max_size=10), st.integers(0, 100), st.integers(0, 650))
def test_what_is_shown_has_room(sizes: list[int], more: int, end: int) -> None:
    blocks = [f"[BLOCK-{n}]".ljust(size, "x") for n, size in enumerate(sizes)]
    total = len(blocks) + (more if len(blocks) == 10 else 0)
    text = assembled(blocks, total, "e" * end)
    assert len(text) <= 3900
    assert text.endswith("e" * end)
    left = re.search(r"\[\.\.\. (\d+) block", text)
    assert len(numbers(text)) + int(left[1] if left else 0) == total
