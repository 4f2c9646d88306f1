"""Leaving something for the next candidate in the same slot. Each answers wrongly; the next one looks."""

from __future__ import annotations

from .case import HELD, LIBC, MEMORY, tampering, trace

# The word is written backwards, or the program that looks for it would find its own source.
_FINDS_OUTPUT = """
word = bytes(reversed(b"tuptuo-saw-siht-"))
assert not any(page.count(word) > 9 for page in pages())
"""
_FINDS_MEMORY = _FINDS_OUTPUT.replace("tuptuo", "yromem")

CASES = (
    trace("a file", "leave a file", "open('left', 'w').write('x')"),
    trace("a hidden file", "leave a file that is listed late", "open('.left', 'w').write('x')"),
    trace(
        "odd names",
        "leave files whose names are no text",
        """
        import os
        for name in (b'\\xff\\xfe', b'-rf', b'\\n', b'%s' * 60):
            open(name, 'w').close()
        """,
    ),
    trace(
        "a deep tree",
        "leave 200 folders in each other",
        "import os\nos.makedirs('d/' * 200)\nopen('d/left', 'w').close()",
    ),
    trace(
        "a deeper tree",
        "leave more folders than programs like to recurse",
        """
        import os
        try:
            for _ in range(1500):
                os.mkdir('d')
                os.chdir('d')
        except OSError:
            pass
        """,
    ),
    trace(
        "long names",
        "leave paths longer than paths may be",
        """
        import os
        try:
            for _ in range(60):
                os.mkdir('d' * 250)
                os.chdir('d' * 250)
        except OSError:
            pass
        """,
    ),
    trace("a full disk", "leave its folder full", "open('left', 'wb').write(b'x' * (15 << 20))"),
    trace(
        "no inodes",
        "leave no room for names",
        """
        try:
            for i in range(10**4):
                open(f'left{i}', 'w').close()
        except OSError:
            pass
        """,
    ),
    trace(
        "a closed folder",
        "leave a folder that nobody may enter",
        """
        import os
        os.mkdir('left')
        open('left/x', 'w').close()
        os.chmod('left', 0)
        os.mkdir('made', 0)
        """,
    ),
    trace(
        "a closed home",
        "close its own folder",
        "import os\nos.chmod('.', 0)",
        "import os\nopen('x', 'w').close()\nos.unlink('x')",
    ),
    trace(
        "links left",
        "leave links to the host and to themselves",
        "import os\nos.symlink('/etc', 'etc')\nos.symlink('loop', 'loop')\nos.symlink('..', 'up')",
    ),
    trace(
        "a link as a folder",
        "leave a link where the next one makes files",
        "import os, tempfile\nos.mkdir('d')\nos.symlink('/', 'd/root')",
    ),
    trace(
        "an unnamed file",
        "leave a file that was never named",
        """
        import os
        try:
            keep = os.open('.', os.O_TMPFILE | os.O_RDWR)
            os.write(keep, b'x' * (8 << 20))
        except OSError:
            pass
        """,
    ),
    trace(
        "a lock",
        "leave a lock on a file that both see",
        """
        import fcntl, os
        try:
            fcntl.flock(os.open(os.__file__, os.O_RDONLY), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            pass
        """,
    ),
    trace(
        "times of its folder",
        "write a message into the times of its folder",
        "import os\nos.utime('.', (12345, 12345))",
        "import os\nassert os.stat('.').st_mtime != 12345 != os.stat('.').st_atime",
    ),
    trace(
        "mode of its folder",
        "write a message into the mode of its folder",
        "import os\nos.chmod('.', 0o1755)",
        "import os\nassert os.stat('.').st_mode & 0o7777 != 0o1755",
    ),
    trace(
        "patched modules",
        "patch the standard library",
        """
        import builtins, json, math, random, sys
        math.sqrt = builtins.sorted = json.dumps = random.random = lambda *a, **k: 4
        """,
    ),
    trace(
        "a planted module",
        "plant a module",
        """
        import sys, types
        sys.modules['planted'] = types.ModuleType('planted')
        open('planted2.py', 'w').write('')
        sys.path.insert(0, '.')
        """,
        "import sys\nassert 'planted' not in sys.modules and '.' not in sys.path",
    ),
    trace(
        "the judge's modules",
        "patch the code that answers for the next one",
        """
        import sys
        for name, module in list(sys.modules.items()):
            if name.startswith('banchu'):
                module.left = 'here'
        """,
        "import sys\nassert not any(hasattr(module, 'left') for module in sys.modules.values())",
    ),
    trace("random state", "leave another random state", "import random\nrandom.seed(99)"),
    trace("environment", "leave a variable", "import os\nos.environ['LEFT'] = 'x'\nos.putenv('PYTHONSTARTUP', 'x')"),
    trace("working folder", "leave another working folder and umask", "import os\nos.chdir('/')\nos.umask(0o777)"),
    trace(
        "limits",
        "leave lower limits",
        """
        import resource
        resource.setrlimit(resource.RLIMIT_NOFILE, (5, 5))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        """,
    ),
    trace(
        "handlers and timers",
        "leave handlers, masks and timers",
        """
        import signal
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
        signal.setitimer(signal.ITIMER_REAL, 0.5)
        """,
    ),
    trace(
        "hooks",
        "leave hooks",
        """
        import sys, threading
        sys.settrace(lambda *a: None)
        sys.setprofile(lambda *a: None)
        threading.settrace(print)
        sys.excepthook = sys.displayhook = print
        sys.meta_path.clear()
        """,
    ),
    trace(
        "the interpreter's settings",
        "leave settings",
        """
        import decimal, gc, sys
        gc.disable()
        sys.setrecursionlimit(100)
        sys.setswitchinterval(10)
        sys.set_int_max_str_digits(0)
        decimal.getcontext().prec = 1
        """,
    ),
    trace(
        "a thread", "leave a thread", "import threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()"
    ),
    trace(
        "changed constants",
        "change small numbers and the empty tuple in memory",
        "import ctypes\nctypes.c_int.from_address(id(250) + 24).value = 251",
        "n = 25\nassert n * 10 == 250 and str(n * 10) == '250'",
    ),
    trace(
        "output in memory",
        "leave a message in what the fork server keeps of its output",
        "print('-this-was-output' * 250)",
        _FINDS_OUTPUT,
        uses=LIBC + MEMORY,
    ),
    trace(
        "memory of its own",
        "leave a message in memory that is freed",
        "keep = [('-this-was-memory' * 250).encode() for _ in range(999)]",
        _FINDS_MEMORY,
        uses=LIBC + MEMORY,
    ),
    trace(
        "output left",
        "leave output for the next verdict",
        "import sys\nsys.stdout.write('left')\nsys.stderr.write('left')",
    ),
    tampering(
        "a dirty allocator",
        "leave the interpreter's memory smashed",
        """
        import ctypes
        ctypes.memset(id(object()), 0xff, 16)
        def f(x): return 1
        """,
        *HELD,
        "raised",
    ),
    trace(
        "names of pipes",
        "leave a named pipe for whoever sweeps to fall into",
        """
        import os
        try:
            os.mkfifo('pipe')
        except OSError:
            pass
        """,
    ),
)
