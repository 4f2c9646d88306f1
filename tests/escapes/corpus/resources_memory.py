"""Wanting more memory, and breaking what lies in it."""

from __future__ import annotations

from .case import LIBC, bomb

CASES = (
    bomb("at once", "ask for a terabyte", "x = bytearray(1 << 40)", "out_of_memory"),
    bomb(
        "bit by bit",
        "ask for memory until there is none",
        "keep = []\nwhile True:\n    keep.append(bytearray(1 << 20))",
        "out_of_memory",
    ),
    bomb(
        "small objects",
        "fill memory with small objects",
        "keep = [None]\nwhile True:\n    keep = [keep, keep]\n    keep[0] = [0] * 4096",
        "out_of_memory",
        "timed_out",
        slow=True,
    ),
    bomb(
        "mapped",
        "map memory",
        "import mmap\nkeep = [mmap.mmap(-1, 1 << 26) for _ in range(99)]",
        "out_of_memory",
        "raised",
    ),
    bomb(
        "mapped and shared",
        "map memory that is a file's",
        "import mmap\nkeep = [mmap.mmap(-1, 1 << 26, flags=mmap.MAP_SHARED) for _ in range(99)]",
        "out_of_memory",
        "raised",
    ),
    bomb(
        "mapped in C",
        "map memory behind the interpreter's back",
        """
        libc.mmap.restype = ctypes.c_void_p
        keep = [libc.mmap(None, 1 << 30, 3, 0x22, -1, 0) for _ in range(64)]
        assert all(k != 2**64 - 1 for k in keep)
        """,
        "out_of_memory",
        "raised",
        uses=LIBC,
    ),
    bomb(
        "large pages",
        "map large pages",
        """
        libc.mmap.restype = ctypes.c_void_p
        assert libc.mmap(None, 1 << 30, 3, 0x40022, -1, 0) != 2**64 - 1
        """,
        "raised",
        "out_of_memory",
        uses=LIBC,
    ),
    bomb(
        "stacks",
        "give each thread a large stack",
        """
        import threading, time
        threading.stack_size(1 << 28)
        for _ in range(99):
            threading.Thread(target=time.sleep, args=(99,)).start()
        """,
        "raised",
        "out_of_memory",
    ),
    bomb(
        "many threads",
        "start threads until there are none",
        """
        import threading, time
        while True:
            threading.Thread(target=time.sleep, args=(99,)).start()
        """,
        "raised",
        "out_of_memory",
    ),
    bomb(
        "endless recursion",
        "recurse without a limit",
        "import sys\nsys.setrecursionlimit(2**31 - 1)\ndef g(x): return g(x)\ng(1)",
        "raised",
        "timed_out",
        "out_of_memory",
        slow=True,
    ),
    bomb(
        "recursion in C",
        "recurse through C",
        """
        import sys
        sys.setrecursionlimit(10**9)
        x = []
        for _ in range(10**6):
            x = [x]
        assert repr(x) == 1
        """,
        "raised",
        "timed_out",
        "out_of_memory",
        slow=True,
    ),
    bomb(
        "deep destructor",
        "free a chain of a million objects",
        """
        class N: pass
        n = None
        for _ in range(10**6):
            m = N()
            m.n = n
            n = m
        del n, m
        raise ValueError
        """,
        "raised",
        "timed_out",
        "out_of_memory",
        slow=True,
    ),
    bomb("segmentation fault", "write to address 0", "import ctypes\nctypes.memset(0, 1, 1)", "raised"),
    bomb(
        "bus error",
        "read a mapped file past its end",
        """
        import ctypes, mmap
        open('x', 'wb').write(b'x' * 4096)
        m = mmap.mmap(open('x', 'r+b').fileno(), 4096)
        open('x', 'wb').close()
        m[0]
        """,
        "raised",
    ),
    bomb(
        "illegal instruction",
        "run what is no instruction",
        """
        import ctypes, mmap
        p = mmap.mmap(-1, 4096, prot=7)
        p.write(bytes.fromhex('0f0b') * 8)
        ctypes.CFUNCTYPE(None)(ctypes.addressof(ctypes.c_char.from_buffer(p)))()
        """,
        "raised",
    ),
    bomb("abort", "abort", "import ctypes\nctypes.CDLL(None).abort()", "raised"),
    bomb(
        "smashed heap",
        "write over the allocator's memory",
        """
        import ctypes
        for _ in range(99):
            ctypes.memset(id(object()) - 4096, 0xff, 8192)
        x = [object() for _ in range(99999)]
        raise ValueError
        """,
        "raised",
        "out_of_memory",
    ),
    bomb(
        "garbage",
        "keep the collector busy with large cycles",
        "while True:\n    x = [0] * 10**6\n    x[0] = x",
        "timed_out",
        "out_of_memory",
        slow=True,
    ),
    bomb(
        "text of a repeated text",
        "multiply a text",
        "x = 'x' * 10**5\nwhile True:\n    x = x.replace('x', 'xxxxxxxxxx')",
        "out_of_memory",
    ),
    bomb(
        "unpacking",
        "unpack what grows a thousandfold",
        """
        import zlib
        bomb = zlib.compress(bytes(1 << 26))
        x = [zlib.decompress(bomb) for _ in range(20)]
        """,
        "out_of_memory",
    ),
    bomb("formatting", "format a number to a width", "x = f'{1:>{2**40}}'", "out_of_memory", "raised"),
)
