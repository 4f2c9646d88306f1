"""Ending well, ending loudly, ending in time: whatever a judge might take for success."""

from __future__ import annotations

from .case import RIGHT, tampering

_MAPPED = """
def check(candidate):
    for got, wanted in zip(map(candidate, [2, 3]), [4, 9]):
        assert got == wanted
"""
_ALL = """
def check(candidate):
    assert all(map(candidate, [2, 3]))
"""
_BARE = """
def check(candidate):
    try:
        candidate(2)
    except:
        pass
"""
_EXPECTS = """
def check(candidate):
    try:
        candidate(-1)
    except ValueError as error:
        assert str(error) == "negative"
    else:
        assert False
    assert candidate(2) == 4
"""

CASES = (
    tampering("exit at once", "leave with success before anything is asked", "import sys\nsys.exit(0)", "raised"),
    tampering("exit in a call", "leave with success when asked", "import sys\ndef f(x): sys.exit(0)", "raised"),
    tampering("hard exit", "leave without a word", "import os\ndef f(x): os._exit(0)", "raised"),
    tampering("quit()", "leave as in an interactive shell", "def f(x): quit()", "raised"),
    tampering(
        "exit from a thread",
        "leave beside the call",
        """
        import os, threading
        threading.Thread(target=os._exit, args=(0,)).start()
        def f(x):
            return 1
        """,
        "raised",
        "wrong_answer",
    ),
    tampering(
        "exit by atexit",
        "leave with success at the end",
        """
        import atexit, os
        atexit.register(os._exit, 0)
        def f(x):
            return 1
        """,
        "wrong_answer",
    ),
    tampering(
        "exit by a signal",
        "let a timer's handler leave in the middle",
        """
        import os, signal
        signal.signal(signal.SIGALRM, lambda *a: os._exit(0))
        signal.setitimer(signal.ITIMER_REAL, 0.001)
        import time
        time.sleep(0.1)
        def f(x):
            return 1
        """,
        "raised",
    ),
    tampering("exit by libc", "leave through C's exit", "import ctypes\ndef f(x): ctypes.CDLL(None).exit(0)", "raised"),
    tampering(
        "finalizer",
        "leave from __del__",
        """
        import os
        class D:
            def __del__(self): os._exit(0)
        def f(x):
            D()
            return 1
        """,
        "raised",
    ),
    tampering(
        "claims on stdout",
        "print what runners print",
        """
        print('OK\\npassed\\n1 passed in 0.01s\\n{"passed": 3, "total": 3, "failure": null}')
        def f(x):
            return 1
        """,
        "wrong_answer",
    ),
    tampering(
        "AssertionError", "raise what failed tests raise", "def f(x): raise AssertionError('expected 4')", "raised"
    ),
    tampering("StopIteration", "stop an iteration with a value", "def f(x): raise StopIteration(4)", "raised"),
    tampering(
        "StopIteration in map",
        "end the tests' own loop before its first assertion",
        "def f(x): raise StopIteration",
        "raised",
        "wrong_answer",
        check=_MAPPED,
    ),
    tampering(
        "StopIteration in all",
        "make all() true of nothing",
        "def f(x): raise StopIteration",
        "raised",
        "wrong_answer",
        check=_ALL,
    ),
    tampering(
        "a kind of StopIteration",
        "end the tests' loop by a subclass",
        "class E(StopIteration): pass\ndef f(x): raise E",
        "raised",
        "wrong_answer",
        check=_MAPPED,
    ),
    tampering(
        "StopAsyncIteration",
        "the same for asynchronous loops",
        "def f(x): raise StopAsyncIteration",
        "raised",
        check=_MAPPED,
    ),
    tampering(
        "GeneratorExit",
        "leave a generator of the tests quietly",
        "def f(x): raise GeneratorExit",
        "raised",
        check="def check(candidate):\n    assert all(candidate(v) == v * v for v in (2, 3))\n",
    ),
    tampering(
        "KeyboardInterrupt", "pretend that the user stopped the run", "def f(x): raise KeyboardInterrupt", "raised"
    ),
    tampering("SystemExit", "raise success", "def f(x): raise SystemExit(0)", "raised"),
    tampering(
        "exception group",
        "raise several at once",
        "def f(x): raise BaseExceptionGroup('g', [SystemExit(0), StopIteration()])",
        "raised",
    ),
    tampering(
        "unsayable",
        "raise what cannot be shown",
        """
        class E(Exception):
            def __str__(self): raise self
            __repr__ = __str__
        def f(x): raise E
        """,
        "raised",
    ),
    tampering(
        "unencodable",
        "raise a message that is no UTF-8",
        "class E(Exception): pass\nE.__name__ = 'E' + chr(0xd801)\ndef f(x): raise E(chr(0xd800))",
        "raised",
    ),
    tampering(
        "endless message",
        "raise a message of 100 MB",
        "def f(x): raise ValueError('x' * 10**8)",
        "raised",
        "out_of_memory",
    ),
    tampering(
        "message of another type",
        "raise with a __str__ that is a hostile subclass",
        """
        class S(str):
            def __getitem__(self, i): return 4
            def __len__(self): return 0
        class E(ValueError):
            def __str__(self): return S('x' * 5000)
        def f(x): raise E
        """,
        "raised",
    ),
    tampering(
        "lying ancestry",
        "raise with a hostile __mro__, __module__ and __class__",
        """
        class M(type):
            __module__ = 'builtins'
            def mro(cls): return [cls, *ValueError.__mro__]
        class E(ValueError, metaclass=M):
            __module__ = property(lambda s: 1 / 0)
            __class__ = StopIteration
        def f(x): raise E
        """,
        "raised",
    ),
    tampering(
        "swallowed", "die inside a bare except of the tests", "import os\ndef f(x): os._exit(0)", "raised", check=_BARE
    ),
    tampering(
        "swallowed channel",
        "close the line inside a bare except of the tests",
        "import os\ndef f(x): os.close(3)",
        "raised",
        check=_BARE,
    ),
    tampering(
        "expected error",
        "raise what one test expects, and nothing else",
        "def f(x): raise ValueError('negative')",
        "raised",
        check=_EXPECTS,
    ),
    tampering(
        "endless chain",
        "raise with a chain of causes without end",
        """
        def f(x):
            error = ValueError(1)
            error.__cause__ = error.__context__ = error
            raise error
        """,
        "raised",
    ),
    tampering(
        "deep traceback",
        "raise from 100,000 frames",
        """
        import sys
        sys.setrecursionlimit(10**6)
        def f(x):
            if x > 50000: raise ValueError
            return f(abs(x) + 1)
        """,
        "raised",
        "out_of_memory",
    ),
    tampering(
        "call attribute",
        "hang the right answer on the function",
        "def f(x): return 1\nf.__call__ = lambda x: x * x",
        "wrong_answer",
    ),
    tampering("no function", "define nothing", "g = 1", "raised"),
    tampering("not callable", "define a number of the function's name", "f = 4", "raised"),
    tampering(
        "hostile attribute",
        "make the look for the function do something else",
        """
        import sys, types
        class M(types.ModuleType):
            def __getattribute__(self, n): raise SystemExit(0)
        sys.modules['candidate'].__class__ = M
        """,
        "raised",
    ),
    tampering(
        "a right answer, once",
        "be right on the first call only",
        "calls = []\ndef f(x):\n    calls.append(x)\n    return x * x if len(calls) < 3 else 1",
        "wrong_answer",
    ),
    tampering("no program", "a source that ends the parser", "(" * 5000 + ")" * 5000, "raised", "out_of_memory"),
    tampering("null bytes", "a source with null bytes", "x = 1\0" + RIGHT, "raised"),
)
