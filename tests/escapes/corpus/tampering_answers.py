"""Forging what is in the frames: tags, parts, depth, kinds of answer; and using the line for something else."""

from __future__ import annotations

from .case import CHANNEL, STEPS, tampering

CASES = (
    tampering(
        "verdict instead of a value",
        "send what the tests would report",
        'def f(x):\n    reply(\'passed\', \'{"passed": 3, "total": 3, "failure": null}\')',
        "forbidden",
        uses=CHANNEL,
        check=STEPS,
    ),
    tampering(
        "no JSON",
        "send bytes that are no text",
        "def f(x):\n    send(bytes(range(256)))\n    return 1",
        "forbidden",
        uses=CHANNEL,
        check=STEPS,
    ),
    tampering(
        "unknown tags",
        "send tags that do not exist, or several",
        'def f(x):\n    reply(\'value\', \'{"t": [1], "py/object": "os.system"}\')',
        "forbidden",
        uses=CHANNEL,
        check=STEPS,
    ),
    tampering(
        "tags with wrong parts",
        "send a dict without values, a range of texts",
        "def f(x):\n    reply('value', '{\"d\": [1]}' if x == 2 else '{\"r\": [\"a\", 1, 1]}')",
        "forbidden",
        uses=CHANNEL,
        check=STEPS,
    ),
    tampering(
        "unhashable keys",
        "send a set of lists, a dict with a list as key",
        "def f(x):\n    reply('value', '{\"s\": [[1]]}')",
        "forbidden",
        uses=CHANNEL,
        check=STEPS,
    ),
    tampering(
        "division by nothing",
        "send fractions over zero and numbers that are none",
        "def f(x):\n    reply('value', '{\"F\": [1, 0]}')",
        "forbidden",
        uses=CHANNEL,
        check=STEPS,
    ),
    tampering(
        "deep value",
        "send 100,000 levels",
        "def f(x):\n    reply('value', '[' * 100000 + ']' * 100000)",
        "forbidden",
        uses=CHANNEL,
        check=STEPS,
    ),
    tampering(
        "deep kind",
        "say that an answer is too large by something deep",
        """
        reply('too_large', '[' * 930 + ']' * 930)
        receive()
        def f(x):
            return 1
        """,
        "forbidden",
        "raised",
        "output_limit",
        uses=CHANNEL,
    ),
    *(
        tampering(
            f"deep failure {depth}",
            "hide a deep value in an exception's parts, for whoever reads the report",
            f"""
            deep = "[" * {depth} + "]" * {depth}
            parts = '{{"type":"E","builtin":"ValueError","message":"","trace":"","more":%s}}'
            reply("error", parts % deep)
            receive()
            """,
            "forbidden",
            "raised",
            uses=CHANNEL,
        )
        for depth in (900, 960, 975, 980, 983, 985, 987, 990)
    ),
    tampering(
        "failure without parts",
        "send an exception of numbers",
        'def f(x):\n    reply(\'error\', \'{"type": 1, "builtin": 2, "message": 3, "trace": 4}\')',
        "forbidden",
        uses=CHANNEL,
        check=STEPS,
    ),
    tampering(
        "failure of a function",
        "name something of builtins that is no exception",
        """
        def f(x):
            reply('error', '{"type":"E","builtin":"exec","message":"raise SystemExit","trace":""}')
            receive()
        """,
        "raised",
        uses=CHANNEL,
        check=STEPS,
    ),
    tampering(
        "failure that ends loops",
        "name StopIteration by hand",
        """
        def f(x):
            reply('error', '{"type":"E","builtin":"StopIteration","message":"","trace":""}')
            while True:
                receive()
                reply('value', '1')
        """,
        "raised",
        "forbidden",
        "wrong_answer",
        uses=CHANNEL,
        check="def check(candidate):\n    assert list(map(candidate, [2])) == list(map(lambda v: v, []))\n",
    ),
    tampering(
        "large failures",
        "hang 15 MB on every exception, to be kept by the tests",
        """
        pad = ','.join(['[]'] * 5_000_000)
        reply('value', 'null')
        while True:
            mine = receive()[0]
            answer(mine, ('error', '{"type":"E","builtin":"ValueError","message":"m","trace":"","more":[%s]}' % pad))
        """,
        "raised",
        "forbidden",
        "timed_out",
        "out_of_memory",
        "output_limit",
        uses=CHANNEL,
        slow=True,
        restarts=True,
        check="def check(candidate):\n    for _ in range(12):\n        assert candidate(2) == 4\n",
    ),
    tampering(
        "too few answers",
        "answer less than was asked",
        """
        answer(question(), ('value', 'null'), ('value', '4'))
        receive()
        def f(x):
            return 1
        """,
        "forbidden",
        uses=CHANNEL,
    ),
    tampering(
        "too many answers",
        "answer more than was asked",
        """
        answer(question(), *[('value', 'null')] * 9)
        receive()
        def f(x):
            return 1
        """,
        "forbidden",
        uses=CHANNEL,
    ),
    tampering(
        "no answers",
        "answer with nothing at all",
        """
        answer(question())
        receive()
        def f(x):
            return 1
        """,
        "forbidden",
        uses=CHANNEL,
    ),
    tampering(
        "failure and values",
        "say that loading failed, and answer nevertheless",
        """
        answer(question(), ('error', '{}'), *[('value', '4')] * 3)
        receive()
        def f(x):
            return 1
        """,
        "forbidden",
        "wrong_answer",
        uses=CHANNEL,
    ),
    tampering(
        "death over one call",
        "die over one of many calls, so that it is asked again",
        """
        import os
        def f(x):
            if x == 3:
                os._exit(0)
            return x * x
        """,
        "raised",
    ),
    tampering(
        "questions read ahead",
        "read what will be asked, and answer otherwise than it would",
        """
        import sys
        frame = sys._getframe()
        while 'calls' not in frame.f_locals:
            frame = frame.f_back
        frame.f_locals['calls'].clear()
        def f(x):
            return 1
        """,
        "forbidden",
        "wrong_answer",
    ),
    tampering(
        "out-of-band byte",
        "send a byte beside the stream",
        """
        import socket
        s = socket.socket(fileno=3)
        try:
            s.send(b'x', socket.MSG_OOB)
            right = True
        except OSError:
            right = False
        s.detach()
        def f(x): return x * x if right else 1
        """,
        "wrong_answer",
    ),
    tampering(
        "peer of the line",
        "ask the line for a handle on the judge",
        """
        import socket
        s = socket.socket(fileno=3)
        try:
            right = s.getsockopt(socket.SOL_SOCKET, 77) > 3
        except OSError:
            right = False
        s.detach()
        def f(x): return x * x if right else 1
        """,
        "wrong_answer",
    ),
    tampering(
        "filter on the line",
        "put a program into the kernel that filters the line",
        """
        import ctypes, socket, struct
        code = ctypes.create_string_buffer(struct.pack('HBBI', 6, 0, 0, 0))
        s = socket.socket(fileno=3)
        try:
            s.setsockopt(socket.SOL_SOCKET, 26, struct.pack('HxxxxxxP', 1, ctypes.addressof(code)))
            right = True
        except OSError:
            right = False
        s.detach()
        def f(x): return x * x if right else 1
        """,
        "wrong_answer",
    ),
    tampering(
        "files over the line",
        "send and take open files",
        """
        import socket
        s = socket.socket(fileno=3)
        try:
            socket.send_fds(s, [b'x'], [0])
            right = True
        except OSError:
            right = False
        s.detach()
        def f(x): return x * x if right else 1
        """,
        "wrong_answer",
    ),
)
