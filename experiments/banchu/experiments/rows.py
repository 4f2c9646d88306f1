"""Rows of the ledger's tables as the records that analysis reads."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from banchu.core.chat import TokenLogprob, ToolCall
from banchu.core.episode import Attempt, CallRecord, Choice, EpisodeRecord, JudgedAttempt, SelfTest
from banchu.core.tool_record import ToolCallRecord
from banchu.core.verdict import Verdict


def call_record(row: sqlite3.Row) -> CallRecord:
    """From `used_calls`, joined with `calls` and `call_extras`."""
    return CallRecord(
        role=row["role"],
        round=row["round"],
        prompt_tokens=row["prompt_tokens"],
        completion_tokens=row["completion_tokens"],
        finish_reason=row["finish_reason"],
        sealed_hits=row["sealed_hits"],
        wall_s=row["wall_s"],
        reasoning_tokens=row["reasoning_tokens"] or 0,
        turn=row["turn"],
    )


def tool_calls_of(row: sqlite3.Row | None) -> tuple[ToolCall, ...]:
    """From a row of `call_extras`, or one that is joined with it; none where the answer brought none."""
    return tuple(ToolCall(*call) for call in json.loads((row and row["tool_calls"]) or "[]"))


def tool_record(row: sqlite3.Row) -> ToolCallRecord:
    """From `tool_calls`."""
    return ToolCallRecord(
        index=row["number"],
        tool=row["tool"],
        arguments=row["arguments"],
        result=row["result"],
        outcome=row["outcome"],
        wall_s=row["wall_s"],
        role=row["role"],
        round=row["round"],
        left_out=row["left_out"],
        oracle=bool(row["oracle"]),
        turn=row["turn"],
        prompt_tokens=row["prompt_tokens"],
        completion_tokens=row["completion_tokens"],
    )


def logprobs_of(row: sqlite3.Row | None) -> tuple[TokenLogprob, ...]:
    """As `tool_calls_of`."""
    found = json.loads((row and row["logprobs"]) or "[]")
    return tuple(TokenLogprob(token, value, tuple(tuple(one) for one in top)) for token, value, top in found)


def judged_attempt(row: sqlite3.Row) -> JudgedAttempt:
    """From `attempts`, joined with `verdicts`."""
    attempt = Attempt(row["round"], row["text"], row["code"], bool(row["truncated"]), bool(row["says_done"]))
    return JudgedAttempt(attempt, None if row["detail"] is None else Verdict(**json.loads(row["detail"])))


def episode_record(
    row: sqlite3.Row,
    attempts: list[JudgedAttempt],
    calls: list[CallRecord],
    accepts: list[bool | None],
    self_tests: list[SelfTest],
    choices: list[Choice],
    tool_calls: Sequence[ToolCallRecord] = (),
) -> EpisodeRecord:
    """From `episodes`, with what the other tables hold of it."""
    return EpisodeRecord(
        task_id=row["task_id"],
        arm=row["arm"],
        repeat=row["repeat"],
        status=row["status"],
        attempts=tuple(attempts),
        calls=tuple(calls),
        oracle_calls=row["oracle_calls"],
        stopped_by=row["stopped_by"],
        error=row["error"],
        accepts=tuple(accepts),
        self_tests=tuple(self_tests),
        choices=tuple(choices),
        tool_calls=tuple(tool_calls),
    )
