"""Reading, writing and changing files of the host, and leaving some there."""

from __future__ import annotations

from .case import LIBC, escape

_SYSTEM = frozenset({"namespaces"})
"""Elsewhere the file system is one that others made, and `stat` is answered."""

CASES = (
    escape("a secret file", "read a file of the user's", 'assert "secret" in open("@FILE@").read()'),
    escape("a file at home", "read a file in the home folder", 'assert "secret" in open("@HOME@").read()'),
    escape("passwords", "read the list of users", 'assert open("/etc/passwd").read()'),
    escape("shadow", "read the password hashes", 'assert open("/etc/shadow").read()'),
    escape(
        "symbolic link",
        "read it through a symbolic link",
        'import os\nos.symlink("@FILE@", "link")\nopen("link").read()',
    ),
    escape(
        "hard link",
        "make another name for it in its own folder",
        'import os\nos.link("@FILE@", "link")\nopen("link").read()',
    ),
    escape("rename", "move it into its own folder", 'import os\nos.rename("@FILE@", "taken")'),
    escape(
        "exchange",
        "swap it for a file of its own",
        'open("mine", "w").close()\ncall(316, 276, -100, b"mine", -100, b"@FILE@", 2)',
        uses=LIBC,
    ),
    escape(
        "dots",
        "climb out of its folder",
        'import os\nroot = "../" * 40\nassert "secret" in open(root + "@FILE@").read()',
    ),
    escape(
        "handle",
        "open a file by its handle",
        """
        handle = (ctypes.c_int * 34)(128)
        call(303, 264, -100, b'/', handle, (ctypes.c_int * 1)(), 0)
        """,
        uses=LIBC,
    ),
    escape(
        "openat2",
        "resolve a path by another call",
        "how = (ctypes.c_uint64 * 3)(0, 0, 0)\ncall(437, 437, -100, b'@FILE@', how, 24)",
        uses=LIBC,
    ),
    escape(
        "path handle",
        "open it as a place, then through the place",
        """
        import os
        fd = os.open("@FILE@", os.O_PATH)
        assert os.read(os.open(f"/proc/self/fd/{fd}", os.O_RDONLY), 1)
        """,
    ),
    escape("write", "write into it", 'open("@FILE@", "a").write("x")'),
    escape("truncate", "empty it without opening it", 'import os\nos.truncate("@FILE@", 0)'),
    escape("remove", "remove it", 'import os\nos.unlink("@FILE@")'),
    escape(
        "mode",
        "make it everybody's",
        'import os\nos.chmod("@FILE@", 0o777)\nassert os.stat("@FILE@").st_mode & 0o777 == 0o777',
    ),
    escape("newer mode", "change its mode by the newest call", "call(452, 452, -100, b'@FILE@', 0o777, 0)", uses=LIBC),
    escape("owner", "make it its own", 'import os\nos.chown("@FILE@", os.getuid(), os.getgid())'),
    escape(
        "times", "change its times", 'import os\nos.utime("@FILE@", (1, 1))\nassert os.stat("@FILE@").st_mtime == 1'
    ),
    escape("attributes", "set an extended attribute on it", 'import os\nos.setxattr("@FILE@", "user.x", b"x")'),
    escape(
        "own attributes",
        "keep data in attributes of its own folder",
        'import os\nos.setxattr(".", "user.x", b"x")\nassert os.getxattr(".", "user.x")',
    ),
    escape(
        "locks",
        "lock a file that others use",
        """
        import fcntl, os
        fcntl.flock(os.open(os.__file__, os.O_RDONLY), fcntl.LOCK_EX | fcntl.LOCK_NB)
        """,
    ),
    escape(
        "watch",
        "watch what others do to files",
        "fd = call(294, 26, 0)\nassert libc.inotify_add_watch(fd, b'/tmp', 0xfff) >= 0",
        uses=LIBC,
    ),
    escape(
        "file in /tmp",
        "leave a file in everybody's folder",
        'import os\nwhere = "/tmp/@MARK@"\nopen(where, "w").write("x")\nassert os.getcwd() != "/tmp"',
    ),
    escape(
        "file in other places",
        "leave a file wherever one can be left",
        """
        import os
        shared = ["/var/tmp", "/dev/shm", "/run", "/run/lock", "/home", "/root", "/", "/dev", "/mnt", "/opt"]
        for place in (*shared, "/usr/lib", os.path.dirname(os.__file__)):
            try:
                open(f"{place}/@MARK@", "w").close()
                break
            except OSError:
                pass
        else:
            raise OSError("nowhere")
        """,
    ),
    escape("changed library", "change what the next program imports", 'import os\nopen(os.__file__, "a").write("#")'),
    escape(
        "new module",
        "put a module where the next program looks",
        """
        import os, sys
        for p in sys.path:
            try:
                open(f"{p}/this_one.py", "w").close()
                break
            except OSError:
                pass
        else:
            raise OSError("none")
        """,
    ),
    escape(
        "set-user-id",
        "leave a program that runs as its owner",
        """
        import os
        fd = os.open("@MARK@-suid", os.O_CREAT | os.O_WRONLY, 0o6777)
        os.fchmod(fd, 0o6777)
        assert os.fstat(fd).st_mode & 0o4000
        os.chown(fd, 0, 0)
        """,
    ),
    escape("device", "make a disk of its own", "import os\nos.mknod('disk', 0o060666, os.makedev(8, 0))"),
    escape(
        "memory device",
        "read the machine's memory",
        """
        import os
        for kind in ('mem', 'kmem', 'port', 'sda', 'vda', 'kmsg', 'fuse', 'kvm'):
            try:
                os.read(os.open(f'/dev/{kind}', os.O_RDONLY), 1)
                break
            except OSError:
                pass
        else:
            raise OSError('none')
        """,
    ),
    escape("named pipe", "make a pipe with a name, for others to fall into", "import os\nos.mkfifo('pipe')"),
    escape("processes", "list the processes", 'import os\nassert os.listdir("/proc")'),
    escape("own maps", "read its own memory map", 'assert open("/proc/self/maps").read()'),
    escape(
        "environment of the judge",
        "read its parent's environment",
        """
        import os
        for pid in (1, os.getppid(), "@PID@"):
            assert open(f"/proc/{pid}/environ").read()
        """,
    ),
    escape(
        "memory of the judge", "open its parent's memory", 'import os\nos.open(f"/proc/{os.getppid()}/mem", os.O_RDWR)'
    ),
    escape(
        "core pattern",
        "have the kernel run a program when something dies",
        'open("/proc/sys/kernel/core_pattern", "w").write("|/tmp/x")',
    ),
    escape(
        "the machine's memory of itself",
        "read what the kernel tells",
        """
        import os
        for name in ('/sys/kernel', '/proc/kallsyms', '/proc/net/unix', '/proc/mounts', '/sys/fs/cgroup'):
            try:
                os.listdir(name) if os.path.isdir(name) else open(name).read()
                break
            except OSError:
                pass
        else:
            raise OSError('none')
        """,
    ),
    escape(
        "control groups",
        "lift its own group's limits",
        """
        import os
        for name in ('/sys/fs/cgroup/cgroup.procs', '/sys/fs/cgroup/memory/cgroup.procs'):
            try:
                open(name, 'w').write('0')
                break
            except OSError:
                pass
        else:
            raise OSError('none')
        """,
    ),
    escape(
        "data set",
        "find the benchmark on disk",
        """
        import os
        found = [f for t in ('/usr', '/root', '/opt', '/home', '/lib', '/work') for _, _, fs in os.walk(t) for f in fs]
        assert any('HumanEval' in f for f in found)
        """,
    ),
    escape("packages", "import what the user has installed", "import pytest"),
    escape(
        "existence",
        "learn whether a file of the user's exists",
        'import os\nassert os.path.exists("@FILE@") or os.path.exists("@HOME@")',
        tiers=_SYSTEM,
    ),
    escape(
        "host name",
        "learn the name of the machine",
        'import os\nassert os.uname().nodename == "@HOSTNAME@"',
        tiers=_SYSTEM,
    ),
    escape(
        "inherited files",
        "use a file that was left open",
        """
        import os
        for fd in range(4, 1024):
            try:
                os.fstat(fd)
                break
            except OSError:
                pass
        else:
            raise OSError('none')
        """,
    ),
    escape(
        "folder of stdin",
        "reach the host through the file that is its standard input",
        """
        import os
        for fd in (0, 1, 2):
            up = lambda: os.open('..', os.O_RDONLY, dir_fd=fd)
            for act in (lambda: os.fchdir(fd), lambda: os.chown(fd, 0, 0), up):
                try:
                    act()
                    assert False
                except OSError:
                    pass
        raise OSError('none')
        """,
    ),
    escape(
        "secrets of the environment",
        "read a variable of the user's, also where C keeps it",
        """
        variables, found = ctypes.POINTER(ctypes.c_char_p).in_dll(libc, "environ"), list(map(os.fsencode, os.environ))
        for variable in variables:
            if variable is None:
                break
            found.append(variable)
        assert any(b"@VARIABLE@" in variable for variable in found)
        """,
        uses=LIBC,
    ),
)
