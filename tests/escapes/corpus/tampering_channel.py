"""Forging frames: ids, sizes, order and time of the answers on the candidate's only line."""

from __future__ import annotations

from .case import CHANNEL, STEPS, tampering

CASES = (
    tampering(
        "answers in advance",
        "send answers before the questions",
        """
        import os
        body = b'["0","value",4]'
        for i in range(20):
            os.write(3, len(body).to_bytes(4, "big") + body)
        def f(x):
            return 1
        """,
        "forbidden",
    ),
    tampering(
        "guessed ids",
        "send answers with many ids",
        """
        import os
        for i in range(300):
            body = b'["%016x","value",4]' % i
            os.write(3, len(body).to_bytes(4, 'big') + body)
        def f(x):
            return 1
        """,
        "forbidden",
    ),
    tampering(
        "replayed answer",
        "give one call's answer to the next",
        """
        def f(x):
            mine = question()
            answer(mine, ('value', 4))
            answer(mine, ('value', 9))
            receive()
            return 1
        """,
        "forbidden",
        uses=CHANNEL,
        check=STEPS,
    ),
    tampering(
        "two answers",
        "answer a call twice",
        "def f(x):\n    reply('value', x * x)\n    return 1",
        "forbidden",
        uses=CHANNEL,
        check=STEPS,
    ),
    tampering(
        "answers of every kind",
        "send frames of one byte each",
        """
        import os
        for i in range(256):
            os.write(3, bytes([0, 0, 0, 1, i]))
        def f(x):
            return 1
        """,
        "forbidden",
    ),
    tampering(
        "empty frames",
        "send a hundred frames of nothing",
        """
        import os
        os.write(3, bytes(400))
        def f(x):
            return 1
        """,
        "forbidden",
    ),
    tampering(
        "four gigabytes",
        "announce a frame of 4 GiB",
        """
        import os
        os.write(3, b'\\xff' * 4)
        def f(x):
            return 1
        """,
        "forbidden",
    ),
    tampering(
        "just too long",
        "announce a byte more than is allowed",
        """
        import os
        os.write(3, (16 * 2**20 + 1).to_bytes(4, 'big'))
        def f(x):
            return 1
        """,
        "forbidden",
    ),
    tampering(
        "half a frame",
        "die in the middle of a frame",
        "import os\nos.write(3, b'\\0\\0\\1\\0half')\nos._exit(0)",
        "raised",
    ),
    tampering(
        "half a header", "die in the middle of a header", "import os\nos.write(3, b'\\0\\0')\nos._exit(0)", "raised"
    ),
    tampering(
        "closed line",
        "close the line",
        """
        import os
        os.close(3)
        def f(x):
            return 1
        """,
        "raised",
    ),
    tampering(
        "closed half",
        "close one direction after the other",
        """
        import socket
        s = socket.socket(fileno=3)
        s.shutdown(socket.SHUT_RD)
        s.shutdown(socket.SHUT_WR)
        s.detach()
        def f(x):
            return 1
        """,
        "raised",
    ),
    tampering(
        "line put elsewhere",
        "put another file where the line is",
        """
        import os
        os.dup2(1, 3)
        def f(x):
            return 1
        """,
        "raised",
        "timed_out",
        waits=True,
        slow=True,
    ),
    tampering(
        "swallowed question",
        "read the question itself and wait",
        """
        import os
        os.read(3, 1 << 20)
        def f(x):
            return x * x
        """,
        "timed_out",
        waits=True,
        slow=True,
    ),
    tampering(
        "slow drip",
        "answer a byte in a while, for ever",
        "import os, time\nwhile True:\n    os.write(3, b'\\0')\n    time.sleep(0.2)",
        "timed_out",
        "forbidden",
        waits=True,
        slow=True,
    ),
)
