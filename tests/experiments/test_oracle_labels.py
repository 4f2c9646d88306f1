"""An arm that knows an answer by a tool or by a lesson is an oracle arm everywhere: in figures, and down any chain."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.experiments.tooling import COUNT, caller, count, kit

from banchu.analysis.figures.views import views
from banchu.analysis.run import summarise_ledger
from banchu.core.arm import parse_arms
from banchu.core.errors import ConfigError
from banchu.experiments.memory_file import check_labels
from banchu.experiments.rundir import stored_config
from banchu.experiments.written import entries_of_run
from banchu.memory import Entry
from banchu.memory.codec import to_line
from banchu.memory.files import digest_of, read_entries

KNOWS = replace(count, oracle=True)
READS = "visible_tests+memory=oracle_file"


def through_a_file(path: Path, entries: list[Entry]) -> tuple[Entry, ...]:
    path.write_text("".join(f"{to_line(entry)}\n" for entry in entries))
    return tuple(read_entries(path))


async def test_what_arms_are_called_in_figures_is_what_tables_call_them(lab: Any) -> None:
    arms = "none,none+tools=actor,oracle_stop+tools=actor,oracle_stop"
    await lab.run("run", lab.tasks(1), arms=arms, model=caller(lab, COUNT), rounds=1, kit=kit(KNOWS))
    with lab.ledger("run") as ledger:
        summary, config = summarise_ledger(ledger), stored_config(ledger)
        drawn = views(summary, ledger.episodes(), config.parsed_arms, config.tasks)
    assert [view.arm.claims for view in drawn] == [arm.claims for arm in summary.arms]
    assert [view.arm.claims.startswith("oracle tool; ") for view in drawn] == [False, True, True, False]


async def test_an_oracle_s_lesson_taints_from_run_to_file_to_run_to_file(lab: Any, tmp_path: Path) -> None:
    arms = "visible_tests,visible_tests+tools=actor"
    await lab.run("first", lab.tasks(2), arms=arms, model=caller(lab, COUNT), rounds=1, kit=kit(KNOWS))
    with lab.ledger("first") as ledger:
        written = entries_of_run(ledger, "first")
    assert {entry.pool.arm: entry.oracle for entry in written} == dict(zip(arms.split(","), (False, True), strict=True))
    lasting = through_a_file(tmp_path / "first.jsonl", [entry for entry in written if entry.oracle])
    assert all(entry.oracle for entry in lasting)
    with pytest.raises(ConfigError, match="memory=oracle_file"):
        check_labels(parse_arms("visible_tests+memory=file"), lasting)

    others, read = replace(lab.tasks(4), tasks=lab.tasks(4).tasks[2:]), {"memory_file": digest_of(lasting)}
    await lab.run("second", others, arms=f"visible_tests,{READS}", rounds=1, lasting=lasting, **read)
    with lab.ledger("second") as ledger:
        again, summary = entries_of_run(ledger, "second"), summarise_ledger(ledger)
        config = stored_config(ledger)
        drawn = views(summary, ledger.episodes(), config.parsed_arms, config.tasks)
    assert {entry.pool.arm: entry.oracle for entry in again} == {"visible_tests": False, READS: True}
    assert [view.arm.claims for view in drawn] == [arm.claims for arm in summary.arms]
    assert not any("tool" in view.arm.claims for view in drawn)
    assert all(e.oracle for e in through_a_file(tmp_path / "second.jsonl", [e for e in again if e.oracle]))
