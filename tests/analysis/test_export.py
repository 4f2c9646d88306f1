from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from banchu.analysis.columns import TABLE_NAMES, TABLES, Column, Row, Table
from banchu.analysis.export import rows
from banchu.analysis.run import summarise_ledger
from banchu.analysis.tabular import Format, write_file, write_text
from banchu.benchmarks import Benchmark, load_benchmark
from banchu.core import Arm, StorageError
from banchu.core.sealed import unseal
from banchu.experiments.ledger import Ledger
from banchu.experiments.rundir import open_run

DOCUMENT = Path(__file__).parent.parent.parent / "docs/export.md"
Named = dict[str, object]


@pytest.fixture
def ledger(small_run: Path) -> Iterator[Ledger]:
    with open_run(small_run) as found:
        yield found


def table(ledger: Ledger, name: Table, **options: bool) -> list[Named]:
    columns = [column.name for column in TABLES[name]]
    return [dict(zip(columns, row, strict=True)) for row in rows(ledger, name, run="r", **options)]


def as_text(ledger: Ledger, name: Table, form: Format) -> str:
    out = io.StringIO()
    write_text(rows(ledger, name, run="r"), TABLES[name], form, out)
    return out.getvalue()


def test_the_rows_are_the_numbers_of_the_summary(ledger: Ledger) -> None:
    summary = {arm.arm: arm for arm in summarise_ledger(ledger).arms}
    episodes, attempts, calls = (table(ledger, name) for name in ("episodes", "attempts", "calls"))
    for name, arm in summary.items():
        mine = [row for row in episodes if row["arm"] == name]
        assert len(mine) == arm.episodes == 8
        assert sum(bool(row["first_passed"]) for row in mine) == arm.accuracy[0].solved
        assert sum(bool(row["last_passed"]) for row in mine) == arm.accuracy[-1].solved
        spoken = [row for row in calls if row["arm"] == name]
        assert len(spoken) == arm.model_calls == sum(int(str(row["model_calls"])) for row in mine)
        for column in ("prompt_tokens", "completion_tokens"):
            total = sum(int(str(row[column])) for row in spoken)
            assert total == sum(int(str(row[column])) for row in mine)
            assert total == getattr(arm.tokens, column.removesuffix("_tokens"))
        assert {row["oracle"] for row in mine} == {arm.oracle}
        assert {row["claims"] for row in mine} == {arm.claims}
    counted = Counter((row["task_id"], row["arm"], row["repeat"]) for row in attempts)
    assert counted == {(e["task_id"], e["arm"], e["repeat"]): e["attempts"] for e in episodes}
    assert any(row["accepts"] is not None for row in attempts)
    assert {row["passed"] for row in attempts} == {True, False}


def test_self_tests_and_feedback_are_there(ledger: Ledger) -> None:
    written = table(ledger, "self_tests")
    assert written
    assert {row["arm"] for row in written} == {"self_tests"}
    assert {row["holds"] for row in written} <= {True, False, None}
    feedback = table(ledger, "feedback")
    assert {row["source"] for row in feedback} == {"intrinsic", "self_tests", "oracle_trace"}
    assert any(str(row["reflection"]).startswith("I overlooked") for row in feedback)


def sealed_lines(benchmark: Benchmark, task_ids: set[object]) -> set[str]:
    """Assertions of the sealed tests, without those that a prompt shows by itself."""
    found = set()
    for pair in benchmark.tasks:
        if pair.task.id in task_ids:
            calls = re.findall(r"candidate(\(.*?\)) ==", unseal(pair.sealed).check)
            found |= {call for call in calls if len(call) > 8 and call not in pair.task.prompt}
    return found


def test_no_table_holds_sealed_text_unless_asked(ledger: Ledger) -> None:
    lines = sealed_lines(load_benchmark("humaneval"), {row["task_id"] for row in table(ledger, "episodes")})
    assert lines
    found = {
        asked: sum(
            line in str(value)
            for name in TABLE_NAMES
            for row in table(ledger, name, sealed=asked)
            for value in row.values()
            for line in lines
        )
        for asked in (False, True)
    }
    assert found[False] == 0
    assert found[True] > 0
    withheld = [row for row in table(ledger, "calls") if row["prompt"] is None]
    assert {row["arm"] for row in withheld} == {"oracle_trace"}
    assert Arm.parse("oracle_trace").oracle_content


@pytest.mark.parametrize("name", TABLE_NAMES)
def test_csv_jsonl_and_parquet_say_the_same(ledger: Ledger, name: Table, tmp_path: Path) -> None:
    told = table(ledger, name)
    assert [json.loads(line) for line in as_text(ledger, name, "jsonl").splitlines()] == told
    read = list(csv.DictReader(io.StringIO(as_text(ledger, name, "csv"))))
    assert [list(row) for row in read] == [list(row) for row in told]
    for found, wanted in zip(read, told, strict=True):
        assert found == {key: _in_csv(value) for key, value in wanted.items()}
    path = tmp_path / "table.parquet"
    assert write_file(rows(ledger, name, run="r"), TABLES[name], "parquet", path) == len(told)
    stored = pq.read_table(path)
    assert stored.to_pylist() == told
    assert [field.metadata[b"description"].decode() for field in stored.schema] == [c.text for c in TABLES[name]]
    assert [str(field.type) for field in stored.schema] == [
        {"text": "string", "int": "int64", "real": "double", "bool": "bool"}[c.type] for c in TABLES[name]
    ]


def _in_csv(value: object) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


COLUMNS = (Column("a", "text", ""), Column("b", "int", ""), Column("c", "bool", ""))


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_no_rows_are_a_whole_file(form: Format, tmp_path: Path) -> None:
    path = tmp_path / "empty"
    assert write_file([], COLUMNS, form, path) == 0
    assert path.read_bytes() == b"a,b,c\n" if form == "csv" else path.exists()
    if form == "parquet":
        assert pq.read_table(path).schema.names == ["a", "b", "c"]


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_a_file_is_whole_or_as_it_was(form: Format, tmp_path: Path) -> None:
    def broken() -> Iterator[Row]:
        yield ("x", 1, True)
        raise OSError(28, "No space left on device")

    path = tmp_path / "table"
    path.write_text("earlier")
    with pytest.raises(StorageError, match=r"No space left.*--out"):
        write_file(broken(), COLUMNS, form, path)
    assert path.read_text() == "earlier"
    assert list(tmp_path.iterdir()) == [path]


def test_what_csv_finds_hard_comes_back(tmp_path: Path) -> None:
    text = 'a,"b"\r\n반추 \u2028 =1+1;\t|'
    path = tmp_path / "hard.csv"
    write_file([(text, -1, None)], COLUMNS, "csv", path)
    with path.open(newline="", encoding="utf-8") as file:
        assert list(csv.DictReader(file)) == [{"a": text, "b": "-1", "c": ""}]


def test_every_column_is_in_the_document() -> None:
    lines = []
    for name in TABLE_NAMES:
        lines += [f"## {name}", "", "| column | type | |", "| --- | --- | --- |"]
        lines += [f"| {column.name} | {column.type} | {column.text} |" for column in TABLES[name]]
        lines.append("")
    assert "\n".join(lines).strip() in DOCUMENT.read_text()
