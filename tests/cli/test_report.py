"""`banchu report` and `banchu export` as a person runs them."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.warm import WarmBanchu

from .conftest import write_script

RUN = ["run", "humaneval", "--limit", "3", "--rounds", "1", "--arms", "none,oracle_trace+stop=rounds", "--no-controls"]


@pytest.fixture(scope="module")
def once(warm_banchu: WarmBanchu, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one finished run of a fake."""
    folder = tmp_path_factory.mktemp("reported")
    assert warm_banchu.run([*RUN, "--model", write_script(folder)], folder, os.environ).returncode == 0
    return folder


@pytest.fixture
def run(once: Path, tmp_path: Path) -> Path:
    """The run's folder, in a copy for this test."""
    shutil.copytree(once / "runs", tmp_path / "runs", symlinks=True)
    (folder,) = (tmp_path / "runs").iterdir()
    return folder


def assert_refused(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("banchu: error: ")
    assert all(word in line for word in words)


@pytest.mark.slow
def test_a_report_lies_in_the_runs_folder_with_its_figures(banchu: Any, run: Path) -> None:
    done = banchu("report", "last")
    assert done.returncode == 0, done.stderr
    where = Path("runs") / run.name / "report"
    assert done.stdout.splitlines() == [f"report: {where / 'report.md'}", f"figures: {where / 'figures'} (8 files)"]
    text = (run / "report" / "report.md").read_text()
    for link in re.findall(r"\]\((figures/.*?)\)", text):
        assert (run / "report" / link).stat().st_size > 1000


@pytest.mark.slow
def test_the_command_in_a_report_finds_its_run(banchu: Any, run: Path, tmp_path: Path) -> None:
    written = json.loads(banchu("report", "last", "--no-figures", "--out", "here", "--json").stdout)
    assert written == {"report": "here/report.md", "figures": []}
    text = (tmp_path / "here/report.md").read_text()
    told = re.search(r"```sh\nbanchu (run .*)\n```", text)
    assert told
    again = banchu(*shlex.split(told[1]), "--json")
    assert again.returncode == 0, again.stderr
    assert [folder.name for folder in (tmp_path / "runs").iterdir()] == [run.name]
    assert banchu("report", "last", "--no-figures", "--out", "there").returncode == 0
    assert (tmp_path / "there/report.md").read_text() == text


@pytest.mark.slow
def test_two_reports_are_the_same_in_new_interpreters(banchu_afresh: Any, run: Path, tmp_path: Path) -> None:
    for out in ("a", "b"):
        done = banchu_afresh("report", "last", "--out", out, PYTHONHASHSEED=str(ord(out)))
        assert done.returncode == 0, done.stderr
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*.*"))
    assert len(files) == 9
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes(), file


def test_export_goes_to_stdout_or_to_a_file(banchu: Any, run: Path, tmp_path: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(banchu("export", "last").stdout)))
    assert {row["arm"] for row in rows} == {"none", "oracle_trace+stop=rounds"}
    assert len(rows) == 3 * 2 * 2
    assert {row["run"] for row in rows} == {run.name}
    lines = banchu("export", run.name, "--table", "calls", "--format", "jsonl").stdout.splitlines()
    assert {json.loads(line)["role"] for line in lines} >= {"actor", "reflector"}
    done = banchu("export", "last", "--format", "parquet", "--table", "episodes", "--out", "episodes.parquet")
    assert done.stdout == "6 rows of episodes: episodes.parquet\n"
    assert (tmp_path / "episodes.parquet").read_bytes().startswith(b"PAR1")


@pytest.mark.slow
def test_bad_input_is_one_line(banchu: Any, run: Path, tmp_path: Path) -> None:
    for command in ("report", "export"):
        assert_refused(banchu(command, "nowhere"), 3, "nowhere", run.name)
        (tmp_path / "empty").mkdir(exist_ok=True)
        assert_refused(banchu(command, "empty"), 3, "no ledger")
    assert_refused(banchu("export", "last", "--format", "cvs"), 2, "--format 'cvs'", "csv")
    assert_refused(banchu("export", "last", "--table", "attempt"), 2, "--table 'attempt'", "attempts")
    assert_refused(banchu("export", "last", "--format", "parquet"), 2, "--out")
    assert_refused(banchu("export", "last", "--out", "no/such/folder.csv"), 6, "folder.csv", "--out")
    (tmp_path / "file").write_text("")
    assert_refused(banchu("report", "last", "--no-figures", "--out", "file"), 6, "file", "--out")


@pytest.mark.parametrize(
    ("package", "command", "remedy"),
    [
        ("matplotlib", ["report", "last"], "pip install 'banchu[figures]', or use --no-figures"),
        ("pyarrow", ["export", "last", "--format", "parquet", "--out", "x"], "pip install 'banchu[parquet]'"),
    ],
)
def test_a_package_that_is_not_installed_is_named(
    run: Path, tmp_path: Path, package: str, command: list[str], remedy: str
) -> None:
    program = (
        f"import sys\nsys.modules[{package!r}] = None\nsys.argv = ['banchu', *{command!r}]\n"
        "from banchu.cli.main import main\nmain()"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert_refused(done, 2, package, remedy)
    assert not (run / "report").exists()


@pytest.mark.parametrize("command", ["report", "export"])
def test_help_has_examples(banchu: Any, command: str) -> None:
    help_text = banchu(command, "--help").stdout
    assert "Examples" in help_text
    assert f"banchu {command} last" in help_text
