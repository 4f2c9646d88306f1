"""What candidates try in order to be called right without being right, or to break the judge. None may pass."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from banchu.core.sealed import SealedTests, TestSuite
from banchu.core.verdict import Verdict
from banchu.sandbox import Judge, Limits

Ask = Callable[..., Verdict]
RIGHT = "def f(x):\n    return x * x\n"

EQUAL = "    def __eq__(self, o): return True\n    def __ne__(self, o): return False\n    __hash__ = object.__hash__\n"

TRICKS = {
    "an object equal to everything": f"class E:\n{EQUAL}def f(x):\n    return E()\n",
    "an int equal to everything": f"class E(int):\n{EQUAL}def f(x):\n    return E(7)\n",
    "a str equal to everything": f"class E(str):\n{EQUAL}def f(x):\n    return E('7')\n",
    "an object that claims to be an int": (
        f"class E:\n    __class__ = int\n    def __index__(s): return 4\n{EQUAL}def f(x):\n    return E()\n"
    ),
    "a metaclass equal to everything": f"class M(type):\n{EQUAL}class E(metaclass=M): pass\ndef f(x):\n    return E\n",
    "an exit that says success, at once": "import sys\nsys.exit(0)\n",
    "an exit that says success, in a call": "import sys\ndef f(x):\n    sys.exit(0)\n",
    "a hard exit": "import os\ndef f(x):\n    os._exit(0)\n",
    "an exit from a thread": (
        "import os, threading\nthreading.Thread(target=os._exit, args=(0,)).start()\ndef f(x):\n    return 1\n"
    ),
    "printing that it passed": "print('passed')\nprint('{\"passed\": 3, \"total\": 3}')\ndef f(x):\n    return 1\n",
    "an AssertionError of its own": "def f(x):\n    raise AssertionError\n",
    "stopping an iteration": "def f(x):\n    raise StopIteration(4)\n",
    "leaving by GeneratorExit": "def f(x):\n    raise GeneratorExit\n",
    "leaving by KeyboardInterrupt": "def f(x):\n    raise KeyboardInterrupt\n",
    "an exception that cannot be shown": "class E(Exception):\n    def __str__(s): raise E\ndef f(x): raise E\n",
    "patched builtins": (
        "import builtins\nbuiltins.AssertionError = builtins.len = lambda *a: True\ndef f(x):\n    return 1\n"
    ),
    "a patched operator": "import operator, ctypes\noperator.eq = lambda a, b: True\ndef f(x):\n    return 1\n",
    "small ints made equal in memory": (
        "import ctypes\ndef f(x):\n    n = 4\n    ctypes.c_int.from_address(id(n) + 24).value = 9\n    return 1\n"
    ),
    "the type of ints with another comparison": (
        "import ctypes\ndef f(x):\n    ctypes.c_void_p.from_address(id(int) + 200).value = 0\n    return 1\n"
    ),
    "its caller's frames": (
        "import sys\ndef f(x):\n    frame = sys._getframe()\n    while frame:\n"
        "        if any('check' in name or 'suite' in name for name in [*frame.f_locals, *frame.f_globals]):\n"
        "            return x * x\n        frame = frame.f_back\n    return 1\n"
    ),
    "a search of memory for the tests": (
        "import gc\ndef f(x):\n    needle = 'assert cand' + 'idate('\n    stack = gc.get_objects()\n"
        "    stack += [v for o in stack if isinstance(o, dict) for v in o.values()]\n"
        "    return x * x if any(isinstance(o, str) and needle in o for o in stack) else 1\n"
    ),
    "a hook on every later call": "import sys\nsys.settrace(None)\nsys.setprofile(id)\ndef f(x):\n    return 1\n",
    "a patched encoder": (
        "import sys\nfor name, module in list(sys.modules.items()):\n    if name.startswith('banchu'):\n"
        "        for key in list(vars(module)):\n            setattr(module, key, lambda *a, **k: True)\n"
        "def f(x):\n    return 1\n"
    ),
    "a forged answer for each call": (
        'import os, json\nbody = b\'["0","value",4]\'\nfor i in range(20):\n'
        "    os.write(3, len(body).to_bytes(4, 'big') + body)\n"
        "def f(x):\n    return 1\n"
    ),
    "forged frames of every kind": (
        "import os\nfor i in range(256):\n    os.write(3, bytes([0, 0, 0, 1, i]))\ndef f(x):\n    return 1\n"
    ),
    "a frame of four gigabytes": "import os\nos.write(3, b'\\xff' * 4)\ndef f(x):\n    return 1\n",
    "half a frame": "import os\nos.write(3, b'\\0\\0\\1\\0half')\nos._exit(0)\n",
    "a tag that would run code": (
        "import os, sys\nfrom banchu.sandbox.wire import codec\n"
        "codec.encode.__code__ = (lambda value, depth=0: {'__reduce__': ['os.system', 'true']}).__code__\n"
        "def f(x):\n    return 1\n"
    ),
    "a closed channel": "import os\nos.close(3)\ndef f(x):\n    return 1\n",
    "an endless iterator": "import itertools\ndef f(x):\n    return itertools.count()\n",
    "a range that fills the tests' memory": "def f(x):\n    return range(10**18)\n",
    "no limit to recursion": "import sys\nsys.setrecursionlimit(2**31 - 1)\ndef f(x):\n    return f(x)\n",
    "a recursion limit of nothing": "import sys\ndef f(x):\n    sys.setrecursionlimit(10)\n    return 1\n",
    "a source that breaks the parser": "(" * 5000 + ")" * 5000,
    "a decorator that answers no": "def f(x):\n    return 1\nf.__call__ = lambda x: x * x\n",
}


@pytest.mark.parametrize("trick", TRICKS)
def test_no_trick_passes_and_the_next_candidate_is_judged(ask: Ask, trick: str) -> None:
    verdict = ask(TRICKS[trick])
    assert verdict.kind in ("wrong_answer", "raised", "forbidden", "out_of_memory", "timed_out"), verdict
    assert ask(f"{RIGHT}# after: {trick}\n").passed


def test_a_candidate_that_swallows_its_question_waits_in_vain() -> None:
    judge = Judge(Limits(wall_s=1.0), slots=1)
    sealed = SealedTests(TestSuite("def check(candidate):\n    assert candidate(2) == 4\n", "f", "", ""))
    assert judge.judge_sync(sealed, f"import os\n{RIGHT}os.write(3, b'')\nos.read(3, 1 << 20)\n").kind == "timed_out"
    assert judge.judge_sync(sealed, RIGHT).passed
    judge.close()


def test_dying_inside_a_bare_except_of_the_tests_is_no_way_to_pass(ask: Ask) -> None:
    check = "def check(candidate):\n    try:\n        candidate(2)\n    except:\n        pass\n"
    assert ask(RIGHT, check).passed
    assert ask("import os\ndef f(x):\n    os._exit(0)\n", check).kind == "raised"


FORGED = ["a forged answer for each call", "forged frames of every kind", "a frame of four gigabytes"]


@pytest.mark.parametrize("trick", FORGED)
def test_what_is_no_answer_to_a_question_is_noticed(ask: Ask, trick: str) -> None:
    assert ask(TRICKS[trick] + "# noticed\n").error.startswith("wrote to the judge's channel")


RESOURCES = {
    "a fork bomb": ("import os\nwhile True:\n    os.fork()\n", {"forbidden"}),
    "a fork bomb that ignores refusals": (
        "import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass\n",
        {"timed_out"},
    ),
    "a bomb of threads": (
        "import threading, time\nwhile True:\n    threading.Thread(target=time.sleep, args=(99,)).start()\n",
        {"raised", "out_of_memory"},
    ),
    "memory by mmap": (
        "import mmap\nkeep = [mmap.mmap(-1, 1 << 26) for _ in range(99)]\n",
        {"out_of_memory", "raised"},
    ),
    "memory at once": ("x = bytearray(1 << 40)\n", {"out_of_memory"}),
    "a large number": ("x = 9 ** 9 ** 9\n", {"timed_out", "out_of_memory"}),
    "a loop in C that holds the lock": ("sum(range(10**12))\n", {"timed_out"}),
    "a loop that ignores signals": (
        "import signal\nfor s in range(1, 32):\n    try:\n        signal.signal(s, signal.SIG_IGN)\n"
        "    except (OSError, ValueError):\n"
        "        pass\nwhile True:\n    pass\n",
        {"timed_out"},
    ),
    "a flood of output": ("while True:\n    print('x' * 1000)\n", {"output_limit"}),
    "a flood on the error stream by a raw write": (
        "import os\nwhile True:\n    os.write(2, b'x' * 65536)\n",
        {"output_limit"},
    ),
    "a large file": ("open('/tmp/f', 'wb').write(b'x' * (64 << 20))\n", {"raised"}),
    "a sparse file": ("open('/tmp/f', 'wb').truncate(1 << 40)\n", {"raised"}),
    "many open files": ("keep = [open('/dev/null') for _ in range(10_000)]\n", {"raised"}),
    "many pipes": ("import os\nkeep = [os.pipe() for _ in range(10_000)]\n", {"raised"}),
    "a message that never ends": ("raise ValueError('x' * 10**8)\n", {"raised", "out_of_memory"}),
}


@pytest.mark.parametrize("bomb", RESOURCES)
def test_no_bomb_takes_the_machine_and_the_next_candidate_is_judged(ask: Ask, bomb: str) -> None:
    code, kinds = RESOURCES[bomb]
    verdict = ask(code)
    assert verdict.kind in kinds, verdict
    assert ask(f"{RIGHT}# after: {bomb}\n").passed
