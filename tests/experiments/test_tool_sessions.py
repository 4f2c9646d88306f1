"""The tool `python_session` over real cells: what lasts as long as an episode, and what ends it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.experiments.going_on import results_of
from tests.experiments.tooling import ARMS, caller, kit

from banchu.agents.tools import ToolBox
from banchu.agents.tools.builtin.cell import LOST, python_session
from banchu.benchmarks.garbage import with_garbage_tests
from banchu.core.arm import parse_arms
from banchu.experiments.tools.cells import Interpreter

DEFINES = ("python_session", {"code": "import math\nkept = kept + 1 if 'kept' in globals() else 1\nkept"})


class Talk:
    """A box with a session."""

    def __init__(self, interpreter: Interpreter) -> None:
        self.box = ToolBox([python_session(interpreter, timeout_s=5)])

    async def __call__(self, code: str) -> str:
        result = await self.box.call("python_session", json.dumps({"code": code}))
        assert (result.outcome == "failed") == result.text.endswith(LOST), result
        return result.text


@pytest.fixture
async def talk() -> AsyncIterator[Talk]:
    interpreter = Interpreter("namespaces")
    yield Talk(interpreter)
    await interpreter.aclose()


async def test_what_a_session_keeps_and_when_it_is_lost(talk: Talk) -> None:
    assert await talk("import math\ndef area(r):\n    return math.pi * r\nopen('f', 'w').write('in a file')") == "9"
    assert await talk("print(open('f').read())\narea(1)") == "in a file\n3.141592653589793"
    error = await talk("area(None)")
    assert error.splitlines()[1:3] == ['  File "<call 3>", line 1, in <module>', "    area(None)"]
    assert 'File "<call 1>", line 3, in area\n    return math.pi * r' in error
    assert (await talk("x =")).startswith('  File "<call 4>", line 1\n    x =\n')
    assert await talk("area(0)") == "0.0"
    assert await talk("import sys; sys.exit(3)") == f"python_session failed: [exit code 3]\n{LOST}"
    assert "NameError: name 'area' is not defined" in await talk("area(0)")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "told", "lost"),
    [
        ("while True: pass", "[stopped after 5 s]", True),
        ("import os; os._exit(0)", "(no output)", True),
        ("print('a' * 10**6)", "[stopped: too much output]", True),
        ("def f(): f()\nf()", "RecursionError", False),
        ("eval('(' * 500 + ')' * 500)", "Error", False),
        ("(" * 90_000, "Error", False),
        ("x = 'a\0b'", "null byte", False),
        ("raise KeyboardInterrupt", "KeyboardInterrupt", False),
        ("class E(BaseException):\n  def __str__(self): raise self\nraise E", "E", False),
        ("import sys; sys.stdout.close(); sys.stderr.close()", "(no output)", False),
        ("import sys; sys.settrace(lambda *a: 1 / 0)\ndef f(): pass\nf()", "ZeroDivisionError", False),
        ("import threading\nwhile True: threading.Thread(target=threading.Event().wait).start()", "Error", False),
        ("import os\nif os.fork() == 0: raise ValueError('below')\nelse: os.wait()", "below", False),
        ("print('python_session failed: x\\n" + LOST + "', end='!')", "anew.!", False),
        ("import builtins, os; builtins.compile = None; os.write = None", "[exit code 1]", True),
        ("import traceback; traceback.print_exception = lambda *a: 1 / 0\n1 / 0", "ZeroDivisionError", True),
        ("import signal; signal.setitimer(signal.ITIMER_REAL, 0.001)", "", True),
        ("import sys; sys.modules.clear()", "", False),
        ("import inspect, sys; f = sys._getframe(1).f_back; f.f_locals['line']", "3", False),
    ],
)
async def test_hostile_code_breaks_nothing_but_its_own_session(talk: Talk, code: str, told: str, lost: bool) -> None:
    await talk("kept = 6 * 7")
    text = await talk(code)
    assert told in text
    follows = await talk("print(kept)") if not text.endswith(LOST) else text
    ended = follows.endswith(LOST)
    assert ended == lost or (lost is False and "closed" in follows), (text, follows)
    if ended:
        assert "NameError" in await talk("print(kept)")
        assert await talk("6 * 7") == "42"


@pytest.mark.slow
async def test_each_episode_has_a_session_of_its_own(lab: Any) -> None:
    """Arms, tasks and repeats: none finds a name or a file of another's."""
    tasks, tools = lab.tasks(2), kit("python_session")
    await lab.run("all", tasks, arms=ARMS, model=caller(lab, DEFINES), rounds=1, repeats=2, kit=tools)
    with lab.ledger("all") as ledger:
        for episode in ledger.episodes():
            results = [call.result for call in episode.tool_calls]
            assert results == [str(number + 1) for number in range(len(results))]
    counts = [len(e["tools"]) for e in lab.trajectories("all").values()]
    assert len(counts) == len(parse_arms(ARMS)) * 2 * 2
    assert max(counts) > 1
    garbage = with_garbage_tests(tasks)
    await lab.run("garbage", garbage, arms=ARMS, model=caller(lab, DEFINES), rounds=1, repeats=2, kit=tools)
    assert lab.trajectories("garbage") == lab.trajectories("all")


@pytest.mark.slow
@pytest.mark.parametrize("cuts", [(2, 1), (5,), (6,)])
async def test_a_session_of_an_episode_that_goes_on_is_as_it_was_left(lab: Any, cuts: tuple[int, ...]) -> None:
    """Calls that are told again are not shown as new; those since the session last ended are run again before one."""
    codes = ["a = [1]", "a.append(2); open('f', 'w').write('x'); a", "print(a)", "import os; os._exit(1)"]
    codes += ["b = 5", "import os; b, 'a' in globals(), os.listdir()"]

    steps = [("python_session", {"code": code}) for code in codes]
    whole = await results_of(lab, "whole", ["python_session"], steps)
    assert whole[:3] == ["(no output)", "[1, 2]", "[1, 2]"]
    assert whole[3].endswith(LOST)
    assert whole[4:] == ["(no output)", "(5, False, [])"]
    assert await results_of(lab, "cut", ["python_session"], steps, cuts) == whole
