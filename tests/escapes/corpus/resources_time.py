"""Wanting more time: of the processor, of the clock, of the judge itself."""

from __future__ import annotations

from .case import CHANNEL, LIBC, STEPS, bomb, tampering

CASES = (
    bomb("loop", "never end", "while True:\n    pass", "timed_out", slow=True),
    bomb("loop in C", "never end, and hold the interpreter's lock", "sum(range(10**12))", "timed_out", slow=True),
    bomb(
        "ignores signals",
        "never end, whatever signal comes",
        """
        import signal
        for number in range(1, 65):
            try:
                signal.signal(number, signal.SIG_IGN)
            except (OSError, ValueError):
                pass
        signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
        while True:
            pass
        """,
        "timed_out",
        slow=True,
    ),
    bomb(
        "swallows everything",
        "catch whatever would stop it",
        """
        while True:
            try:
                while True:
                    pass
            except BaseException:
                pass
        """,
        "timed_out",
        slow=True,
    ),
    bomb("sleep", "sleep for an hour", "import time\ntime.sleep(3600)", "timed_out", waits=True, slow=True),
    bomb(
        "sleeps through signals",
        "sleep with all signals blocked",
        "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\nsignal.pause()",
        "timed_out",
        waits=True,
        slow=True,
    ),
    bomb(
        "deadlock",
        "wait for a lock that it holds",
        "import threading\nlock = threading.Lock()\nlock.acquire()\nlock.acquire()",
        "timed_out",
        waits=True,
        slow=True,
    ),
    bomb(
        "threads at work",
        "use all processors",
        """
        import hashlib, threading
        def work():
            data = bytes(1 << 20)
            while True:
                hashlib.sha256(data).digest()
        for _ in range(2):
            threading.Thread(target=work).start()
        work()
        """,
        "timed_out",
        slow=True,
    ),
    bomb(
        "waiting for input",
        "read what nobody types",
        "import os\nr, w = os.pipe()\nos.read(r, 1)",
        "timed_out",
        waits=True,
        slow=True,
    ),
    bomb("input", "read standard input", "assert input()", "raised"),
    bomb(
        "regular expression",
        "match what takes exponential time",
        "import re\nassert re.match(r'(a+)+$', 'a' * 64 + 'b')",
        "timed_out",
        slow=True,
    ),
    bomb("large number", "compute a tower of powers", "x = 9 ** 9 ** 9", "timed_out", "out_of_memory", slow=True),
    bomb(
        "digits",
        "turn a large number into digits",
        "import sys\nsys.set_int_max_str_d" + "igits(0)\nassert str(3 ** 10**7)",
        "timed_out",
        slow=True,
    ),
    bomb(
        "slow comparison",
        "return objects that take for ever to be compared",
        """
        import time
        class S:
            def __eq__(self, o): time.sleep(3600)
            __hash__ = __bool__ = __lt__ = __eq__
        def g(x): return S()
        f = 1
        del f
        assert False
        """,
        "raised",
    ),
    bomb("fork bomb", "fork for ever", "import os\nwhile True:\n    os.fork()", "forbidden", "raised"),
    bomb(
        "stubborn fork bomb",
        "fork for ever, whatever is said",
        """
        import os
        while True:
            try:
                os.fork()
            except OSError:
                pass
        """,
        "timed_out",
        slow=True,
    ),
    bomb(
        "timer storm",
        "have a signal come all the time",
        """
        import signal
        signal.signal(signal.SIGALRM, lambda *a: None)
        signal.setitimer(signal.ITIMER_REAL, 1e-6, 1e-6)
        while True:
            pass
        """,
        "timed_out",
        "raised",
        slow=True,
    ),
    bomb(
        "signal without a name",
        "die by a real-time signal of a timer",
        """
        import struct, time
        event, timer = ctypes.create_string_buffer(64), ctypes.c_void_p()
        struct.pack_into("Pii", event, 0, 0, 40, 0)
        assert libc.timer_create(1, event, ctypes.byref(timer)) == 0
        libc.timer_settime(timer, 0, ctypes.create_string_buffer(struct.pack("qqqq", 0, 0, 0, 10**7)), None)
        time.sleep(0.3)
        raise OSError("still here")
        """,
        "raised",
        uses=LIBC,
    ),
    bomb(
        "finalizers at the end",
        "never end ending",
        """
        import atexit, time
        atexit.register(time.sleep, 3600)
        class D:
            def __del__(self): time.sleep(3600)
        d = D()
        raise ValueError
        """,
        "raised",
    ),
    bomb(
        "compiler",
        "take the compiler's time",
        "compile('+'.join(['1'] * 10**6), 'x', 'eval')\nassert False",
        "timed_out",
        "raised",
        "out_of_memory",
        slow=True,
    ),
    bomb("parser", "send the parser deep", "eval('-' * 10**5 + '1')\nassert False", "raised", "out_of_memory"),
    tampering(
        "a thread that stays",
        "return rightly once and never end",
        """
        import threading, time
        threading.Thread(target=time.sleep, args=(3600,)).start()
        def f(x): return 1
        """,
        "wrong_answer",
    ),
    tampering(
        "time of the tests",
        "return what the tests take for ever to go through",
        "def f(x): return range(10**12)",
        "timed_out",
        waits=True,
        slow=True,
        restarts=True,
        check="def check(candidate):\n    assert sum(1 for _ in candidate(2)) == 4\n",
    ),
    tampering(
        "colliding keys",
        "return a dict whose keys all hash alike",
        """
        def f(x): return {i * (2**61 - 1): 0 for i in range(20)}
        import json
        body = ','.join('%d,0' % (i * (2**61 - 1)) for i in range(60_000))
        def f(x):
            reply('value', '{"d":[%s]}' % body)
            receive()
        """,
        "timed_out",
        "wrong_answer",
        "forbidden",
        waits=True,
        slow=True,
        restarts=True,
        uses=CHANNEL,
        check=STEPS,
    ),
    tampering(
        "fraction of two long numbers",
        "return what takes for ever to be reduced",
        """
        number = '7' * 4_000_000
        def f(x):
            reply('value', '{"F":[{"i":"%s"},{"i":"3%s"}]}' % (number, number))
            receive()
        """,
        "timed_out",
        "wrong_answer",
        "forbidden",
        "output_limit",
        waits=True,
        slow=True,
        restarts=True,
        uses=CHANNEL,
        check=STEPS,
    ),
)
