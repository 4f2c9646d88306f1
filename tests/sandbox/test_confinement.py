"""A running candidate, seen from the host: what the kernel holds it to, whatever the candidate itself can tell."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from banchu.core.sealed import SealedTests, TestSuite
from banchu.sandbox import Judge, Limits

SEALED = SealedTests(TestSuite("def check(candidate):\n    assert candidate() is None\n", "f", "", ""))
WAITS = "import time\ndef f():\n    time.sleep(60)\n"
shown_to_root = pytest.mark.skipif(os.geteuid() != 0, reason="the kernel shows this of a candidate to root only")


@pytest.fixture(scope="module")
def candidate() -> Iterator[Path]:
    """The /proc folder of a candidate that waits."""
    judge = Judge(Limits(wall_s=30.0, memory_mib=64), slots=1)
    thread = threading.Thread(target=judge.judge_sync, args=(SEALED, WAITS))
    thread.start()
    folder = _wait_for_candidate()
    try:
        yield folder
    finally:
        while thread.is_alive():  # one that dies is judged again, call by call
            with contextlib.suppress(AssertionError, FileNotFoundError, ProcessLookupError):
                os.kill(int(_wait_for_candidate(tries=10).name), signal.SIGKILL)
        judge.close()


def _wait_for_candidate(tries: int = 500) -> Path:
    for _ in range(tries):
        for folder in _below(os.getpid(), 3):
            status = (folder / "status").read_text()
            # The innermost of three pid namespaces: ours, the slot's, the candidate's own. Both filters: it is ready.
            if _depth(status) == _depth(_here()) + 2 and _filters(status) == _filters(_here()) + 2:
                return folder
        time.sleep(0.01)
    raise AssertionError("no candidate came up")


def _depth(status: str) -> int:
    return len(status.split("NSpid:")[1].splitlines()[0].split())


def _filters(status: str) -> int:
    return int(status.split("Seccomp_filters:")[1].split()[0])


def _here() -> str:
    return Path("/proc/self/status").read_text()


def _below(pid: int, levels: int) -> Iterator[Path]:
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield Path(f"/proc/{child}")
            if levels > 1:
                yield from _below(int(child), levels - 1)


def _status(candidate: Path) -> dict[str, str]:
    lines = (candidate / "status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def test_it_has_no_capability_and_can_gain_none(candidate: Path) -> None:
    status = _status(candidate)
    for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[kind], 16) == 0, kind
    assert status["NoNewPrivs"] == "1"
    assert (status["Seccomp"], int(status["Seccomp_filters"]) >= 2) == ("2", True)


def test_it_is_nobody_of_the_host(candidate: Path) -> None:
    users = set(_status(candidate)["Uid"].split())
    assert users == ({"65534"} if os.geteuid() == 0 else {str(os.geteuid())})


@shown_to_root
@pytest.mark.parametrize("kind", ["user", "mnt", "pid", "net", "ipc", "uts", "cgroup"])
def test_it_shares_no_namespace_with_the_host(candidate: Path, kind: str) -> None:
    assert (candidate / "ns" / kind).readlink() != Path(f"/proc/self/ns/{kind}").readlink()


@shown_to_root
def test_all_it_sees_is_read_only_but_its_tmp(candidate: Path) -> None:
    mounts = [line.split() for line in (candidate / "mountinfo").read_text().splitlines()]
    flags = {fields[4]: set(fields[5].split(",")) for fields in mounts}
    assert {point for point, have in flags.items() if "rw" in have} == {"/tmp"}
    assert all("nosuid" in have for have in flags.values())
    assert all("nodev" in have for point, have in flags.items() if not point.startswith("/dev/"))
    assert flags["/tmp"] >= {"noexec", "nodev"}
    assert not any("proc" in fields for fields in mounts)
    assert flags.keys() >= {"/", "/tmp", "/dev/null", "/dev/zero", "/dev/urandom"}


@shown_to_root
def test_it_has_four_open_files(candidate: Path) -> None:
    opened = {int(fd.name): str(fd.readlink()) for fd in (candidate / "fd").iterdir()}
    assert sorted(opened) == [0, 1, 2, 3]
    assert opened[0] == "/dev/null"
    assert opened[1] == opened[2] == "/memfd:output (deleted)"
    assert opened[3].startswith("socket:")


def test_its_limits_are_those_asked_for(candidate: Path) -> None:
    limits = (candidate / "limits").read_text()
    rows = {line[:26].strip(): line[26:].split()[:2] for line in limits.splitlines()[1:]}
    assert rows["Max cpu time"] == ["2", "3"]
    assert rows["Max file size"] == [str(16 << 20)] * 2
    assert rows["Max core file size"] == ["0", "0"]
    assert rows["Max open files"] == ["64", "64"]
    assert 64 << 20 < int(rows["Max address space"][1]) < 512 << 20


@shown_to_root
def test_its_environment_is_made_from_nothing(candidate: Path) -> None:
    names = {entry.split(b"=")[0] for entry in (candidate / "environ").read_bytes().split(b"\0") if entry}
    assert names == {b"PYTHONHASHSEED", b"LC_ALL", b"HOME", b"TMPDIR", b"PATH"}
