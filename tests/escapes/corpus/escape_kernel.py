"""Asking the kernel for what no program that solves a task needs."""

from __future__ import annotations

from .case import LIBC, escape

CASES = (
    escape("user namespace", "become root of a namespace of its own", "call(272, 97, 0x10000000)", uses=LIBC),
    escape("all namespaces", "leave all namespaces", "call(272, 97, 0x6e020000)", uses=LIBC),
    escape("time namespace", "change its own time", "call(272, 97, 0x80)", uses=LIBC),
    escape(
        "enter a namespace",
        "enter a process's namespaces",
        "call(308, 268, call(434, 434, 1, 0), 0x7e020000)",
        uses=LIBC,
    ),
    escape("mount", "mount a file system", "call(165, 40, b'none', b'.', b'tmpfs', 0, b'')", uses=LIBC),
    escape("bind mount", "mount the root into its own folder", "call(165, 40, b'/', b'.', b'', 4096, None)", uses=LIBC),
    escape("writable root", "make the root writable", "call(165, 40, b'none', b'/', b'', 32 | 4096, None)", uses=LIBC),
    escape("unmount", "take away its own folder's file system", "call(166, 39, b'/tmp', 2)", uses=LIBC),
    escape("new mounts", "mount by the newer calls", "call(428, 428, -100, b'/', 1)", uses=LIBC),
    escape("file system handle", "open a file system", "call(430, 430, b'tmpfs', 0)", uses=LIBC),
    escape("move a mount", "move a mount", "call(429, 429, -100, b'/', -100, b'/tmp', 0)", uses=LIBC),
    escape(
        "mount attributes",
        "change a mount's attributes",
        "call(442, 442, -100, b'/', 0, (ctypes.c_uint64 * 4)(), 32)",
        uses=LIBC,
    ),
    escape("pivot", "change the root of its namespace", "call(155, 41, b'/', b'/tmp')", uses=LIBC),
    escape("chroot", "change its root", "import os\nos.chroot('.')"),
    escape("swap", "swap to a file of its own", "call(167, 224, b'x', 0)", uses=LIBC),
    escape("module", "load a kernel module", "call(175, 105, b'', 0, b'')", uses=LIBC),
    escape("module from a file", "load one from a file", "call(313, 273, 0, b'', 0)", uses=LIBC),
    escape("kernel", "load another kernel", "call(246, 104, 0, 0, None, 0)", uses=LIBC),
    escape("reboot", "restart the machine", "call(169, 142, 0xfee1dead, 672274793, 0x1234567, 0)", uses=LIBC),
    escape(
        "bpf", "load a program into the kernel", "call(321, 280, 0, ctypes.create_string_buffer(128), 128)", uses=LIBC
    ),
    escape(
        "io_uring", "have the kernel make its calls", "call(425, 425, 1, ctypes.create_string_buffer(120))", uses=LIBC
    ),
    escape("asynchronous I/O", "the same by the old calls", "call(206, 0, 1, (ctypes.c_uint64 * 1)())", uses=LIBC),
    escape("userfaultfd", "hold the kernel up in the middle of a copy", "call(323, 282, 0)", uses=LIBC),
    escape(
        "performance events",
        "watch the machine",
        "call(298, 241, ctypes.create_string_buffer(112), 0, -1, -1, 0)",
        uses=LIBC,
    ),
    escape("keys", "read the kernel's keys", "call(250, 219, 0, -3, 0)", uses=LIBC),
    escape("add a key", "leave a key that outlives it", "call(248, 217, b'user', b'banchu', b'x', 1, -4)", uses=LIBC),
    escape(
        "ask for a key",
        "have the kernel ask a program for a key",
        "call(249, 218, b'user', b'banchu', None, -4)",
        uses=LIBC,
    ),
    escape("personality", "turn off the random layout of memory", "call(135, 92, 0x0040000)", uses=LIBC),
    escape("rename the machine", "rename the machine", "call(170, 161, b'mine', 4)", uses=LIBC),
    escape("clock", "set the clock", "import time\ntime.clock_settime(time.CLOCK_REALTIME, 1)"),
    escape("adjust the clock", "slow the clock", "call(159, 171, ctypes.create_string_buffer(256))", uses=LIBC),
    escape(
        "kernel log", "read the kernel's log", "call(103, 116, 3, ctypes.create_string_buffer(256), 256)", uses=LIBC
    ),
    escape("ports", "talk to the hardware", "call(172, 999, 3)", uses=LIBC),
    escape(
        "segments",
        "make a segment for 16-bit code",
        "call(154, 999, 1, ctypes.create_string_buffer(16), 16)",
        uses=LIBC,
    ),
    escape("fanotify", "watch all files", "call(300, 262, 0, 0)", uses=LIBC),
    escape("accounting", "have the kernel log all processes", "call(163, 89, b'x')", uses=LIBC),
    escape("quotas", "change quotas", "call(179, 60, 0, b'/', 0, None)", uses=LIBC),
    escape("hang up", "hang up the terminal", "call(153, 58)", uses=LIBC),
    escape("memory of others", "advise on another process's memory", "call(440, 440, 0, None, 0, 0, 0)", uses=LIBC),
    escape(
        "move pages", "move another process's memory", "call(279, 239, int('@PID@'), 0, None, None, None, 0)", uses=LIBC
    ),
    escape("locked memory", "keep memory from being swapped", "call(151, 230, 1)", uses=LIBC),
    escape("memory file", "make a file that lies nowhere", "call(319, 279, b'x', 0)", uses=LIBC),
    escape("secret memory", "make memory that the kernel cannot see", "call(447, 447, 0)", uses=LIBC),
    escape(
        "another filter",
        "add a system call filter with a listener",
        "call(317, 277, 1, 8, ctypes.create_string_buffer(16))",
        uses=LIBC,
    ),
    escape("undo no_new_privs", "change its own attributes", "call(157, 167, 38, 0, 0, 0, 0)", uses=LIBC),
    escape("core files", "make itself readable to others", "call(157, 167, 4, 1, 0, 0, 0)", uses=LIBC),
    escape(
        "capabilities",
        "give itself capabilities",
        "call(126, 91, (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)(0xffffffff, 0xffffffff))",
        uses=LIBC,
    ),
    escape(
        "system calls past the table",
        "try every unknown number",
        """
        import errno
        for number in range(463, 600):
            try:
                call(number, number, 0, 0, 0, 0, 0, 0)
                break
            except OSError as error:
                if error.errno not in (errno.EPERM, errno.ENOSYS):
                    break
        else:
            raise OSError(errno.EPERM, "none")
        """,
        uses=LIBC,
    ),
    escape(
        "executable stack of handlers", "return from a signal that never came", "call(15, 139)", "raised", uses=LIBC
    ),
    escape(
        "ioctl of files",
        "change flags of its own folder's files",
        """
        import fcntl, os, struct
        fd = os.open('.', os.O_RDONLY)
        fcntl.ioctl(fd, 0x40086602, struct.pack('l', 0x10))
        """,
    ),
)
