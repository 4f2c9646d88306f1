"""Objects that stay with the candidate while the tests hold a handle on them: what the handle might be made to say."""

from __future__ import annotations

from .case import CHANNEL, EQUAL, STEPS, tampering

_ATTRIBUTES = """
def check(candidate):
    assert candidate(2).value == 4
    assert candidate(3).get() == 9
"""
_SAME = """
def check(candidate):
    assert candidate(2) == candidate(2)
    assert candidate(2) in [candidate(2)]
"""
_PAIRS = """
def check(candidate):
    assert candidate(Pair(1, 2)) == 3
    assert candidate(Pair(3, 4)) == 7
"""
_PAIR = "class Pair:\n    def __init__(self, a, b): self.a, self.b = a, b\ndef f(p): return p.a + p.b\n"
_WALK = """
def check(candidate):
    node, length = candidate(3), 0
    while node is not None:
        node, length = node.next, length + 1
    assert length == 3
"""
_MAPPED = """
def check(candidate):
    for got, wanted in zip(map(lambda v: candidate(v).value, [2, 3]), [4, 9]):
        assert got == wanted
"""
_TYPES = """
def check(candidate):
    assert isinstance(candidate(2), int) or type(candidate(2)) is int
    assert str(candidate(2)) == "4" or repr(candidate(2)) == "4"
    assert hash(candidate(2)) == hash(4)
"""

CASES = (
    tampering(
        "attributes that equal everything",
        "answer every attribute with an object equal to everything",
        """
        class A(Equal):
            def __getattr__(self, name): return self
            def __call__(self, *a, **k): return self
        def f(x): return A()
        """,
        "wrong_answer",
        uses=EQUAL,
        check=_ATTRIBUTES,
    ),
    tampering(
        "equal handles",
        "have two objects taken for the same",
        "class E(Equal): pass\ndef f(x): return E()",
        "wrong_answer",
        uses=EQUAL,
        check=_SAME,
    ),
    tampering(
        "the same number twice",
        "name two answers by the same number",
        'def f(x):\n    reply("value", \'{"h":["X",0]}\')\n    receive()',
        "wrong_answer",
        "raised",
        "forbidden",
        uses=CHANNEL,
        check="def check(candidate):\n    for _ in range(2):\n        assert candidate(2) == candidate(2)\n",
    ),
    tampering(
        "numbers of nobody",
        "send handles on objects that do not exist, with numbers that are none",
        'def f(x):\n    reply("value", \'[{"h":["X",%s]}]\' % ("-1" if x == 2 else "9" * 4000))\n    receive()',
        "wrong_answer",
        "raised",
        "forbidden",
        uses=CHANNEL,
        check=STEPS,
    ),
    tampering(
        "a handle handed back",
        "have the tests hand back a handle on nothing",
        """
        def f(x):
            reply("value", '{"h":["X",12345]}')
            mine = receive()[0]
            answer(mine, ("value", "1"))
        """,
        "wrong_answer",
        "raised",
        "forbidden",
        uses=CHANNEL,
        check="def check(candidate):\n    for _ in range(2):\n        assert candidate(candidate(2)) == 16\n",
    ),
    tampering(
        "class of a handle",
        "have a handle taken for a number",
        """
        members = {"__class__": int, "__str__": lambda s: "4", "__repr__": lambda s: "4", "__hash__": lambda s: 4}
        Four = type("4", (), members)
        def f(x): return Four()
        """,
        "wrong_answer",
        check=_TYPES,
    ),
    tampering(
        "attributes that end loops",
        "raise StopIteration where the tests read an attribute",
        """
        class A:
            def __getattr__(self, name): raise StopIteration
        def f(x): return A()
        """,
        "raised",
        "wrong_answer",
        check=_MAPPED,
    ),
    tampering(
        "attributes that leave",
        "die where the tests read an attribute",
        """
        import os
        class A:
            def __getattribute__(self, name): os._exit(0)
        def f(x): return A()
        """,
        "raised",
        check=_ATTRIBUTES,
    ),
    tampering(
        "a list without end",
        "return a linked list that never ends",
        """
        class Node:
            @property
            def next(self): return Node()
        def f(x): return Node()
        """,
        "timed_out",
        "out_of_memory",
        "raised",
        check=_WALK,
        waits=True,
        slow=True,
    ),
    tampering(
        "a borrowed class that adds up",
        "define the class that the tests build arguments with, so that sums come out",
        """
        class Pair(Equal):
            def __init__(self, *a): pass
            def __getattr__(self, name): return self
            __add__ = __radd__ = lambda s, o: s
        def f(p): return p.a + p.b
        """,
        "wrong_answer",
        uses=EQUAL,
        check=_PAIRS,
        reference=_PAIR,
    ),
    tampering(
        "no borrowed class",
        "leave out the class that the tests need, so that they seem to be broken",
        "def f(p): return 3",
        "raised",
        "wrong_answer",
        check=_PAIRS,
        reference=_PAIR,
    ),
    tampering(
        "a borrowed class that is none",
        "define it as something else",
        "Pair = 4\ndef f(p): return 3",
        "raised",
        "wrong_answer",
        check=_PAIRS,
        reference=_PAIR,
    ),
    tampering(
        "a borrowed class that leaves",
        "die where the tests build their arguments",
        "import os\nclass Pair:\n    def __init__(self, *a): os._exit(0)\ndef f(p): return 3",
        "raised",
        check=_PAIRS,
        reference=_PAIR,
    ),
    tampering(
        "more names than were borrowed",
        "define what tests use themselves",
        """
        class Pair:
            def __init__(self, *a): pass
        len = isinstance = AssertionError = check = candidate = __builtins__ = None
        def f(p): return 1
        """,
        "wrong_answer",
        "raised",
        check=_PAIRS,
        reference=_PAIR,
    ),
)
