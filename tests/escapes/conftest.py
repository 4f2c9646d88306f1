"""One judge and one host for the whole corpus on a tier: what a case breaks stays broken for those after it."""

from __future__ import annotations

import ctypes
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.sandbox.docker.daemon import docker_daemon

from banchu.sandbox import probe_isolation

from .bench import Bench
from .host import Host

__all__ = ["docker_daemon"]

_PR_SET_CHILD_SUBREAPER = 36
_ANY_PYTHON = "/usr/bin/python3"


@pytest.fixture(scope="session")
def host() -> Iterator[Host]:
    """What must not be harmed, looked at once more at the end."""
    host = Host()
    yield host
    harm = host.harm()
    host.close()
    assert not harm


@pytest.fixture(scope="module")  # what is left behind is counted: nobody else may open anything before the end
def bench(request: pytest.FixtureRequest, host: Host) -> Iterator[Bench]:
    """The tier is the parameter. When it ends, nothing of it may be left on this machine."""
    tier: str = request.param
    if tier == "docker":
        request.getfixturevalue("docker_daemon")
    isolation = _isolation(tier)
    # Processes that lose their parent come to this one, so that none can hide.
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    before = _holdings()
    with Bench(isolation, host) as bench:
        yield bench
    after = _holdings()
    _prctl(_PR_SET_CHILD_SUBREAPER, 0)
    assert after == before


def _isolation(tier: str) -> str:
    """The tier, with a Python that the candidates' user can read. Skips where the tier cannot be had."""
    report = probe_isolation(tier)
    if not report.ok and tier == "landlock" and shutil.which(_ANY_PYTHON):
        report, tier = probe_isolation(f"{tier}+python={_ANY_PYTHON}"), f"{tier}+python={_ANY_PYTHON}"
    if not report.ok:
        pytest.skip(f"{tier}: {report.detail}; {report.remedy}")
    return tier


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _holdings() -> dict[str, object]:
    return {
        "files": len(os.listdir("/proc/self/fd")),  # noqa: PTH208
        "processes": _living(),
        "groups": sorted(str(path) for path in Path("/sys/fs/cgroup").glob(f"**/banchu-{os.getpid()}-*")),
        "folders": sorted(path.name for path in Path(tempfile.gettempdir()).glob(f"banchu-slot-{os.getpid()}-*")),
    }


def _living() -> dict[str, str]:
    """Children by their numbers. Orphans that have died are collected; those about to die get a moment."""
    for _ in range(20):
        found = {}
        for task in Path("/proc/self/task").iterdir():
            for pid in (task / "children").read_text().split():
                name, _, rest = Path(f"/proc/{pid}/stat").read_text().partition("(")[2].rpartition(")")
                if rest.split()[0] == "Z":
                    os.waitpid(int(pid), os.WNOHANG)
                else:
                    found[pid] = name
        if not {"bwrap", "containerd-shim"} & {*found.values()}:
            break
        time.sleep(0.1)
    return found
