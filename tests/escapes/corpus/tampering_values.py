"""Answers that want to be equal to everything, or that break whoever compares them."""

from __future__ import annotations

from .case import EQUAL, tampering

_CHAIN = """
def check(candidate):
    assert candidate(candidate(2)) == 16
"""
_TABLE = """
def check(candidate):
    try:
        assert {4: "right"}[candidate(2)] == "right"
    except TypeError:
        assert False
"""
_CLOSE = """
def check(candidate):
    assert abs(candidate(2) - 4) < 1e-6
    assert -1e-6 < candidate(3) - 9 < 1e-6
"""
_TRUE = """
def check(candidate):
    assert candidate(2) is True
    assert candidate(3) is True
"""
_ITEMS = """
def check(candidate):
    assert [v for v in candidate(3)] == [0, 1, 2]
    assert len(candidate(3)) == 3
    assert sorted(candidate(3)) == [0, 1, 2]
"""

CASES = (
    tampering(
        "equal object", "return an object equal to everything", EQUAL + "def f(x): return Equal()", "wrong_answer"
    ),
    tampering(
        "equal int",
        "return an int of its own class, equal to everything",
        """
        class I(int):
            __eq__, __ne__, __hash__ = Equal.__eq__, Equal.__ne__, int.__hash__
        def f(x): return I(7)
        """,
        "wrong_answer",
        uses=EQUAL,
    ),
    tampering(
        "equal str",
        "return a str of its own class, equal to everything",
        """
        class S(str):
            __eq__, __ne__, __hash__ = Equal.__eq__, Equal.__ne__, str.__hash__
        def f(x): return S('7')
        """,
        "wrong_answer",
        uses=EQUAL,
    ),
    tampering(
        "equal in a list",
        "hide the object that equals everything in containers",
        EQUAL + "def f(x): return [Equal()] if x else {Equal(): (Equal(),)}",
        "wrong_answer",
        check="def check(candidate):\n    assert candidate(2) == [4]\n    assert candidate(0) == {4: (4,)}\n",
    ),
    tampering(
        "equal metaclass",
        "return a class whose metaclass agrees",
        """
        class M(type):
            __eq__, __hash__ = Equal.__eq__, type.__hash__
        class E(metaclass=M): pass
        def f(x): return E
        """,
        "wrong_answer",
        uses=EQUAL,
    ),
    tampering(
        "pretended class",
        "claim to be an int through __class__, __index__ and __int__",
        """
        class P(Equal):
            __class__ = int
            def __index__(self): return 4
            __int__ = __index__
        def f(x): return P()
        """,
        "wrong_answer",
        uses=EQUAL,
    ),
    tampering(
        "reflected",
        "be a subclass of the expected type, so that its reflected comparison is asked first",
        """
        class T(tuple):
            def __eq__(self, o): return True
            def __hash__(self): return 0
        def f(x): return T((1, 2))
        """,
        "wrong_answer",
        check="def check(candidate):\n    assert (x := candidate(2)) == (4,)\n",
    ),
    tampering(
        "always close",
        "answer abs(), subtraction and comparison with what is wanted",
        """
        class Close(float):
            def __sub__(self, other): return Close(0)
            __rsub__ = __abs__ = __lt__ = __gt__ = lambda *a: Close(0) or True
        def f(x):
            return Close(1)
        """,
        "wrong_answer",
        check=_CLOSE,
    ),
    tampering(
        "nan", "return nan where closeness is asked", "def f(x): return float('nan')", "wrong_answer", check=_CLOSE
    ),
    tampering("truthy", "return what is true without being True", "def f(x): return 1", "wrong_answer", check=_TRUE),
    tampering(
        "no bool",
        "return an object that cannot be judged true or false",
        """
        class B:
            def __bool__(self): raise SystemExit(0)
            def __eq__(self, o): return self
        def f(x): return B()
        """,
        "wrong_answer",
    ),
    tampering(
        "lying container",
        "return a list whose iterator, length and items say something else than it holds",
        """
        class L(list):
            def __iter__(self): return iter([0, 1, 2])
            def __len__(self): return 3
            def __getitem__(self, i): return i
        def f(x):
            return L([7])
        """,
        "wrong_answer",
        check=_ITEMS,
    ),
    tampering(
        "lying dict",
        "return a dict whose items, keys and lookups lie",
        """
        class D(dict):
            def items(self): return [("a", 4)]
            def __getitem__(self, key): return 4
            def __iter__(self): return iter(["a"])
            def __missing__(self, key): return 4
        def f(x):
            return D(b=1)
        """,
        "wrong_answer",
        check="""
        def check(candidate):
            assert candidate(2) == {'a': 4}
            assert candidate(2)['a'] == 4
        """,
    ),
    tampering(
        "ordered right",
        "return an object that sorts, hashes and contains as wanted",
        """
        class S(Equal):
            def __contains__(self, v): return True
            def __iter__(self): return iter([4])
            def __len__(self): return 1
        def f(x): return S()
        """,
        "wrong_answer",
        check="def check(candidate):\n    assert 4 in candidate(2)\n    assert sorted(candidate(2)) == [4]\n",
        uses=EQUAL,
    ),
    tampering(
        "shared argument",
        "change the argument so that it equals the wrong answer",
        "def f(x):\n    x.clear()\n    return x",
        "wrong_answer",
        check="def check(candidate):\n    given = [3, 1, 2]\n    assert candidate(given) == sorted(given)\n",
    ),
    tampering(
        "the argument's class",
        "change the class of what is compared through the argument",
        """
        def f(x):
            try:
                type(x).__eq__ = Equal.__eq__
            except TypeError:
                pass
            return 1
        """,
        "wrong_answer",
        uses=EQUAL,
    ),
    tampering(
        "handed back",
        "return an object that the tests hand back, so that they seem to be broken",
        "def f(x): return object()",
        "wrong_answer",
        "raised",
        check=_CHAIN,
    ),
    tampering(
        "handed back too deep",
        "return something that is too deep to be handed back",
        "def f(x):\n    for _ in range(100):\n        x = [x]\n    return x",
        "wrong_answer",
        "raised",
        "output_limit",
        check=_CHAIN,
    ),
    tampering(
        "a key that cannot be said",
        "make the tests raise an exception whose message cannot be made",
        "def f(x): return 10 ** 6000",
        "wrong_answer",
        check=_TABLE,
    ),
    tampering(
        "signalling nan",
        "return a number that raises when it is compared or hashed",
        """
        from decimal import Decimal
        def f(x): return {1: Decimal('sNaN')} if x == 2 else Decimal('sNaN')
        """,
        "wrong_answer",
    ),
    tampering(
        "surrogates",
        "return and print text that is no UTF-8",
        """
        print(chr(0xd800), file=__import__('sys').stderr)
        def f(x): return {chr(0xdfff): [chr(0xd800)]}
        """,
        "wrong_answer",
    ),
    tampering("a module", "return a module", "import os\ndef f(x): return os", "wrong_answer"),
    tampering(
        "itself",
        "return a list that holds itself",
        "def f(x):\n    x = []\n    x.append(x)\n    return x",
        "wrong_answer",
    ),
    tampering(
        "a lying name",
        "return an object whose class has a hostile name and repr",
        """
        class M(type):
            __name__ = property(lambda s: 1 / 0)
            def __repr__(s): raise SystemExit
        class E(metaclass=M):
            __repr__ = __str__ = M.__repr__
        def f(x): return E()
        """,
        "wrong_answer",
        "raised",
    ),
    tampering(
        "hooked pickling",
        "hope that the answer is pickled, copied or described",
        """
        class P:
            def __reduce__(self): return (print, ("passed",))
            __getstate__ = __copy__ = __deepcopy__ = __repr__ = __format__ = __reduce__
        def f(x):
            return P()
        """,
        "wrong_answer",
    ),
    tampering(
        "a generator that lies",
        "yield forever, leave by exceptions, look at its caller",
        "def f(x):\n    yield 4\n    raise GeneratorExit",
        "wrong_answer",
        "raised",
    ),
    tampering("a coroutine", "return a coroutine", "async def f(x): return x * x", "wrong_answer"),
)
