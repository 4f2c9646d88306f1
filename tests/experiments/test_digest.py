"""The digest of a ledger: whatever happened otherwise changes it, when it happened does not."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from banchu.core.chat import Completion, Request, Sampling, ToolCall, Usage
from banchu.core.episode import Attempt, Choice, Feedback
from banchu.core.errors import DataError
from banchu.core.task import Task
from banchu.core.tool_record import ToolCallRecord
from banchu.core.verdict import Verdict
from banchu.experiments.digest import LEFT_OUT, LedgerDigest, differing, digest_of, read_digest
from banchu.experiments.journal import Journal
from banchu.experiments.ledger import Ledger
from banchu.experiments.recalls import Recalled, Stage
from banchu.experiments.schema import TABLES
from banchu.experiments.split import Split
from banchu.memory import Entry, Pool

EPISODES = [("T/0", "none", 0), ("T/0", "intrinsic", 0), ("T/1", "none", 0)]
CONFIG = {"benchmark": "toy", "isolation": "namespaces", "rounds": 1}


def write(path: Path, episodes: list[tuple[str, str, int]], **header: Any) -> Path:
    """A small ledger in which every table holds something; its facts are the same in any order of the episodes."""
    journal = Journal(path)
    journal.header(**{"config": CONFIG, "invocation": {"model": "hf:./here"}, "versions": [{"python": "3"}], **header})
    journal.tasks([(Task(f"T/{n}", "toy", f"def f{n}():\n", f"f{n}"), "digest") for n in range(2)])
    journal.split(Split(("T/0",), ("T/1",)))
    entry = Entry("a lesson", Pool("run", "repeat 0", "intrinsic"), "T/0", "train", "T/0#0", 1)
    journal.stage(Stage("intrinsic", 1, (entry,)))
    journal.embedded("openai:e@http://127.0.0.1:9/v1", [("sha of a text", b"\0\0\x80\x3f", 3)])
    for task, arm, repeat in episodes:
        episode = journal.episode(task, arm, repeat)
        for round_ in range(2):
            key, code = f"{task}-{arm}-{round_}", f"code of {task}, {round_}"
            answer = Completion(code, Usage(10, 5, 2), "stop", 0.5, (ToolCall("look", "{}", "1"),))
            journal.call(key, Request("prompt", Sampling(seed=round_)), answer)
            for _ in range(2):  # the second turn is behind a call of a tool
                episode.uses_call("actor", round_, key, 0)
            episode.tool_call(ToolCallRecord(round_, "look", "{}", "42", "answered", 0.5, "actor", round_))
            episode.attempt(Attempt(round_, code, code))
            episode.feedback(Feedback(round_, "intrinsic", "look again", None))
            episode.reflection(round_, "a lesson")
            episode.choice(Choice(round_, None, round_))
            journal.verdict(task, code, Verdict("raised", 1, 2, error="ValueError: no", cpu_s=0.1, wall_s=0.2))
            journal.proof(task, "tests", code, [True])
        episode.recalled([Recalled(0, 1, "id", "T/0#0", "T/0", 1, text="a lesson", similarity=0.5)])
        episode.self_tests(["assert f() == 1"])
        episode.self_test_holds(0, True)
        episode.done("rounds", 0)
    journal.close()
    return path


def digest(path: Path) -> LedgerDigest:
    with Ledger(path) as ledger:
        return digest_of(ledger)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("digest") / "ledger.sqlite", EPISODES)


@pytest.fixture
def changed(whole: Path, tmp_path: Path) -> Callable[..., LedgerDigest]:
    """The digest of a copy on which SQL was executed."""

    def change(*statements: str, values: tuple[Any, ...] = ()) -> LedgerDigest:
        return digest(altered(whole, tmp_path, *statements, values=values))

    return change


def altered(whole: Path, folder: Path, *statements: str, values: tuple[Any, ...] = ()) -> Path:
    copy = Path(shutil.copy(whole, folder / "copy.sqlite"))
    with closing(sqlite3.connect(copy)) as db:
        db.execute("PRAGMA synchronous = OFF")
        for statement in statements:
            assert db.execute(statement, values).rowcount
        db.commit()
    return copy


def columns() -> list[tuple[str, str]]:
    with closing(sqlite3.connect(":memory:")) as db:
        db.executescript(TABLES)
        names = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return [(name, row[1]) for name in names for row in db.execute(f"PRAGMA table_info({name})")]


COLUMNS = columns()
JSON = {("calls", "prompt"), ("calls", "sampling"), ("proofs", "detail"), ("verdicts", "detail"), ("meta", "value")}


def test_every_table_is_in_it(whole: Path) -> None:
    assert {name for name, _ in COLUMNS} == {*digest(whole).tables}


@pytest.mark.parametrize(
    ("table", "column"), [pair for pair in COLUMNS if pair != ("episodes", "id")], ids=lambda name: str(name)
)
def test_a_value_that_changes_changes_it_unless_it_is_left_out(
    whole: Path, changed: Callable[..., LedgerDigest], table: str, column: str
) -> None:
    value: Any = '["other"]' if (table, column) in JSON else 99
    with closing(sqlite3.connect(whole)) as db:
        keys = [row[1] for row in db.execute(f"PRAGMA table_info({table})") if row[5]]
        first = db.execute(f"SELECT {', '.join(keys)} FROM {table} ORDER BY {', '.join(keys)}").fetchone()
    which = " AND ".join(f"{key} = {part!r}" for key, part in zip(keys, first, strict=True))
    before, after = digest(whole), changed(f"UPDATE {table} SET {column} = ? WHERE {which}", values=(value,))
    if (table, column) in LEFT_OUT:
        assert after == before
    else:
        assert after.sha256 != before.sha256
        assert table in differing(before, after)
        named = {part.partition(".")[0] for part in differing(before, after)[table]}
        assert {column, "rows", *(["config"] if table == "meta" else [])} & named


@pytest.mark.parametrize(
    ("key", "value", "named"),
    [
        ("cpu_s", 9.0, {}),
        ("wall_s", 9.0, {}),
        ("error", "ValueError: yes", {"verdicts": ["detail.error"]}),
        ("isolation", "landlock", {"verdicts": ["detail.isolation"]}),
    ],
)
def test_of_a_verdict_only_its_times_are_left_out(
    changed: Callable[..., LedgerDigest], whole: Path, key: str, value: Any, named: dict[str, list[str]]
) -> None:
    sql = f"UPDATE verdicts SET detail = json_set(detail, '$.{key}', ?)"
    assert differing(digest(whole), changed(sql, values=(value,))) == named


@pytest.mark.parametrize(
    ("header", "named"),
    [
        ({"versions": [{"python": "4"}]}, {}),
        ({"invocation": {"model": "hf:/elsewhere"}}, {}),
        ({"benchmark_source": "/elsewhere/tasks.jsonl"}, {}),
        ({"config": {**CONFIG, "rounds": 2}}, {"meta": ["config.rounds"]}),
        ({"config": {**CONFIG, "repeats": 2}}, {"meta": ["config.repeats"]}),
        ({"something": "new"}, {"meta": ["something"]}),
    ],
)
def test_of_the_header_what_may_change_a_number_counts(
    whole: Path, tmp_path: Path, header: dict[str, Any], named: dict[str, list[str]]
) -> None:
    assert differing(digest(whole), digest(write(tmp_path / "other.sqlite", EPISODES, **header))) == named


def test_it_does_not_matter_who_came_first(whole: Path, tmp_path: Path) -> None:
    assert digest(write(tmp_path / "other.sqlite", EPISODES[::-1])) == digest(whole)


def test_what_is_swapped_between_rows_is_seen(whole: Path, changed: Callable[..., LedgerDigest]) -> None:
    """As many of each value as before, in other places."""
    other = changed("UPDATE attempts SET says_done = (round = 0)")
    again = changed("UPDATE attempts SET says_done = (round = 1)")
    assert differing(other, again) == {"attempts": ["says_done"]}
    assert differing(digest(whole), other) == {"attempts": ["says_done"]}


def test_rows_more_and_less_are_said_as_rows(whole: Path, changed: Callable[..., LedgerDigest]) -> None:
    fewer = changed("DELETE FROM reflections WHERE round = 1")
    assert differing(digest(whole), fewer) == differing(fewer, digest(whole)) == {"reflections": ["rows"]}
    assert differing(digest(whole), changed("DELETE FROM reflections")) == {"reflections": ["rows"]}


def test_a_ledger_that_is_older_than_a_table_is_the_same(changed: Callable[..., LedgerDigest]) -> None:
    assert changed("DELETE FROM choices") == changed("DROP TABLE choices")


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_any_text_anywhere_counts(whole: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Texts that a careless join of values would not tell apart included."""
    table, column = data.draw(
        st.sampled_from([("attempts", "text"), ("feedback", "text"), ("self_tests", "source"), ("tasks", "prompt")])
    )
    texts = st.text(st.sampled_from('ab\n",[]\\ é\x00'), max_size=6)
    one, other = data.draw(texts), data.draw(texts)
    folder = tmp_path_factory.mktemp("any")
    found = [
        digest(altered(whole, folder, f"UPDATE {table} SET {column} = ?", values=(text,))) for text in (one, other)
    ]
    assert (found[0] == found[1]) is (one == other)


def test_it_is_kept_in_a_file_and_read_again(whole: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text(json.dumps(digest(whole).to_json()))
    assert read_digest(file) == digest(whole)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"sha256": "a", "tables": {"x": 1}}', '{"tables": []}', "\udcff"])
def test_a_file_that_holds_none_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "a.json"
    file.write_text(text, errors="surrogateescape")
    with pytest.raises(DataError, match=r"a\.json' holds no digest; make one with `banchu digest RUN --json > FILE`"):
        read_digest(file)
    with pytest.raises(DataError, match="holds no digest"):
        read_digest(tmp_path / "none.json")


def test_a_damaged_ledger_is_an_error_of_one_line(whole: Path, changed: Callable[..., LedgerDigest]) -> None:
    with pytest.raises(DataError, match="cannot be read") as error:
        changed("UPDATE proofs SET detail = 'no JSON'")
    assert "\n" not in str(error.value)
