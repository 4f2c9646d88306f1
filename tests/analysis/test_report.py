from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.table import Table

from banchu.analysis.figures import FIGURES
from banchu.analysis.reading import read
from banchu.analysis.report import write_report
from banchu.analysis.report.markdown import Recorder, as_table, from_rich, inline
from banchu.analysis.run import summarise_ledger
from banchu.analysis.tables import print_summary
from banchu.core import StorageError
from banchu.experiments.ledger import Ledger
from banchu.experiments.rundir import open_run


@pytest.fixture
def ledger(small_run: Path) -> Iterator[Ledger]:
    with open_run(small_run) as found:
        yield found


@pytest.fixture(scope="module")
def report(small_run: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of a report with figures, and its text."""
    with open_run(small_run) as ledger:
        written = write_report(ledger, tmp_path_factory.mktemp("report"))
    return written.path.parent, written.path.read_text()


def tables(text: str) -> list[list[list[str]]]:
    """Every Markdown table as rows of cells."""
    blocks = re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE)
    return [[re.split(r"(?<!\\)\|", row)[1:-1] for row in block.splitlines()] for block in blocks]


def test_the_report_says_everything(report: tuple[Path, str], ledger: Ledger) -> None:
    _, text = report
    heads = re.findall(r"^## (.*)", text, re.MULTILINE)
    assert heads == [
        "In plain words",
        "Numbers",
        "Figures",
        "Each flip",
        "Counted apart",
        "How it was run",
        "How to make it again",
    ]
    summary = summarise_ledger(ledger)
    for comparison in summary.comparisons:
        assert text.count(inline(read(comparison))) == 1
    for note in summary.notes:
        assert inline(note) in text
    for arm in summary.arms:
        first, last = arm.accuracy[0], arm.accuracy[-1]
        told = f"{first.solved} of {first.n} solved by the first attempt, {last.solved} of {last.n} by the last"
        assert arm.flips
        told += f"; {arm.flips.incorrect_correct} wrong answers were repaired, {arm.flips.correct_incorrect} right ones"
        assert re.search(rf"- `{arm.arm}` \(.*{told}", text)
    assert "`scripted:fickle` worked on 4 tasks of `humaneval`, 2 times each, in 4 arms" in text
    assert "not finished" not in text


def test_every_table_that_is_printed_is_in_it_whole(report: tuple[Path, str], ledger: Ledger) -> None:
    recorder = Recorder()
    print_summary(summarise_ledger(ledger), recorder, detail=True)
    printed = [seen for seen in recorder.seen if isinstance(seen, Table)]
    assert len(printed) >= 4
    for table in printed:
        assert from_rich(table) in report[1]
    for rows in tables(report[1]):
        assert len({len(row) for row in rows}) == 1, rows[0]
        assert len(rows) > 2


def test_the_flips_are_those_of_the_table(report: tuple[Path, str], ledger: Ledger) -> None:
    (listed,) = [rows[2:] for rows in tables(report[1]) if " flip " in rows[0]]
    for arm in summarise_ledger(ledger).arms:
        mine = [row[3].strip() for row in listed if row[1].strip() == arm.arm]
        assert mine.count("i→c") == sum(step.incorrect_correct for step in arm.steps)
        assert mine.count("c→i") == sum(step.correct_incorrect for step in arm.steps)
    assert listed


def test_its_figures_are_there_and_nothing_else(report: tuple[Path, str]) -> None:
    folder, text = report
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    figures = {f"figures/{name}.{form}" for name in FIGURES for form in ("png", "svg")}
    assert files == {"report.md", *figures}
    assert set(re.findall(r"\]\((figures/.*?)\)", text)) == figures


def test_no_oracle_number_is_called_pass_at_1(report: tuple[Path, str]) -> None:
    for line in report[1].splitlines():
        if "oracle_trace" in line and "pass@1" in line:
            assert "never pass@1" in line


@pytest.mark.slow
def test_the_same_run_gives_the_same_bytes(report: tuple[Path, str], ledger: Ledger, tmp_path: Path) -> None:
    again = write_report(ledger, tmp_path)
    assert len(again.figures) == 2 * len(FIGURES)
    for path in (again.path, *again.figures):
        assert path.read_bytes() == (report[0] / path.relative_to(tmp_path)).read_bytes()


def altered(small_run: Path, tmp_path: Path, *statements: str) -> Ledger:
    """The run with its ledger changed, as if it had gone otherwise."""
    folder = tmp_path / "altered"
    shutil.copytree(small_run, folder)
    with sqlite3.connect(folder / "ledger.sqlite") as database:
        for statement in statements:
            database.execute(statement)
    database.close()
    return open_run(folder)


def test_an_unfinished_run_says_so_and_lists_what_is_apart(small_run: Path, tmp_path: Path) -> None:
    changes = (
        "UPDATE episodes SET status = 'open' WHERE arm = 'none' AND task_id = 'HumanEval/1'",
        "UPDATE episodes SET status = 'failed', error = 'the | server\nwent away' "
        "WHERE arm = 'intrinsic' AND task_id = 'HumanEval/2' AND repeat = 1",
        "DELETE FROM verdicts WHERE task_id = 'HumanEval/3'",
        "UPDATE attempts SET truncated = 1 WHERE round = 1",
    )
    with altered(small_run, tmp_path, *changes) as ledger:
        text = write_report(ledger, tmp_path / "out", figures=False).path.read_text()
    assert "**This run is not finished**: 30 of 32 episodes have ended" in text
    assert "HumanEval/1, HumanEval/1 repeat 1" in text
    assert "HumanEval/2 repeat 1: the \\| server<br>went away" in text
    assert re.search(r"Unjudged.*\n\n.*\n.*\n\| none \| 6 \| HumanEval/3 r0, HumanEval/3 r1", text)
    assert "cut by the token limit" in text
    assert "## Figures" not in text
    for rows in tables(text):
        assert len({len(row) for row in rows}) == 1


def test_budgets_and_filters_are_told_by_name_and_in_numbers(small_run: Path, tmp_path: Path) -> None:
    changes = (
        "UPDATE episodes SET stopped_by = 'budget' WHERE arm = 'none' AND task_id = 'HumanEval/1'",
        "UPDATE calls SET finish_reason = 'content_filter' WHERE key IN (SELECT ec.key FROM episode_calls ec JOIN "
        "episodes e ON e.id = ec.episode WHERE e.task_id = 'HumanEval/2' AND e.arm = 'intrinsic' "
        "AND ec.role = 'critic')",
        "UPDATE episodes SET status = 'failed', error = 'context overflow: too long' WHERE arm = 'self_tests' "
        "AND task_id = 'HumanEval/3' AND repeat = 0",
        "DELETE FROM attempts WHERE round = 2 AND episode IN (SELECT id FROM episodes WHERE arm = 'self_tests')",
    )
    with altered(small_run, tmp_path, *changes) as ledger:
        text = write_report(ledger, tmp_path / "out", figures=False).path.read_text()
    assert "| none | 2 | HumanEval/1 after r2, HumanEval/1 repeat 1 after r2 |" in text
    assert re.search(r"a content filter ended\*\*\n\n.*\n.*\n\| intrinsic \| \d \| HumanEval/2 critic r0", text)
    ends = next(rows for rows in tables(text) if "over- flow" in "".join(rows[0]))
    by_arm = {
        row[0].strip(): dict(zip((c.strip() for c in ends[0]), (c.strip() for c in row), strict=True))
        for row in ends[2:]
    }
    assert by_arm["none"]["by budget"] == "2"
    assert by_arm["self_tests"]["over- flow"] == "1"
    for row in by_arm.values():
        counted = [int(row[name]) for name in row if name not in ("arm", "plan- ned", "right, cut", "by budget")]
        assert sum(counted) == int(row["plan- ned"]) == 8


def test_a_run_without_an_episode_is_a_report_without_figures(small_run: Path, tmp_path: Path) -> None:
    with altered(small_run, tmp_path, "UPDATE episodes SET status = 'open'") as ledger:
        written = write_report(ledger, tmp_path / "out")
    assert written.figures == ()
    text = written.path.read_text()
    assert "No episode of this run has ended yet, so there is nothing to draw." in text
    assert "0 of 32 episodes have ended" in text


def test_a_folder_that_cannot_be_written_is_named(ledger: Ledger, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="--out"):
        write_report(ledger, tmp_path / "file", figures=False)


def test_cells_hold_whatever_they_are_given() -> None:
    table = as_table(("a|b", "c"), [("x | y\nz", "<b> *[link](x)* `code`")])
    assert table.splitlines() == [
        "| a\\|b | c |",
        "| --- | --- |",
        "| x \\| y<br>z | \\<b\\> \\*\\[link\\](x)\\* \\`code\\` |",
    ]
