"""Free memory: what the kernel has, and what control groups leave of it, of both versions and nested."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from banchu.models.local import machine

GIB = 2**30


def proc(root: Path, *groups: str, available: int = 10 * GIB) -> Path:
    (root / "proc" / "self").mkdir(parents=True)
    (root / "proc" / "meminfo").write_text(f"MemTotal: 1 kB\nMemAvailable: {available // 1024} kB\n")
    (root / "proc" / "self" / "cgroup").write_text("".join(f"{line}\n" for line in groups))
    return root / "proc"


def v2(folder: Path, limit: int | str, used: int, cached: int = 0) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "memory.max").write_text(f"{limit}\n")
    (folder / "memory.current").write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 5\ninactive_file {cached}\n")


def v1(folder: Path, limit: int, used: int, cached: int = 0) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "memory.limit_in_bytes").write_text(f"{limit}\n")
    (folder / "memory.usage_in_bytes").write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"cache 1\ntotal_inactive_file {cached}\n")


def test_without_a_limit_it_is_what_the_kernel_says(tmp_path: Path) -> None:
    groups = tmp_path / "cgroup"
    v2(groups / "user", "max", 5 * GIB)
    assert machine.memory_available(proc(tmp_path, "0::/user"), groups) == 10 * GIB


def test_the_narrowest_group_counts_and_its_page_cache_is_free(tmp_path: Path) -> None:
    groups = tmp_path / "cgroup"
    v2(groups / "a" / "b", 8 * GIB, 3 * GIB)
    v2(groups / "a", 6 * GIB, 5 * GIB, cached=GIB)
    assert machine.memory_available(proc(tmp_path, "0::/a/b"), groups) == 2 * GIB


def test_in_a_container_whose_path_is_the_hosts_the_root_is_left(tmp_path: Path) -> None:
    groups = tmp_path / "cgroup"
    v2(groups, 3 * GIB, GIB)
    assert machine.memory_available(proc(tmp_path, "0::/docker/0123"), groups) == 2 * GIB


def test_version_1_and_both_at_once(tmp_path: Path) -> None:
    groups = tmp_path / "cgroup"
    v1(groups / "memory" / "x", 4 * GIB, 3 * GIB, cached=2 * GIB)
    v1(groups / "memory", 2**63 - 4096, 9 * GIB)
    v2(groups / "unified" / "y", 9 * GIB, GIB)
    lines = ("4:cpu,memory:/x", "3:cpuset:/", "0::/y")
    assert machine.memory_available(proc(tmp_path, *lines), groups) == 3 * GIB
    assert machine.memory_available(proc(tmp_path / "more", *lines, available=GIB), groups) == GIB


def test_a_group_that_is_full_leaves_nothing(tmp_path: Path) -> None:
    v2(tmp_path / "cgroup", GIB, 2 * GIB)
    assert machine.memory_available(proc(tmp_path, "0::/"), tmp_path / "cgroup") == 0


def test_where_nothing_is_said_it_is_unknown(tmp_path: Path) -> None:
    assert machine.memory_available(tmp_path, tmp_path) is None
    v2(tmp_path / "cgroup", "many", 1)
    assert machine.memory_available(proc(tmp_path, "garbage", "0::/"), tmp_path / "cgroup") == 10 * GIB


def test_this_machine_has_some() -> None:
    found = machine.memory_available()
    assert found is not None
    assert 2**20 < found < 2**50


@pytest.mark.parametrize(("name", "seen"), [("nvidia0", True), ("nvidiactl", False), ("kfd", True), ("null", False)])
def test_a_driver_is_seen_by_its_device(tmp_path: Path, name: str, seen: bool) -> None:
    (tmp_path / name).touch()
    assert machine.may_have_gpu(tmp_path) is seen


@pytest.mark.slow
def test_torch_is_asked_in_a_process_of_its_own() -> None:
    import torch

    done = subprocess.run(
        [sys.executable, "-m", "banchu.models.local.gpus"], capture_output=True, text=True, check=True
    )
    assert len(json.loads(done.stdout.splitlines()[-1])) == torch.cuda.device_count()
    machine.gpus.cache_clear()
    assert len(machine.gpus()) == torch.cuda.device_count()
