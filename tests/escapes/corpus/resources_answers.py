"""Answers that want the memory of those who read them."""

from __future__ import annotations

from .case import CHANNEL, STEPS, tampering

CASES = (
    tampering(
        "endless iterator",
        "return an iterator without end",
        "import itertools\ndef f(x): return itertools.count()",
        "wrong_answer",
        "timed_out",
        "out_of_memory",
    ),
    tampering("range", "return a range of 10**18", "def f(x): return range(10**18)", "wrong_answer"),
    tampering(
        "huge range in a list",
        "have the tests list it",
        "def f(x): return range(10**12)",
        "wrong_answer",
        "timed_out",
        "out_of_memory",
        check="def check(candidate):\n    assert list(candidate(2)) == [4]\n",
        restarts=True,
    ),
    tampering(
        "huge text", "return 30 MB of text", "def f(x): return 'x' * (30 << 20)", "output_limit", "out_of_memory"
    ),
    tampering(
        "huge list",
        "return three million numbers",
        "def f(x): return [0] * 3_000_000",
        "output_limit",
        "out_of_memory",
        slow=True,
    ),
    tampering(
        "huge number",
        "return a number of 20 MB",
        "def f(x): return 1 << (8 * 20 << 20)",
        "output_limit",
        "out_of_memory",
        slow=True,
    ),
    tampering(
        "shared parts",
        "return a small value that is huge when written out",
        "def f(x):\n    for _ in range(60):\n        x = [x, x]\n    return x",
        "out_of_memory",
        "timed_out",
        "output_limit",
        slow=True,
    ),
    tampering(
        "empty lists",
        "send five million empty lists",
        """
        body = '[' + ','.join(['[]'] * 5_000_000) + ']'
        def f(x):
            reply('value', body)
            receive()
        """,
        "output_limit",
        "out_of_memory",
        uses=CHANNEL,
        check=STEPS,
        slow=True,
    ),
    tampering(
        "many digits",
        "send a number of five million digits, which takes quadratic time to read",
        "def f(x):\n    reply('value', '9' * 5_000_000)\n    receive()",
        "forbidden",
        uses=CHANNEL,
        check=STEPS,
    ),
    tampering(
        "exponents",
        "send numbers with exponents that overflow",
        """
        def f(x):
            reply('value', '[1e999999999, {"D": "1e999999999999999999"}]')
            receive()
        """,
        "wrong_answer",
        "forbidden",
        "raised",
        uses=CHANNEL,
        check=STEPS,
    ),
    tampering(
        "decimal blown up",
        "return a decimal that is huge as an int",
        "from decimal import Decimal\ndef f(x): return Decimal('1e9999999')",
        "wrong_answer",
        "timed_out",
        "out_of_memory",
        check="def check(candidate):\n    assert int(candidate(2)) % 10 == 4\n",
        slow=True,
        restarts=True,
        waits=True,
    ),
)
