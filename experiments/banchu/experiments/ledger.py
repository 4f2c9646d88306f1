"""Reading a ledger: what analysis, `show` and `compare` know of a run. Needs no model, judge or langgraph.

A run can be read while another process writes it (WAL).
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from banchu.core.chat import CallRole, Completion, TokenLogprob, ToolCall, Usage
from banchu.core.episode import CallRecord, Choice, EpisodeRecord, Feedback, JudgedAttempt, SelfTest
from banchu.core.errors import DataError
from banchu.core.tool_record import ToolCallRecord
from banchu.core.verdict import Verdict
from banchu.experiments.recalls import Recalled, recalled_of
from banchu.experiments.rows import call_record, episode_record, judged_attempt, logprobs_of, tool_calls_of, tool_record
from banchu.experiments.schema import FORMAT, USED_CALLS, USED_CALLS_WITHOUT_TURNS

LEDGER_NAME = "ledger.sqlite"


@dataclass(frozen=True, slots=True)
class CallDetail:
    """One model call with its texts."""

    record: CallRecord
    prompt: str | list[list[str]]
    """Raw text, or a chat as [role, content] pairs."""
    sampling: dict[str, Any]
    text: str
    tool_calls: tuple[ToolCall, ...] = ()
    logprobs: tuple[TokenLogprob, ...] = ()


@dataclass(frozen=True, slots=True)
class EpisodeDetail:
    """One episode with everything that was said in it."""

    record: EpisodeRecord
    calls: tuple[CallDetail, ...]
    feedback: dict[int, Feedback]
    """By round."""
    reflections: dict[int, str]
    """By round."""
    recalls: tuple[Recalled, ...] = ()
    """What it was told of earlier episodes."""


@dataclass(frozen=True, slots=True)
class Bought:
    """The calls of one role together, each counted once."""

    role: CallRole | None
    """None: no episode has used them yet."""
    calls: int
    usage: Usage
    uncounted: int
    """Calls for which the server counted no tokens."""
    prompt_size: int
    answer_size: int
    """Bytes of those, which is all that is known of them."""


class Ledger:
    """A read-only view of one ledger file.

    Raises:
        DataError: there is no ledger, or it is of another format.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.is_file():
            raise DataError(f"no ledger at {str(path)!r}; give a run folder that `banchu run` printed")
        self._db = sqlite3.connect(f"file:{path.resolve()}?mode=ro", uri=True, timeout=5.0, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        try:
            found = self.meta("format")
        except sqlite3.Error as error:
            self._db.close()
            raise DataError(f"{str(path)!r} is not a banchu ledger ({error})") from None
        if found != FORMAT:
            self._db.close()
            raise DataError(f"{str(path)!r} has ledger format {found}, this banchu reads {FORMAT}; use its version")
        self._db.execute("PRAGMA temp_store = MEMORY")
        if not self._has("call_extras"):  # an older ledger: it kept none, so its calls are read as having had none
            self._db.execute("CREATE TEMP TABLE call_extras (key, reasoning_tokens, tool_calls, logprobs)")
        self._db.execute(USED_CALLS if self._has("turns") else USED_CALLS_WITHOUT_TURNS)

    def close(self) -> None:
        self._db.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def meta(self, key: str) -> Any:
        """A value of the run's header (`config`, `status`, `versions`, ...), or None."""
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else json.loads(row["value"])

    def task_ids(self) -> tuple[str, ...]:
        """In the benchmark's order."""
        return tuple(r["task_id"] for r in self._db.execute("SELECT task_id FROM tasks ORDER BY position"))

    def find_call(self, key: str) -> Completion | None:
        """The answer to a request that was already bought, or None."""
        row = self._db.execute("SELECT * FROM calls WHERE key = ?", (key,)).fetchone()
        if row is None:
            return None
        more = self._db.execute("SELECT * FROM call_extras WHERE key = ?", (key,)).fetchone()
        usage = Usage(row["prompt_tokens"], row["completion_tokens"], more["reasoning_tokens"] if more else 0)
        reason, wall_s = row["finish_reason"], row["wall_s"]
        return Completion(row["text"], usage, reason, wall_s, tool_calls_of(more), logprobs_of(more))

    def find_verdict(self, task_id: str, code_sha: str) -> Verdict | None:
        """The verdict on this code, or None where it was never judged."""
        row = self._db.execute(
            "SELECT detail FROM verdicts WHERE task_id = ? AND code_sha = ?", (task_id, code_sha)
        ).fetchone()
        return None if row is None else Verdict(**json.loads(row["detail"]))

    def find_proof(self, task_id: str, tests_sha: str, code_sha: str) -> Any:
        """What came of tests that nobody vouches for on this code, or None where they were never run on it."""
        row = self._db.execute(
            "SELECT detail FROM proofs WHERE task_id = ? AND tests_sha = ? AND code_sha = ?",
            (task_id, tests_sha, code_sha),
        ).fetchone()
        return None if row is None else json.loads(row["detail"])

    def unmeasured_self_tests(self) -> list[tuple[str, str, int, int, str]]:
        """(task, arm, repeat, number, source) of those on which the reference solution was not run."""
        rows = self._db.execute(
            "SELECT e.task_id, e.arm, e.repeat, s.number, s.source FROM self_tests s "
            "JOIN episodes e ON e.id = s.episode WHERE s.holds IS NULL"
        )
        return [(r["task_id"], r["arm"], r["repeat"], r["number"], r["source"]) for r in rows]

    def finished(self) -> dict[tuple[str, str, int], str]:
        """Status of every episode that ended: (task, arm, repeat) to `done` or `failed`."""
        rows = self._db.execute("SELECT task_id, arm, repeat, status FROM episodes WHERE status <> 'open'")
        return {(r["task_id"], r["arm"], r["repeat"]): r["status"] for r in rows}

    def unjudged(self) -> list[tuple[str, str | None]]:
        """(task, code) of attempts that have no verdict, each once."""
        rows = self._db.execute(
            "SELECT DISTINCT e.task_id, a.code FROM attempts a JOIN episodes e ON e.id = a.episode "
            "LEFT JOIN verdicts v ON v.task_id = e.task_id AND v.code_sha = a.code_sha WHERE v.kind IS NULL"
        )
        return [(r["task_id"], r["code"]) for r in rows]

    def purchased(self) -> Usage:
        """Tokens of the calls of this run, each counted once however many arms used its answer."""
        row = self._db.execute(
            "SELECT COALESCE(SUM(prompt_tokens), 0) AS p, COALESCE(SUM(completion_tokens), 0) AS c, "
            "COALESCE(SUM(reasoning_tokens), 0) AS r FROM calls LEFT JOIN call_extras USING (key)"
        ).fetchone()
        return Usage(row["p"], row["c"], row["r"])

    def bought(self) -> list[Bought]:
        """As `purchased`, by a role that used the answer."""
        rows = self._db.execute(
            "SELECT role, COUNT(*) AS calls, SUM(prompt_tokens) AS p, SUM(completion_tokens) AS c, "
            "COALESCE(SUM(reasoning_tokens), 0) AS r, SUM(none) AS none, "
            "SUM(none * LENGTH(CAST(prompt AS BLOB))) AS ps, SUM(none * LENGTH(CAST(text AS BLOB))) AS ts FROM "
            "(SELECT *, prompt_tokens + completion_tokens = 0 AS none FROM calls) LEFT JOIN call_extras USING (key) "
            "LEFT JOIN (SELECT key, MIN(role) AS role FROM used_calls GROUP BY key) USING (key) GROUP BY role"
        )
        usages = ((r, Usage(r["p"], r["c"], r["r"])) for r in rows)
        return [Bought(r["role"], r["calls"], usage, r["none"], r["ps"], r["ts"]) for r, usage in usages]

    def episodes(self) -> list[EpisodeRecord]:
        """Every finished episode, by task, arm and repeat."""
        calls: defaultdict[int, list[CallRecord]] = defaultdict(list)
        for row in self._db.execute(
            "SELECT ec.*, c.prompt_tokens, c.completion_tokens, c.finish_reason, c.wall_s, x.reasoning_tokens "
            "FROM used_calls ec JOIN calls c ON c.key = ec.key LEFT JOIN call_extras x ON x.key = ec.key "
            "ORDER BY ec.episode, ec.round, ec.role, ec.turn"
        ):
            calls[row["episode"]].append(call_record(row))
        attempts: defaultdict[int, list[JudgedAttempt]] = defaultdict(list)
        for row in self._db.execute(
            "SELECT a.*, v.detail FROM attempts a JOIN episodes e ON e.id = a.episode "
            "LEFT JOIN verdicts v ON v.task_id = e.task_id AND v.code_sha = a.code_sha ORDER BY a.episode, a.round"
        ):
            attempts[row["episode"]].append(judged_attempt(row))
        parts = (attempts, calls, self._accepts(), self._self_tests(), self._choices(), self._tool_calls())
        return [
            episode_record(row, *(part[row["id"]] for part in parts))  # type: ignore[arg-type]  # each of its own type
            for row in self._db.execute(
                "SELECT e.* FROM episodes e JOIN tasks t USING (task_id) WHERE e.status <> 'open' "
                "ORDER BY t.position, e.arm, e.repeat"
            )
        ]

    def episode(self, task_id: str, arm: str, repeat: int) -> EpisodeDetail | None:
        """One episode with all its texts, open ones too, or None."""
        row = self._db.execute(
            "SELECT * FROM episodes WHERE task_id = ? AND arm = ? AND repeat = ?", (task_id, arm, repeat)
        ).fetchone()
        if row is None:
            return None
        calls = tuple(
            CallDetail(
                call_record(r),
                json.loads(r["prompt"]),
                json.loads(r["sampling"]),
                r["text"],
                tool_calls_of(r),
                logprobs_of(r),
            )
            for r in self._db.execute(
                "SELECT * FROM used_calls ec JOIN calls USING (key) LEFT JOIN call_extras USING (key) "
                "WHERE ec.episode = ? "
                # The order in which they were made: attempt, then tests, then critique, then reflection.
                "ORDER BY ec.round, "
                "CASE ec.role WHEN 'actor' THEN 0 WHEN 'tester' THEN 1 WHEN 'critic' THEN 2 ELSE 3 END, ec.turn",
                (row["id"],),
            )
        )
        attempts = [
            judged_attempt(r)
            for r in self._db.execute(
                "SELECT a.*, v.detail FROM attempts a LEFT JOIN verdicts v ON v.task_id = ? "
                "AND v.code_sha = a.code_sha WHERE a.episode = ? ORDER BY a.round",
                (task_id, row["id"]),
            )
        ]
        feedback = {
            r["round"]: Feedback(
                r["round"], r["source"], r["text"], None if r["accepts"] is None else bool(r["accepts"])
            )
            for r in self._db.execute("SELECT * FROM feedback WHERE episode = ?", (row["id"],))
        }
        reflections = {
            r["round"]: r["text"]
            for r in self._db.execute("SELECT round, text FROM reflections WHERE episode = ?", (row["id"],))
        }
        id = row["id"]
        accepts, tests, choices = self._accepts(id)[id], self._self_tests(id)[id], self._choices(id)[id]
        tools = self._tool_calls(id)[id]
        record = episode_record(row, attempts, [call.record for call in calls], accepts, tests, choices, tools)
        recalls = tuple(recalled_of(row) for row in self._of("recalls", "round, place", id))
        return EpisodeDetail(record, calls, feedback, reflections, recalls)

    def rows(self, sql: str, values: Sequence[object] = (), *, of: str) -> list[sqlite3.Row]:
        """What a query gives; nothing where the ledger is older than the table `of`."""
        return self._db.execute(sql, values).fetchall() if self._has(of) else []

    def _accepts(self, episode: int | None = None) -> defaultdict[int, list[bool | None]]:
        """By episode and round, what the feedback source held of the attempt."""
        found: defaultdict[int, list[bool | None]] = defaultdict(list)
        for row in self._of("feedback", "round", episode):
            found[row["episode"]].append(None if row["accepts"] is None else bool(row["accepts"]))
        return found

    def _self_tests(self, episode: int | None = None) -> defaultdict[int, list[SelfTest]]:
        found: defaultdict[int, list[SelfTest]] = defaultdict(list)
        for row in self._of("self_tests", "number", episode):
            holds = None if row["holds"] is None else bool(row["holds"])
            found[row["episode"]].append(SelfTest(row["source"], holds))
        return found

    def _choices(self, episode: int | None = None) -> defaultdict[int, list[Choice]]:
        found: defaultdict[int, list[Choice]] = defaultdict(list)
        for row in self._of("choices", "round", episode):
            found[row["episode"]].append(Choice(row["round"], row["parent"], row["chosen"]))
        return found

    def _tool_calls(self, episode: int | None = None) -> defaultdict[int, list[ToolCallRecord]]:
        found: defaultdict[int, list[ToolCallRecord]] = defaultdict(list)
        for row in self._of("tool_calls", "number", episode):
            found[row["episode"]].append(tool_record(row))
        return found

    def tool_calls(self, task_id: str, arm: str, repeat: int) -> list[ToolCallRecord]:
        """Those of one episode, in order, begun or ended."""
        sql = "SELECT id FROM episodes WHERE task_id = ? AND arm = ? AND repeat = ?"
        row = self._db.execute(sql, (task_id, arm, repeat)).fetchone()
        return [] if row is None else self._tool_calls(row["id"])[row["id"]]

    def _of(self, table: str, order: str, episode: int | None) -> Iterable[sqlite3.Row]:
        """Rows of one episode, or of all of them, in order; none where the ledger is older than the table."""
        if not self._has(table):
            return ()
        which = "" if episode is None else "WHERE episode = :episode"
        return self._db.execute(f"SELECT * FROM {table} {which} ORDER BY episode, {order}", {"episode": episode})

    def _has(self, table: str) -> bool:
        sql = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
        return self._db.execute(sql, (table,)).fetchone() is not None
