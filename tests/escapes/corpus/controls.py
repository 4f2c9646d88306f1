"""Honest programs, which do what honest programs do. They must pass on every tier."""

from __future__ import annotations

from .case import control

CASES = (
    control("plain", "square", "def f(x): return x * x"),
    control(
        "threads at once",
        "have twelve threads that wait for each other",
        """
        import threading
        def f(x):
            found, met = [], threading.Barrier(12)
            def work():
                met.wait(5)
                found.append(bytearray(1000)[0] + x)
            threads = [threading.Thread(target=work) for _ in range(12)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert len(found) == 12
            return found[0] * x
        """,
    ),
    control(
        "temporary files",
        "write, read and remove files",
        """
        import pathlib, tempfile
        def f(x):
            with tempfile.TemporaryDirectory() as d:
                for i in range(50):
                    pathlib.Path(d, str(i)).write_text('x' * 1000)
                pathlib.Path(d, 'n').write_text(str(x))
                return int(pathlib.Path(d, 'n').read_text()) ** 2
        """,
    ),
    control(
        "several folders",
        "copy, move and pack files",
        """
        import os, shutil, tempfile
        def f(x):
            d = tempfile.mkdtemp()
            os.makedirs(d + '/a/b')
            open(d + '/a/b/c', 'w').write(str(x * x))
            shutil.copytree(d + '/a', d + '/z')
            os.chmod(d + '/z', 0o700)
            shutil.move(d + '/z/b/c', d + '/y')
            n = int(open(d + '/y').read())
            shutil.rmtree(d)
            return n
        """,
    ),
    control(
        "sqlite",
        "ask a data base in memory",
        """
        import sqlite3
        def f(x):
            with sqlite3.connect(':memory:') as c:
                return c.execute('select ? * ?', (x, x)).fetchone()[0]
        """,
    ),
    control(
        "ctypes",
        "compute in C, and be called from it",
        """
        import ctypes
        libc = ctypes.CDLL(None)
        T = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))
        def f(x):
            a = (ctypes.c_int * 3)(3, 1, 2)
            libc.qsort(a, 3, 4, T(lambda p, q: p[0] - q[0]))
            assert list(a) == [1, 2, 3]
            return libc.abs(x) ** 2
        """,
    ),
    control(
        "recursion",
        "recurse 50,000 deep",
        """
        import sys
        sys.setrecursionlimit(10**6)
        def g(n): return 0 if n == 0 else 1 + g(n - 1)
        def f(x):
            assert g(20_000) == 20_000
            return x * x
        """,
    ),
    control(
        "generators",
        "return iterators",
        "def f(n):\n    yield from range(n)\n    yield 'end'",
        """
        def check(candidate):
            assert list(candidate(3)) == [0, 1, 2, 'end']
            assert next(candidate(1)) == 0
        """,
    ),
    control(
        "dataclasses",
        "use classes of its own",
        """
        from dataclasses import dataclass, field
        from enum import Enum
        class C(Enum):
            A = 1
        @dataclass(order=True)
        class P:
            n: int
            rest: list = field(default_factory=list)
        def f(x): return sorted([P(x), P(x)])[0].n ** 2 * C.A.value
        """,
    ),
    control(
        "exact numbers",
        "return decimals, fractions, complex and long numbers",
        """
        from decimal import Decimal
        from fractions import Fraction
        def f(x): return [Decimal('1.10') * x, Fraction(1, 3) * x, x * 1j, 7 ** 9999 * x]
        """,
        """
        from decimal import Decimal
        from fractions import Fraction
        def check(candidate):
            assert candidate(2) == [Decimal('2.20'), Fraction(2, 3), 2j, 7 ** 9999 * 2]
        """,
    ),
    control(
        "large answers",
        "return 100,000 numbers and a megabyte of text",
        "def f(x): return [list(range(x)), 'x' * 10 * x]",
        """
        def check(candidate):
            assert candidate(100_000) == [list(range(100_000)), 'x' * 1_000_000]
        """,
    ),
    control(
        "much output",
        "print much, to both streams",
        """
        import sys
        def f(x):
            print('x' * 10_000)
            print('y' * 10_000, file=sys.stderr)
            return x * x
        """,
    ),
    control(
        "changed arguments",
        "change its argument and return it",
        "def f(x):\n    x.sort()\n    x.append(len(x))\n    return x",
        """
        def check(candidate):
            assert candidate([3, 1, 2]) == [1, 2, 3, 3]
            assert candidate([]) == [0]
        """,
    ),
    control(
        "subclasses of int",
        "return numbers that are of another class",
        """
        from enum import IntEnum
        class E(IntEnum):
            FOUR = 4
        class I(int): pass
        def f(x): return I(x * x) if x != 2 else E.FOUR
        """,
    ),
    control(
        "collections",
        "return what collections are made of",
        """
        from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
        P = namedtuple('P', 'a b')
        def f(x):
            some = [Counter('aab'), OrderedDict(a=1), defaultdict(int, a=1)]
            return [*some, deque([1]), P(1, 2), {1: {2}}, frozenset('a')]
        """,
        """
        def check(candidate):
            got = candidate(2)
            assert got[0] == {'a': 2, 'b': 1} and got[1] == got[2] == {'a': 1}
            assert list(got[3]) == [1] and got[4] == (1, 2) and got[5:] == [{1: {2}}, frozenset('a')]
        """,
    ),
    control(
        "expected errors",
        "raise what the tests expect",
        "def f(x):\n    if x < 0:\n        raise ValueError('negative')\n    return x",
        """
        def check(candidate):
            assert candidate(1) == 1
            try:
                candidate(-1)
                assert False
            except ValueError as error:
                assert str(error) == 'negative'
        """,
    ),
    control(
        "text",
        "return text of many scripts",
        "def f(x): return '\\u0000반추 🦉 ' + chr(0x10ffff) + x",
        "def check(candidate):\n    assert candidate('é') == '\\u0000반추 🦉 ' + chr(0x10ffff) + 'é'\n",
    ),
    control(
        "standard library",
        "import widely",
        """
        import asyncio, base64, csv, datetime, difflib, email, hashlib, html, http, io, json, logging, lzma, pickle
        import pprint, queue, re, secrets, shlex, socket, statistics, string, struct, tempfile, textwrap, unittest
        import urllib.parse, uuid, xml.etree.ElementTree, zipfile, zlib
        def f(x): return pickle.loads(pickle.dumps(x * x))
        """,
    ),
    control(
        "asynchronous",
        "run an event loop",
        """
        import asyncio
        async def g(x):
            await asyncio.sleep(0.001)
            return x * x
        def f(x): return asyncio.run(g(x))
        """,
    ),
    control(
        "random",
        "draw, and be the same every time",
        """
        import random
        first = random.random()
        assert first == random.Random(0).random()
        def f(x): return sum(random.choice([x]) for _ in range(abs(x))) * (1 if x > 0 else -1)
        """,
    ),
    control(
        "clocks",
        "wait a little, and tell the time",
        """
        import datetime, time
        def f(x):
            start = time.monotonic()
            time.sleep(0.01)
            assert 0.01 <= time.monotonic() - start < 5 and datetime.datetime.now().year > 2000
            return x * x
        """,
    ),
    control(
        "signals",
        "use an alarm of its own",
        """
        import signal, time
        class Late(Exception): pass
        def late(*a): raise Late
        def f(x):
            signal.signal(signal.SIGALRM, late)
            signal.setitimer(signal.ITIMER_REAL, 0.02)
            try:
                time.sleep(5)
            except Late:
                return x * x
        """,
    ),
    control("memory", "use 100 MB", "def f(x):\n    data = bytearray(100 << 20)\n    return x * x + data[-1]"),
    control(
        "leaving quietly",
        "leave a thread and a file behind",
        """
        import threading, time
        threading.Thread(target=time.sleep, args=(60,)).start()
        open('left', 'w').write('x')
        def f(x): return x * x
        """,
    ),
    control(
        "attributes of any name",
        "return objects of its own with whatever attributes",
        """
        class Node:
            def __init__(self, number):
                self.number, self.type_name, self.name, self.value, self._remote = number, "mine", "n", [number], 5
            def square(self): return self.number ** 2
        def f(x): return Node(x)
        """,
        """
        def check(candidate):
            assert candidate(7).square() == 49
            assert candidate(7).number == 7
            assert candidate(7).type_name == "mine" and candidate(7).name == "n"
            assert candidate(7).value == [7] and candidate(7)._remote == 5
        """,
    ),
)
