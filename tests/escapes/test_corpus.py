"""Every case of the corpus, on every tier, as root and as nobody in particular.

No case may pass but a control, nothing may happen to the host, and the next candidate of the same slot finds no trace.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from .bench import Bench
from .corpus import KINDS, Case

ROOT = Path(__file__).parents[2]
PYTHON = "/usr/bin/python3"
SOMEBODY = 54321
"""A user whom no other process on the machine has."""

EVERY = [(kind, case) for kind, cases in KINDS.items() for case in cases]


def _cases(*slow: bool) -> pytest.MarkDecorator:
    chosen = [pytest.param(case, id=f"{kind}-{case.name}") for kind, case in EVERY if case.slow in slow]
    return pytest.mark.parametrize("case", chosen)


def _judged(bench: Bench, case: Case) -> None:
    if not bench.applies(case):
        pytest.skip(f"means nothing on {bench.isolation}")
    problems = bench.problems(case)
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("bench", ["namespaces"], indirect=True)
@_cases(False)
def test_it_is_held(bench: Bench, case: Case) -> None:
    _judged(bench, case)


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.parametrize("bench", ["namespaces"], indirect=True)
@_cases(True)
def test_it_is_held_in_time(bench: Bench, case: Case) -> None:
    _judged(bench, case)


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.parametrize("bench", ["landlock", "bwrap", "docker"], indirect=True)
@_cases(False, True)
def test_it_is_held_on_every_tier(bench: Bench, case: Case) -> None:
    _judged(bench, case)


@pytest.fixture(scope="module")
def as_somebody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """A command that judges the corpus as a user without rights, from a copy that this user can read."""
    if os.geteuid() != 0:
        pytest.skip("the whole corpus has been judged as a user without rights already")
    if shutil.which(PYTHON) is None or _version(PYTHON) < (3, 11):
        pytest.skip(f"{PYTHON}, which anybody can read, is not Python 3.11 or later")
    copy = Path("/var/tmp", f"banchu-escapes-{os.getpid()}")
    for source in ("core/banchu", "sandbox/banchu", "tests/escapes"):
        shutil.copytree(ROOT / source, copy / source, ignore=shutil.ignore_patterns("__pycache__"))
    home = copy / "home"
    home.mkdir()
    os.chown(home, SOMEBODY, SOMEBODY)
    paths = ":".join(str(copy / room) for room in ("core", "sandbox", "tests"))
    yield [
        "/usr/bin/env",
        "-i",
        f"HOME={home}",
        f"TMPDIR={home}",
        f"PYTHONPATH={paths}",
        "PATH=/usr/bin:/bin",
        PYTHON,
        "-B",
        "-m",
    ]
    shutil.rmtree(copy)


def _version(python: str) -> tuple[int, ...]:
    said = subprocess.run([python, "-c", "import sys; print(*sys.version_info[:2])"], capture_output=True, check=True)
    return tuple(map(int, said.stdout.split()))


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.timeout(600)
@pytest.mark.parametrize("tier", ["namespaces", "landlock"])
def test_it_is_held_without_root(as_somebody: list[str], tier: str) -> None:
    command = [*as_somebody, "escapes.judge_all", tier]
    done = subprocess.run(
        command, capture_output=True, text=True, user=SOMEBODY, group=SOMEBODY, extra_groups=[], cwd="/"
    )
    assert done.returncode == 0, done.stderr[-2000:]
    report = json.loads(done.stdout)
    if report["unavailable"]:
        pytest.skip(report["unavailable"])
    assert report["judged"] >= 120
    assert not report["problems"], json.dumps(report["problems"], indent=1)


def test_the_corpus_is_what_it_says() -> None:
    cases = [case for _, case in EVERY]
    assert len({case.name for case in cases}) == len(cases)
    assert len({(case.code, case.check) for case in cases}) == len(cases)
    hostile = [case for kind, case in EVERY if kind != "controls"]
    assert len(hostile) >= 120
    assert not [case.name for case in hostile if "passed" in case.allowed]
    assert not [case.name for case in KINDS["controls"] if case.allowed != {"passed"}]
