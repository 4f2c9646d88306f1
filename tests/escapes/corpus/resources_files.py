"""Wanting more of what is kept outside of memory: output, disk, names, descriptors, buffers of the kernel."""

from __future__ import annotations

from .case import LIBC, bomb

_COUNTED = frozenset({"namespaces", "bwrap", "docker"})
"""Where the scratch folder is a file system of its own. On `landlock` nobody can tell such files from others' work."""

CASES = (
    bomb("output", "print without end", "while True:\n    print('x' * 1000)", "output_limit"),
    bomb(
        "raw output",
        "write to the error stream without end",
        "import os\nwhile True:\n    os.write(2, b'x' * 65536)",
        "output_limit",
    ),
    bomb(
        "sparse output",
        "make its output a terabyte without writing it",
        "import os\nos.ftruncate(1, 1 << 24)\nos.ftruncate(1, 1 << 40)",
        "output_limit",
        "raised",
    ),
    bomb(
        "hidden output",
        "write much and take it back",
        "import os\nos.write(1, b'x' * (1 << 20))\nos.ftruncate(1, 0)\nassert os.fstat(1).st_size",
        "raised",
    ),
    bomb("large file", "write a large file", "open('f', 'wb').write(b'x' * (64 << 20))", "raised", "output_limit"),
    bomb("sparse file", "make a large file of nothing", "open('f', 'wb').truncate(1 << 40)", "raised"),
    bomb(
        "reserved file",
        "reserve room for a large file",
        "import os\nos.posix_fallocate(os.open('f', os.O_CREAT | os.O_RDWR), 0, 1 << 30)",
        "raised",
        "output_limit",
        "forbidden",
    ),
    bomb(
        "many files",
        "fill its folder with large files",
        """
        for i in range(99):
            with open(f'f{i}', 'wb') as f:
                f.write(b'x' * (8 << 20))
        import time
        time.sleep(0.4)
        """,
        "raised",
        "output_limit",
    ),
    bomb(
        "files without names",
        "fill the disk with files that have no name any more",
        """
        import os
        keep = []
        for i in range(40):
            fd = os.open(f"f{i}", os.O_CREAT | os.O_RDWR)
            os.write(fd, b"x" * (4 << 20))
            os.unlink(f"f{i}")
            keep.append(fd)
        import time
        time.sleep(0.4)
        """,
        "raised",
        "output_limit",
        "out_of_memory",
        tiers=_COUNTED,
    ),
    bomb(
        "mapped files without names",
        "keep files alive by a mapping alone",
        """
        libc.mmap.restype = ctypes.c_void_p
        for i in range(200):
            fd = os.open("f", os.O_CREAT | os.O_RDWR)
            os.write(fd, b"x" * (1 << 20))
            assert libc.mmap(None, 4096, 1, 1, fd, 0) != 2**64 - 1
            os.close(fd)
            os.unlink("f")
        import time
        time.sleep(0.4)
        """,
        "raised",
        "output_limit",
        "out_of_memory",
        uses=LIBC,
        tiers=_COUNTED,
    ),
    bomb(
        "reserved files without names",
        "the same without writing a byte",
        """
        libc.mmap.restype = ctypes.c_void_p
        for i in range(200):
            fd = os.open("f", os.O_CREAT | os.O_RDWR)
            os.posix_fallocate(fd, 0, 1 << 20)
            assert libc.mmap(None, 4096, 1, 1, fd, 0) != 2**64 - 1
            os.close(fd)
            os.unlink("f")
        """,
        "raised",
        "output_limit",
        "out_of_memory",
        "forbidden",
        uses=LIBC,
    ),
    bomb(
        "files too deep to be seen",
        "fill the disk below where paths end",
        """
        import os, time
        for _ in range(30):
            os.mkdir("d" * 200)
            os.chdir("d" * 200)
        for i in range(99):
            with open(f"f{i}", "wb") as f:
                f.write(b"x" * (1 << 20))
        time.sleep(0.4)
        """,
        "raised",
        "output_limit",
    ),
    bomb(
        "files in a closed folder",
        "fill the disk in a folder that cannot be listed",
        """
        import os, time
        os.mkdir("d", 0o300)
        for i in range(99):
            with open(f"d/f{i}", "wb") as f:
                f.write(b"x" * (1 << 20))
        time.sleep(0.4)
        """,
        "raised",
        "output_limit",
    ),
    bomb(
        "inodes",
        "make files until there are none left",
        "for i in range(10**5):\n    open(f'f{i}', 'w').close()",
        "raised",
        "output_limit",
    ),
    bomb(
        "folders",
        "make folders without end",
        "import os\nwhile True:\n    os.mkdir('d')\n    os.chdir('d')",
        "raised",
        "output_limit",
        "timed_out",
    ),
    bomb(
        "many links",
        "make names for one file without end",
        "import os\nopen('f', 'w').close()\nfor i in range(10**6):\n    os.link('f', f'f{i}')",
        "raised",
        "output_limit",
    ),
    bomb(
        "descriptors", "open files until there are none", "keep = [open('/dev/null') for _ in range(10**4)]", "raised"
    ),
    bomb(
        "pipes",
        "fill pipes as large as can be had",
        """
        import fcntl, os
        keep = []
        while True:
            r, w = os.pipe()
            fcntl.fcntl(w, 1031, 1 << 20)
            os.set_blocking(w, False)
            os.write(w, bytes(1 << 20))
        """,
        "raised",
    ),
    bomb(
        "socket buffers",
        "fill the buffers of socket pairs",
        """
        import socket
        keep = []
        while True:
            a, b = socket.socketpair()
            a.setblocking(False)
            keep += [a, b]
            try:
                while True:
                    a.send(bytes(1 << 16))
            except BlockingIOError:
                pass
        """,
        "raised",
        "forbidden",
    ),
    bomb(
        "timers",
        "make timers until there are none",
        "while True:\n    assert libc.timer_create(1, None, ctypes.byref(ctypes.c_void_p())) == 0",
        "raised",
        "timed_out",
        uses=LIBC,
    ),
    bomb(
        "queued signals",
        "queue signals until there is no room",
        """
        import signal
        signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
        while True:
            call(129, 138, os.getpid(), 40, ctypes.create_string_buffer(128))
        """,
        "raised",
        "forbidden",
        uses=LIBC,
    ),
)
