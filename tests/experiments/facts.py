"""What a ledger holds, times aside, so that two runs can be compared fact by fact."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

TABLES = {
    "episodes": "task_id, arm, repeat, status, stopped_by, oracle_calls, error",
    "attempts": "e.task_id, e.arm, e.repeat, a.round, a.text, a.code, a.truncated, a.says_done",
    "feedback": "e.task_id, e.arm, e.repeat, a.round, a.source, a.text, a.accepts",
    "reflections": "e.task_id, e.arm, e.repeat, a.round, a.text",
    "self_tests": "e.task_id, e.arm, e.repeat, a.number, a.source, a.holds",
    "choices": "e.task_id, e.arm, e.repeat, a.round, a.parent, a.chosen",
    "episode_calls": "e.task_id, e.arm, e.repeat, a.round, a.role, a.key, a.sealed_hits",
    "turns": "e.task_id, e.arm, e.repeat, a.round, a.role, a.turn, a.key, a.sealed_hits",
    "tool_calls": "e.task_id, e.arm, e.repeat, a.number, a.round, a.role, a.turn, a.tool, a.arguments, a.result, "
    "a.outcome",
    "calls": "key, prompt, sampling, text, prompt_tokens, completion_tokens, finish_reason",
    "call_extras": "key, reasoning_tokens, tool_calls, logprobs",
    "verdicts": "task_id, code_sha, kind",
    "splits": "task_id, split, position",
    "recalls": "e.task_id, e.arm, e.repeat, a.round, a.place, a.entry, a.origin, a.score, a.similarity, a.sha, a.text",
    "memory_stages": "arm, stage, entries, sha",
    "lessons": "arm, stage, number, line",
    "proofs": "task_id, tests_sha, code_sha, detail",
}


def facts(path: Path) -> dict[str, list[Any]]:
    """The whole ledger at `path`, by table, in an order of its own."""
    found = {}
    with closing(sqlite3.connect(path)) as db:
        for table, columns in TABLES.items():
            joined = f"{table} a JOIN episodes e ON e.id = a.episode" if columns.startswith("e.") else table
            found[table] = sorted(db.execute(f"SELECT {columns} FROM {joined}").fetchall(), key=repr)
    return found
