"""The program that is judged after every case, in the same slot: it looks for traces, then answers rightly."""

from __future__ import annotations

LOOK = """
import builtins, decimal, gc, json, math, os, random, resource, signal, sys, tempfile, threading, time

here = os.getcwd()
assert os.path.samefile(here, tempfile.gettempdir()), here
assert os.listdir(".") == [], os.listdir(".")
room = os.statvfs(".")
assert room.f_bavail * room.f_frsize >= 8 << 20, room
state = os.stat(".")
assert state.st_mode & 0o700 == 0o700, oct(state.st_mode)
known = {"PYTHONHASHSEED", "LC_ALL", "LC_CTYPE", "HOME", "TMPDIR", "PATH", "PWD"}
known |= {"HOSTNAME", "LD_LIBRARY_PATH"}  # of a container
assert {*os.environ} <= known, {*os.environ} - known
before = os.umask(0o22)
assert before & 0o700 == 0, oct(before)

assert math.sqrt(9) == 3 and sorted([2, 1]) == [1, 2] and json.dumps([1]) == "[1]" and abs(-7) == 7
assert random.random() == random.Random(0).random()
assert all(n + 1 - 1 == n for n in range(-5, 257)) and () == tuple([]) and str(25 * 10) == "250"
assert decimal.getcontext().prec == 28 and gc.isenabled() and sys.getrecursionlimit() == 1000
assert sys.getswitchinterval() < 1 and sys.get_int_max_str_digits() == 4300
assert sys.gettrace() is sys.getprofile() is threading.gettrace() is None
assert sys.excepthook is sys.__excepthook__ and len(sys.meta_path) >= 2
assert threading.active_count() == 1

assert signal.getsignal(signal.SIGTERM) == signal.getsignal(signal.SIGALRM) == signal.SIG_DFL
assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == set()
assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] >= 64 and resource.getrlimit(resource.RLIMIT_FSIZE)[0] >= 1 << 20
assert resource.getrusage(resource.RUSAGE_SELF).ru_utime < 0.5
opened = []
for fd in range(64):
    try:
        os.fstat(fd)
        opened.append(fd)
    except OSError:
        pass
assert opened == [0, 1, 2, 3], opened
assert os.fstat(1).st_size == 0

with tempfile.TemporaryFile() as file:
    file.write(bytes(1 << 20))
os.mkdir("d")
os.rmdir("d")

def f(x):
    return x * x
"""
