"""`banchu memory` as a person uses it, over a run and over files."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
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


SHELF = """
import contextlib
from langgraph.store.sqlite.aio import AsyncSqliteStore

@contextlib.asynccontextmanager
async def store():
    async with AsyncSqliteStore.from_conn_string("shelf.sqlite") as found:
        yield found

def down():
    raise ConnectionError("nobody listens at 127.0.0.1:1")
"""


@pytest.mark.slow
@pytest.mark.parametrize("banchu", ["warm"], indirect=True)
def test_a_store_stands_wherever_a_file_may(ran: Any, scripted: str, tmp_path: Path) -> None:
    (tmp_path / "shelf.py").write_text(SHELF)
    (first,) = map(str, (tmp_path / "runs").iterdir())
    every, honest = listed(ran, "list", "last"), listed(ran, "list", "last", "--no-oracle")
    assert "3 lessons in shelf.py:store" in ran("memory", "import", "shelf.py:store", "last", "--no-oracle").stdout
    assert listed(ran, "list", "shelf.py:store") == honest
    assert ran("memory", "export", "shelf.py:store", "--out", "same.jsonl").returncode == 0

    again = ("run", "humaneval", "-m", scripted, "--task", "7", "--rounds", "0", "--no-controls", "--json", "--arms")
    clean = (*again, "none+memory=file", "--memory-file")
    runs = [json.loads(ran(*clean, where).stdout) for where in ("same.jsonl", "shelf.py:store")]
    assert runs[0]["folder"] == runs[1]["folder"]  # what was read is the run, not where it lay
    assert runs[0]["summary"]["arms"][0]["oracle"] is False
    assert "recalled 1, in all prompts from round 0" in ran("show", runs[0]["folder"], "7").stdout

    # The marks survive: what an oracle had a say in is for arms that are called so.
    for _ in range(2):
        assert ran("memory", "import", "shelf.py:store", first).returncode == 0
    assert listed(ran, "list", "shelf.py:store") == every
    tainted = ran(*clean, "shelf.py:store")
    assert tainted.returncode == 2
    assert "written under an oracle" in tainted.stderr
    labelled = json.loads(ran(*again, "none+memory=oracle_file", "--memory-file", "shelf.py:store").stdout)
    assert labelled["summary"]["arms"][0]["oracle"] is True

    gone = every[0]["id"][:12]
    assert ran("memory", "forget", "shelf.py:store", "--id", gone).stdout == "1 lessons are gone\n"
    assert ran("memory", "forget", "shelf.py:store", "--arm", "oracle_trace").returncode == 0
    left = listed(ran, "list", "shelf.py:store")
    assert left == [entry for entry in every[1:] if entry["arm"] != "oracle_trace"]
    # A run does not go on with other lessons than it began with.
    changed = ran("resume", runs[0]["folder"])
    assert changed.returncode == 2
    assert "memory_file" in changed.stderr
    down = ran(*clean, "shelf.py:down")
    assert down.returncode == 6
    assert "down cannot be opened: ConnectionError: nobody listens" in down.stderr
    assert "Traceback" not in down.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("list", "nothing"), "nor is it a file"),
        (("list", "broken.jsonl"), "line 2"),
        (("list", "other.sqlite"), "no memory"),
        (("search", "fine.jsonl", " "), "none; write some"),
        (("search", "fine.jsonl", "x", "--embedder", "minimal"), "minilm"),
        (("import", "fine.jsonl", "fine.jsonl"), "no memory in SQLite"),
        (("import", "new.sqlite", "fine.jsonl", "--name", "\udce9"), "no Unicode"),
        (("forget", "gone.sqlite", "--all"), "banchu memory import"),
        (("forget", "gone.sqlite"), "--all"),
        (("export", "fine.jsonl", "--out", "no/such/folder"), "choose another --out"),
        (("list", "gone.py:store"), "no such file"),
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


def test_lessons_after_prompts_with_sealed_text_are_told_of(ran: Any, tmp_path: Path) -> None:
    """An oracle arm's are marked. Another's can come of a tool that knew more than it said."""
    assert "sealed" not in ran("memory", "list", "last").stderr
    (ledger,) = tmp_path.glob("runs/*/ledger.sqlite")
    with closing(sqlite3.connect(ledger)) as db:
        mine = "SELECT id FROM episodes WHERE arm = 'visible_tests'"
        db.execute(f"UPDATE episode_calls SET sealed_hits = 1 WHERE episode IN ({mine})")
        db.commit()
    assert "prompts of visible_tests held text of sealed tests" in ran("memory", "list", "last").stderr
