"""Where isolation cannot be had the judge says so in one line; where it can, anybody may have it."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from banchu.sandbox import probe_isolation
from banchu.sandbox.link import Failed
from banchu.sandbox.probe import explain

ROOMS = [str(Path(__file__).parents[2] / room) for room in ("core", "sandbox")]
NOBODY = 65534

PRELUDE = f"""
import os, sys
sys.path[:0] = {ROOMS!r}
from pathlib import Path
from banchu.sandbox.cell import kernel
"""
REPORT = """
import asyncio
from banchu.core.errors import IsolationUnavailable
from banchu.sandbox import Judge, probe_isolation
from banchu.sandbox.link import Failed
print(probe_isolation())
async def main():
    async with Judge():
        pass
try:
    asyncio.run(main())
except IsolationUnavailable as error:
    print(error)
"""
NONE_LEFT = """
user, group = os.geteuid(), os.getegid()
kernel.unshare(kernel.CLONE_NEWUSER)
Path("/proc/self/setgroups").write_text("deny")
Path("/proc/self/uid_map").write_text(f"0 {user} 1")
Path("/proc/self/gid_map").write_text(f"0 {group} 1")
Path("/proc/sys/user/max_user_namespaces").write_text("0")
"""
FORBIDDEN = """
import platform
from banchu.sandbox.cell.calls import Calls
from banchu.sandbox.cell.seccomp import Program, _intervals, _prologue, _tree
calls = Calls(platform.machine())
program = Program([*_prologue(calls), *_tree(_intervals({calls.server["unshare"]: 0x50001}, 0x7FFF0000))])
kernel.no_new_privileges()
kernel.filter_installer(program.address)()
"""


def run(source: str, python: str = sys.executable) -> list[str]:
    done = subprocess.run([python, "-B", "-c", source], capture_output=True, text=True, check=False, cwd="/")
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_it_can_be_had_here() -> None:
    report = probe_isolation()
    assert (report.ok, report.tier, report.remedy) == (True, "namespaces", "")


@pytest.mark.parametrize(
    ("obstacle", "cause", "remedy"),
    [
        (NONE_LEFT, "No space left on device", "sysctl -w user.max_user_namespaces=10000"),
        (FORBIDDEN, "Operation not permitted", "a container forbids them; run outside it"),
    ],
)
def test_a_kernel_that_refuses_is_one_line_with_the_remedy(obstacle: str, cause: str, remedy: str) -> None:
    report, error = run(PRELUDE + obstacle + REPORT)
    assert report.startswith("IsolationReport(ok=False, tier='namespaces'")
    assert error.startswith("isolation 'namespaces' is not available: user namespace: unshare: ")
    assert cause in error
    assert remedy in error
    assert remedy in report


def test_apparmor_and_other_platforms_are_named() -> None:
    failed = Failed("uid_map: Permission denied", {"stage": "uid_map", "errno": errno.EACCES})
    assert "kernel.apparmor_restrict_unprivileged_userns=0" in explain(failed)[1]
    assert "judge on Linux" in explain(Failed("the platform is darwin", {"stage": "platform"}))[1]


def test_an_unprivileged_user_has_the_same_judge() -> None:
    become = f"os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})\n" if os.geteuid() == 0 else ""
    judge = """
import json
from banchu.core.sealed import SealedTests, TestSuite
from banchu.sandbox import Judge
sealed = SealedTests(TestSuite("def check(candidate):\\n    assert candidate(2) == 4\\n", "f", "", ""))
right = "def f(x):\\n    return x * x\\n"
programs = [
    right, "def f(x):\\n    return 5\\n", f"open('/etc/passwd')\\n{right}", f"import os\\nos.fork()\\n{right}",
    f"import ctypes\\nctypes.CDLL(None).unshare(0x10000000)\\n{right}",
    f"import os\\nassert os.getuid() == 1000\\n{right}",
]
judge = Judge(slots=1)
print(json.dumps([os.getuid(), [judge.judge_sync(sealed, code).kind for code in programs]]))
judge.close()
"""
    (line,) = run(PRELUDE + become + judge, _python_for_all())
    user, kinds = json.loads(line)
    assert user != 0
    assert kinds == ["passed", "wrong_answer", "raised", "forbidden", "forbidden", "passed"]


def _python_for_all() -> str:
    """A Python that a user without rights can start: not one below a private home."""
    for path in (str(Path(sys.executable).resolve()), "/usr/bin/python3"):
        version = "import sys; sys.exit(sys.version_info < (3, 11))"
        user = NOBODY if os.geteuid() == 0 else None
        try:
            if subprocess.run([path, "-c", version], user=user, check=False, cwd="/").returncode == 0:
                return path
        except OSError:
            continue
    pytest.skip("no Python 3.11 that another user may start")
