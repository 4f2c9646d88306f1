"""`banchu memory` as a person uses it, over a run and over files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

ARMS = "visible_tests,oracle_trace,visible_tests+memory=across"


@pytest.fixture
def ran(banchu: Any, scripted: str) -> Any:
    """One run of three arms, with a few reflections in it."""
    options = ("--arms", ARMS, "--memory-train", "2", "--rounds", "1", "--no-controls", "--limit", "4")
    done = banchu("run", "humaneval", "-m", scripted, *options)
    assert done.returncode == 0, done.stderr
    return banchu


def listed(banchu: Any, *arguments: str) -> list[dict[str, Any]]:
    done = banchu("memory", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_lessons_go_from_a_run_to_a_file_and_into_another_run(ran: Any, scripted: str, tmp_path: Path) -> None:
    every, honest = listed(ran, "list", "last"), listed(ran, "list", "last", "--no-oracle")
    assert {entry["arm"] for entry in every} == {*ARMS.split(",")}
    assert {entry["oracle"] for entry in every if entry["arm"] == "oracle_trace"} == {True}
    assert [entry for entry in every if not entry["oracle"]] == honest
    assert {entry["split"] for entry in every} == {"train", "test"}
    assert listed(ran, "search", "last", "fraction", "-k", "1")[0]["text"] == "I forgot the fraction."
    for _ in range(2):  # what is there already is kept once
        assert ran("memory", "import", "lessons.sqlite", "last").returncode == 0
    assert listed(ran, "list", "lessons.sqlite") == every
    done = ran("memory", "export", "lessons.sqlite", "--no-oracle", "--out", "lessons.jsonl")
    assert f"{len(honest)} lessons" in done.stdout
    assert [{**entry, "id": ""} for entry in listed(ran, "list", "lessons.jsonl")] == [{**e, "id": ""} for e in honest]
    gone = honest[0]["task"]
    assert ran("memory", "forget", "lessons.sqlite", "--task", gone.rpartition("/")[2]).returncode == 0
    assert listed(ran, "list", "lessons.sqlite") == [entry for entry in every if entry["task"] != gone]

    again = ("run", "humaneval", "-m", scripted, "--task", "7", "--rounds", "0", "--no-controls", "--json", "--arms")
    tainted = ran(*again, "none+memory=file", "--memory-file", "lessons.sqlite")
    assert tainted.returncode == 2
    assert "memory=oracle_file" in tainted.stderr
    summary = json.loads(ran(*again, "none+memory=oracle_file", "--memory-file", "lessons.sqlite").stdout)
    (arm,) = summary["summary"]["arms"]
    assert (arm["oracle"], arm["kind"], arm["realistic"]) == (True, "oracle", False)
    honestly = json.loads(ran(*again, "none+memory=file", "--memory-file", "lessons.jsonl").stdout)
    assert honestly["summary"]["arms"][0]["oracle"] is False
    shown = ran("show", "last", "7").stdout
    assert "recalled 1, in all prompts from round 0" in shown
    assert "I forgot the fraction." in shown


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("list", "nothing"), "nor is it a file"),
        (("list", "broken.jsonl"), "line 2"),
        (("list", "other.sqlite"), "no memory"),
        (("search", "fine.jsonl", " "), "none; write some"),
        (("search", "fine.jsonl", "x", "--embedder", "minimal"), "minilm"),
        (("import", "fine.jsonl", "fine.jsonl"), "no memory in SQLite"),
        (("forget", "gone.sqlite", "--all"), "banchu memory import"),
        (("forget", "gone.sqlite"), "--all"),
        (("export", "fine.jsonl", "--out", "no/such/folder"), "choose another --out"),
    ],
)
def test_a_mistake_is_one_line(banchu: Any, tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    import sqlite3

    from banchu.memory import Entry, Pool
    from banchu.memory.codec import to_line

    line = to_line(Entry("a lesson", Pool("lasting", "", "intrinsic"), "T/1", "train", "T/1#0", 0))
    (tmp_path / "fine.jsonl").write_text(f"{line}\n")
    (tmp_path / "broken.jsonl").write_text(f'{line}\n{{"text": 1}}\n')
    with sqlite3.connect(tmp_path / "other.sqlite") as db:
        db.execute("CREATE TABLE x (y)")
    done = banchu("memory", *arguments)
    assert done.returncode > 0
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr
