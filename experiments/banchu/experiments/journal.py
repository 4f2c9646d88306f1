"""Writing a ledger: the facts of a run as they happen."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import asdict, astuple, replace
from pathlib import Path
from typing import Any, Final

from banchu.core.chat import CallRole, Completion, Request, TokenLogprob, ToolCall, Usage
from banchu.core.episode import Attempt, Choice, Feedback, StoppedBy
from banchu.core.task import Task
from banchu.core.tool_record import ToolCallRecord
from banchu.core.verdict import Verdict
from banchu.experiments.recalls import COLUMNS, Recalled, Stage
from banchu.experiments.schema import FORMAT
from banchu.experiments.split import TEST, TRAIN, Split
from banchu.experiments.text import storable
from banchu.experiments.writer import LedgerWriter

__all__ = ["EpisodeJournal", "Journal", "code_sha", "kept", "storable"]


def code_sha(code: str | None) -> str:
    """Names a program; '' for none. Lone surrogates can come from a model, so they are passed through."""
    return "" if code is None else hashlib.sha256(code.encode("utf-8", "surrogatepass")).hexdigest()


def _plain(value: Any) -> Any:
    return storable(value) if isinstance(value, str) else value


_MOST_TOKENS: Final = 10**12
"""Of one call. A server that counts more is wrong, and SQLite could not add it up."""


def kept(completion: Completion) -> Completion:
    """An answer as the ledger gives it back, so that a resumed run goes on with what this one goes on with."""
    tools = (
        ToolCall(storable(call.name), storable(call.arguments), storable(call.id)) for call in completion.tool_calls
    )
    logprobs = (
        TokenLogprob(storable(one.token), one.logprob, tuple((storable(token), value) for token, value in one.top))
        for one in completion.logprobs
    )
    usage = completion.usage
    counts = (usage.prompt_tokens, usage.completion_tokens, usage.reasoning_tokens)
    if max(counts) > _MOST_TOKENS:
        usage = Usage(*(min(count, _MOST_TOKENS) for count in counts))
    return replace(
        completion, text=storable(completion.text), usage=usage, tool_calls=tuple(tools), logprobs=tuple(logprobs)
    )


class Journal:
    """The write side of one ledger. Methods that return a future are to be awaited before their fact is relied on.

    Raises StorageError when the file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._writer = LedgerWriter(path)

    def flush(self) -> None:
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()

    def header(self, **values: Any) -> None:
        """Write the run's header; the first call makes the file a ledger."""
        rows = {"format": FORMAT, **values}
        self._writer.submit(
            *(("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, json.dumps(value))) for key, value in rows.items())
        )

    def forget(self, key: str) -> None:
        """Take a value out of the header."""
        self._writer.submit(("DELETE FROM meta WHERE key = ?", (key,)))

    def tasks(self, tasks: list[tuple[Task, str]]) -> None:
        """The tasks of the run, each with the digest of its sealed tests."""
        self._writer.submit(
            *(
                (
                    "INSERT OR IGNORE INTO tasks VALUES (?, ?, ?, ?, ?)",
                    (task.id, position, task.prompt, task.entry_point, digest),
                )
                for position, (task, digest) in enumerate(tasks)
            )
        )

    def call(self, key: str, request: Request, completion: Completion) -> Future[None]:
        """A bought answer, with whatever came beside its text."""
        prompt = request.prompt if isinstance(request.prompt, str) else [[m.role, m.text] for m in request.prompt]
        values = (
            key,
            json.dumps(prompt),
            json.dumps(asdict(request.sampling)),
            storable(completion.text),
            completion.usage.prompt_tokens,
            completion.usage.completion_tokens,
            completion.finish_reason,
            completion.wall_s,
            datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds"),
        )
        bought = ("INSERT OR IGNORE INTO calls VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
        if not (completion.usage.reasoning_tokens or completion.tool_calls or completion.logprobs):
            return self._writer.submit(bought)
        tools = json.dumps([astuple(call) for call in completion.tool_calls])
        logprobs = json.dumps([astuple(token) for token in completion.logprobs])
        extras = (key, completion.usage.reasoning_tokens, tools, logprobs)
        return self._writer.submit(bought, ("INSERT OR IGNORE INTO call_extras VALUES (?, ?, ?, ?)", extras))

    def verdict(self, task_id: str, code: str | None, verdict: Verdict) -> Future[None]:
        """What the judge found. The first verdict on a program stands."""
        detail = json.dumps(asdict(verdict))
        return self._writer.submit(
            ("INSERT OR IGNORE INTO verdicts VALUES (?, ?, ?, ?)", (task_id, code_sha(code), verdict.kind, detail))
        )

    def proof(self, task_id: str, tests_sha: str, code_sha: str, detail: object) -> Future[None]:
        """What came of tests that nobody vouches for. The first finding stands, so that a replay meets it again."""
        values = (task_id, tests_sha, code_sha, json.dumps(detail))
        return self._writer.submit(("INSERT OR IGNORE INTO proofs VALUES (?, ?, ?, ?)", values))

    def embedded(self, embedder: str, rows: Sequence[tuple[str, bytes, int]]) -> Future[None]:
        """What an embedder over an API gave: of each text its sha256, its vector, and the tokens that it brought."""
        sql = "INSERT OR IGNORE INTO embeddings VALUES (?, ?, ?, ?)"
        return self._writer.submit(*((sql, (embedder, *row)) for row in rows))

    def split(self, split: Split) -> None:
        """Which tasks write lessons for others, and which are measured."""
        rows = [(id, name, at) for name in (TRAIN, TEST) for at, id in enumerate(getattr(split, name))]
        self._writer.submit(*(("INSERT OR IGNORE INTO splits VALUES (?, ?, ?)", row) for row in rows))

    def stage(self, stage: Stage) -> Future[None]:
        """What a memory gained. The first finding stands, so that whoever reads later reads the same."""
        gained = ("INSERT OR IGNORE INTO lessons VALUES (?, ?, ?, ?)", "INSERT OR IGNORE INTO memory_stages")
        rows = [(stage.arm, stage.stage, number, line) for number, line in enumerate(stage.lines)]
        whole = (stage.arm, stage.stage, len(rows), stage.sha)
        return self._writer.submit(*((gained[0], row) for row in rows), (f"{gained[1]} VALUES (?, ?, ?, ?)", whole))

    def episode(self, task_id: str, arm: str, repeat: int) -> EpisodeJournal:
        return EpisodeJournal(self._writer, task_id, arm, repeat)

    def measured_later(self, task_id: str, arm: str, repeat: int) -> EpisodeJournal:
        """An episode that has ended, for what the measurement still owes it."""
        return EpisodeJournal(self._writer, task_id, arm, repeat, begins=False)


class EpisodeJournal:
    """The write side of one episode: its own facts, written behind, each under (episode, round)."""

    _ID = "(SELECT id FROM episodes WHERE task_id = ? AND arm = ? AND repeat = ?)"

    def __init__(self, writer: LedgerWriter, task_id: str, arm: str, repeat: int, *, begins: bool = True) -> None:
        self._writer = writer
        self._key = (task_id, arm, repeat)
        self._asked: Counter[tuple[CallRole, int]] = Counter()
        if not begins:
            return
        writer.submit(
            ("INSERT OR IGNORE INTO episodes (task_id, arm, repeat) VALUES (?, ?, ?)", self._key),
            # A failed episode that is tried again is open until it ends.
            ("UPDATE episodes SET status = 'open', error = '' WHERE task_id = ? AND arm = ? AND repeat = ?", self._key),
        )

    def uses_call(self, role: CallRole, round: int, key: str, sealed_hits: int) -> None:
        turn = self._asked[role, round]
        self._asked[role, round] += 1
        if turn:
            columns = "turns (episode, round, role, turn, key, sealed_hits)"
            self._put(columns, round, role, turn, key, sealed_hits)
        else:
            self._put("episode_calls (episode, round, role, key, sealed_hits)", round, role, key, sealed_hits)

    def tool_call(self, call: ToolCallRecord) -> Future[None]:
        """A call of a tool, to be safe before the model is told of it."""
        told = (call.index, call.round, call.role, max(0, self._asked[call.role, call.round] - 1))
        said = (storable(call.tool), storable(call.arguments), storable(call.result), call.outcome)
        columns = "number, round, role, turn, tool, arguments, result, outcome, wall_s, left_out, oracle"
        cost = (call.wall_s, call.left_out, call.oracle, call.prompt_tokens, call.completion_tokens)
        return self._put(f"tool_calls (episode, {columns}, prompt_tokens, completion_tokens)", *told, *said, *cost)

    def attempt(self, attempt: Attempt) -> None:
        self._put(
            "attempts (episode, round, text, code, code_sha, truncated, says_done)",
            attempt.round,
            storable(attempt.text),
            None if attempt.code is None else storable(attempt.code),
            code_sha(attempt.code),
            attempt.truncated,
            attempt.says_done,
        )

    def feedback(self, feedback: Feedback) -> None:
        columns = "feedback (episode, round, source, text, accepts)"
        self._put(columns, feedback.round, feedback.source, storable(feedback.text), feedback.accepts)

    def reflection(self, round: int, text: str) -> None:
        self._put("reflections (episode, round, text)", round, storable(text))

    def choice(self, choice: Choice) -> None:
        self._put("choices (episode, round, parent, chosen)", choice.round, choice.parent, choice.chosen)

    def recalled(self, rows: Sequence[Recalled]) -> Future[None]:
        columns, marks = ", ".join(COLUMNS), ", ".join("?" * len(COLUMNS))
        sql = f"INSERT OR IGNORE INTO recalls (episode, {columns}) VALUES ({self._ID}, {marks})"
        return self._writer.submit(*((sql, (*self._key, *map(_plain, astuple(row)))) for row in rows))

    def self_tests(self, tests: Sequence[str]) -> None:
        for number, source in enumerate(tests):
            self._put("self_tests (episode, number, source)", number, storable(source))

    def self_test_holds(self, number: int, holds: bool) -> None:
        """What the measurement found of one of them: whether the reference solution passes it."""
        sql = f"UPDATE self_tests SET holds = ? WHERE episode = {self._ID} AND number = ?"
        self._writer.submit((sql, (holds, *self._key, number)))

    def done(self, stopped_by: StoppedBy, oracle_calls: int) -> Future[None]:
        return self._end("done", stopped_by, oracle_calls, "")

    def failed(self, error: str, oracle_calls: int) -> Future[None]:
        return self._end("failed", "rounds", oracle_calls, storable(error))

    def _end(self, status: str, stopped_by: str, oracle_calls: int, error: str) -> Future[None]:
        values = (status, stopped_by, oracle_calls, error, *self._key)
        return self._writer.submit(
            (
                "UPDATE episodes SET status = ?, stopped_by = ?, oracle_calls = ?, error = ? "
                "WHERE task_id = ? AND arm = ? AND repeat = ?",
                values,
            )
        )

    def _put(self, columns: str, *values: Any) -> Future[None]:
        marks = ", ".join("?" * len(values))
        sql = f"INSERT OR REPLACE INTO {columns} VALUES ({self._ID}, {marks})"
        return self._writer.submit((sql, (*self._key, *values)))
