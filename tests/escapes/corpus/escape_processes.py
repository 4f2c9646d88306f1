"""Making processes, running programs, and reaching other people's processes."""

from __future__ import annotations

from .case import LIBC, escape

_MACHINE_CODE = """
import mmap
def run(code):
    "Machine code, called as a function."
    page = mmap.mmap(-1, 4096, prot=7)
    page.write(code)
    return ctypes.CFUNCTYPE(ctypes.c_long)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()
if os.uname().machine != "x86_64":
    raise OSError("not this machine's")
"""

CASES = (
    escape("fork", "fork", "import os\nif os.fork() == 0:\n    os._exit(0)"),
    escape("fork by libc", "fork in C", "if libc.fork() < 0:\n    raise OSError(ctypes.get_errno(), '')", uses=LIBC),
    escape("vfork", "fork by the old call", "call(58, 220, 17)", uses=LIBC),
    escape("clone", "make a process by the raw call", "call(56, 220, 17, 0, 0, 0, 0)", uses=LIBC),
    escape("clone beside", "make a brother instead of a child", "call(56, 220, 0x8000 | 17, 0, 0, 0, 0)", uses=LIBC),
    escape(
        "clone into namespaces",
        "make a process in a user namespace",
        "call(56, 220, 0x10000000 | 17, 0, 0, 0, 0)",
        uses=LIBC,
    ),
    escape(
        "clone a thread into namespaces",
        "hide the flag among those of a thread",
        "call(56, 220, 0x10000000 | 0x10f00, 0, 0, 0, 0)",
        uses=LIBC,
    ),
    escape(
        "clone3",
        "make a process by the newest call",
        "arguments = (ctypes.c_uint64 * 11)(0x10000000, 0, 0, 0, 17)\ncall(435, 435, arguments, 88)",
        uses=LIBC,
    ),
    escape(
        "multiprocessing",
        "run a process of the standard library",
        """
        import multiprocessing
        p = multiprocessing.get_context('fork').Process(target=int)
        p.start()
        """,
    ),
    escape("spawn", "run a process by posix_spawn", "import os\nos.posix_spawn('/bin/true', ['true'], {})"),
    escape(
        "shell",
        "run a shell",
        "import subprocess\nsubprocess.run(['/bin/sh', '-c', 'touch /tmp/@MARK@-shell'], check=True)",
    ),
    escape("system", "run a shell in C", "import os\nassert os.system('true') == 0"),
    escape(
        "replace itself",
        "become another program",
        "import os, sys\nos.execv(sys.executable, ['python', '-c', 'print(1)'])",
    ),
    escape(
        "program in memory",
        "write a program into memory and run that",
        "fd = call(319, 279, b'x', 0)\nos.execve(fd, ['x'], {})",
        uses=LIBC,
    ),
    escape(
        "program in its output",
        "run what it wrote to its own output",
        """
        import os
        os.write(1, b'#!/bin/sh\\ntouch /tmp/@MARK@-exec\\n')
        os.fchmod(1, 0o777)
        os.execve(1, ['x'], {})
        """,
    ),
    escape(
        "loader",
        "run a program through the dynamic loader",
        """
        import glob, os
        os.execv((glob.glob('/lib64/ld-linux*') + glob.glob('/usr/lib/*/ld-linux*'))[0], ['ld', '/bin/true'])
        """,
    ),
    escape(
        "32-bit calls",
        "fork by the interrupt of 32-bit programs",
        "run(bytes.fromhex('b802000000cd80c3'))",
        uses=LIBC + _MACHINE_CODE,
    ),
    escape(
        "32-bit open",
        "open a file by it",
        """
        path = ctypes.create_string_buffer(b'@FILE@')
        low = (ctypes.addressof(path) & 0xffffffff).to_bytes(4, 'little')
        assert run(bytes.fromhex('b805000000bb') + low + bytes.fromhex('31c931d2cd80c3')) >= 0
        """,
        uses=LIBC + _MACHINE_CODE,
    ),
    escape("x32 calls", "fork by the numbers of the x32 table", "call(0x40000000 + 57, 999)", uses=LIBC),
    escape(
        "x32 exec", "run a program by the x32 table", "call(0x40000000 + 520, 999, b'/bin/true', None, None)", uses=LIBC
    ),
    escape("kill the parent", "kill the fork server", "import os\nos.kill(os.getppid(), 9)"),
    escape("kill everyone", "kill all that can be killed", "import os\nos.kill(-1, 9)"),
    escape(
        "kill by number",
        "kill a process of the user's",
        "import os\nfor pid in (int('@PID@'), *range(1, 60)):\n    os.kill(pid, 9)",
    ),
    escape("kill a group", "kill a process group", "import os\nos.killpg(int('@PID@'), 9)"),
    escape("kill a thread", "kill by the call for threads", "call(234, 131, int('@PID@'), int('@PID@'), 9)", uses=LIBC),
    escape(
        "queue a signal",
        "send a signal with data",
        "call(129, 138, int('@PID@'), 10, ctypes.create_string_buffer(128))",
        uses=LIBC,
    ),
    escape(
        "signal by handle",
        "kill through a file descriptor",
        "fd = call(434, 434, int('@PID@'), 0)\ncall(424, 424, fd, 9, None, 0)",
        uses=LIBC,
    ),
    escape(
        "owner of a pipe",
        "have the kernel send SIGIO to somebody else",
        """
        import fcntl, os
        r, w = os.pipe()
        fcntl.fcntl(r, 8, int("@PID@"))
        fcntl.fcntl(r, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
        os.write(w, b"x")
        """,
    ),
    escape(
        "extended owner",
        "the same by a structure",
        """
        import fcntl, os, struct
        r, w = os.pipe()
        fcntl.fcntl(r, 15, struct.pack('ii', 1, int('@PID@')))
        """,
    ),
    escape(
        "signal of a pipe",
        "choose the signal that is sent",
        "import fcntl, os\nr, w = os.pipe()\nfcntl.fcntl(r, 10, 9)",
    ),
    escape(
        "owner by ioctl",
        "name the receiver by ioctl",
        """
        import fcntl, socket, struct
        a, b = socket.socketpair()
        fcntl.ioctl(a, 0x8901, struct.pack('i', int('@PID@')))
        """,
    ),
    escape(
        "limits of others",
        "take a process of the user's its open files",
        "call(302, 261, int('@PID@'), 7, (ctypes.c_uint64 * 2)(0, 0), None)",
        uses=LIBC,
    ),
    escape(
        "its parent's limits",
        "take the fork server its memory",
        "call(302, 261, os.getppid() or 1 << 20, 9, (ctypes.c_uint64 * 2)(0, 0), None)",
        uses=LIBC,
    ),
    escape(
        "its own limits",
        "lift its own limits",
        """
        import resource
        resource.setrlimit(resource.RLIMIT_CPU, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        """,
    ),
    escape("priority", "slow a process of the user's", "import os\nos.setpriority(os.PRIO_PROCESS, int('@PID@'), 19)"),
    escape("affinity", "move a process of the user's", "import os\nos.sched_setaffinity(int('@PID@'), {0})"),
    escape(
        "real time",
        "take the processor for itself",
        "import os\nos.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50))",
    ),
    escape("trace", "stop and read its parent", "call(101, 117, 16, os.getppid() or 1, 0, 0)", uses=LIBC),
    escape("be traced", "ask to be traced", "call(101, 117, 0, 0, 0, 0)", uses=LIBC),
    escape(
        "read memory",
        "read another process's memory",
        "call(310, 270, int('@PID@'), ctypes.create_string_buffer(16), 1, ctypes.create_string_buffer(16), 1, 0)",
        uses=LIBC,
    ),
    escape(
        "write memory",
        "write another process's memory",
        "call(311, 271, int('@PID@'), ctypes.create_string_buffer(16), 1, ctypes.create_string_buffer(16), 1, 0)",
        uses=LIBC,
    ),
    escape(
        "files of others",
        "take an open file of another process",
        "call(438, 438, call(434, 434, int('@PID@'), 0), 0, 0)",
        uses=LIBC,
    ),
    escape(
        "compare", "learn what other processes share", "call(312, 272, int('@PID@'), int('@PID@'), 0, 0, 0)", uses=LIBC
    ),
    escape("become root", "become root", "import os\nos.setuid(0)"),
    escape("become another", "become another user", "import os\nos.setresuid(12345, 12345, 12345)"),
    escape("groups", "join another group", "import os\nos.setgroups([0])"),
    escape("session", "start a session of its own", "import os\nos.setsid()"),
    escape(
        "fork from a thread",
        "fork where another thread is",
        """
        import os, threading
        raised = []
        def go():
            try:
                os.fork()
            except OSError as error:
                raised.append(error)
        t = threading.Thread(target=go)
        t.start()
        t.join()
        if raised:
            raise raised[0]
        """,
    ),
)
