"""Reflections of a run as entries that may outlast it."""

from __future__ import annotations

import sqlite3
from typing import Any

from tests.experiments.remembering import TASK

from banchu.experiments.written import entries_of_run


async def test_what_was_written_after_reading_an_oracle_s_lesson_is_marked_whatever_its_arm_is_called(lab: Any) -> None:
    """No arm without the label is told such a lesson; a ledger that says otherwise is believed."""
    await lab.run("run", lab.tasks(2), arms=TASK, rounds=1, repeats=2)
    with lab.ledger("run") as ledger:
        entries = entries_of_run(ledger, "run")
    readers = {entry.episode for entry in entries if entry.episode.endswith("#1")}
    assert readers
    assert not any(entry.oracle for entry in entries)
    with sqlite3.connect(lab.folder / "run" / "ledger.sqlite") as planted:
        planted.execute("UPDATE recalls SET oracle = 1")
    with lab.ledger("run") as ledger:
        marked = {entry.episode for entry in entries_of_run(ledger, "run") if entry.oracle}
    assert marked == readers
