"""A run as tidy tables: one fact a row, every column documented, for pandas, R, DuckDB or a spreadsheet.

Episodes that have ended are in it; open ones are not. What the judge says of a sealed test (assertion, expected value,
traceback) is in no table. Prompts, replies, feedback and reflections of arms that are shown such text are left empty
unless `sealed` asks for them, so that a table can be passed on without passing on the benchmark's tests. Programs are
always there; one that an oracle arm wrote may have copied what it was shown.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal, TypeAlias, get_args

from banchu.core.arm import Arm
from banchu.core.episode import EpisodeRecord
from banchu.experiments.ledger import EpisodeDetail, Ledger
from banchu.experiments.rundir import stored_config
from banchu.experiments.split import split_of

Type = Literal["text", "int", "real", "bool"]
Value: TypeAlias = str | int | float | bool | None
Row: TypeAlias = tuple[Value, ...]
Table = Literal["attempts", "episodes", "calls", "feedback", "self_tests", "tool_calls", "recalls"]
TABLE_NAMES: tuple[Table, ...] = get_args(Table)


@dataclass(frozen=True, slots=True)
class Column:
    """One column. Any may be empty where its text says when."""

    name: str
    type: Type
    text: str


_KEY: Final = (
    Column("run", "text", "name of the run's folder"),
    Column("task_id", "text", "the task"),
    Column("arm", "text", "the arm, as it was written; options in their shortest spelling"),
    Column("repeat", "int", "from 0"),
)
_ROUND: Final = Column("round", "int", "from 0, the first attempt")

TABLES: Final[dict[Table, tuple[Column, ...]]] = {
    "attempts": (
        *_KEY,
        _ROUND,
        Column("verdict", "text", "what the judge said: passed, wrong_answer, ...; empty: unjudged"),
        Column("passed", "bool", "whether the verdict is `passed`; empty: unjudged"),
        Column("tests_passed", "int", "sealed assertions that held; empty: unjudged"),
        Column("tests_total", "int", "sealed assertions known; empty: unjudged"),
        Column("accepts", "bool", "whether the feedback source held the attempt for right; empty: it did not say"),
        Column("revises", "int", "the attempt that it revises; empty: an independent sample"),
        Column("answer", "int", "the attempt that was the answer after it"),
        Column("truncated", "bool", "the reply was cut by the token limit"),
        Column("says_done", "bool", "the reply says that the earlier answer stands"),
        Column("cpu_s", "real", "CPU seconds of the candidate; empty: unjudged"),
        Column("isolation", "text", "the tier that held the candidate; empty: unjudged"),
        Column("code", "text", "the program; empty: the reply held none"),
        Column("reply", "text", "the model's reply as it came; empty: may hold sealed tests"),
    ),
    "episodes": (
        *_KEY,
        Column("status", "text", "done, or failed: a model error ended it"),
        Column("stopped_by", "text", "the stop rule that ended it, or `budget`: its own; `rounds` where none did"),
        Column("error", "text", "why a failed episode ended; empty otherwise"),
        Column("claims", "text", "what a number of this arm may be called"),
        Column("oracle", "bool", "whether the arm may use the sealed tests; if so, no number of it is pass@1"),
        Column("attempts", "int", "how many there are"),
        Column("first_passed", "bool", "of the first attempt; empty: unjudged, or there is none"),
        Column("last_passed", "bool", "of the answer at the end; empty: unjudged, or there is none"),
        Column("last_truncated", "bool", "whether its reply was cut by the token limit; empty: there is none"),
        Column("oracle_calls", "int", "verdicts on the sealed tests that crossed into the feedback channel"),
        Column("model_calls", "int", "of every role"),
        Column("prompt_tokens", "int", "of every call, bought or shared with another arm"),
        Column("completion_tokens", "int", "of every call, bought or shared with another arm"),
        Column("reasoning_tokens", "int", "of the completion tokens, those that are no part of a reply"),
        Column("truncated_replies", "int", "replies of any role that were cut by the token limit"),
        Column("sealed_prompts", "int", "prompts in which text of the sealed tests was found"),
        Column("model_s", "real", "seconds inside model calls, added up"),
        Column("split", "text", "test; train where the task only wrote lessons for others, and is in no figure"),
    ),
    "calls": (
        *_KEY,
        _ROUND,
        Column("role", "text", "who asked: actor, critic, reflector, tester"),
        Column("turn", "int", "which answer of that role in the round: 0, or more where it calls tools first"),
        Column("prompt_tokens", "int", ""),
        Column("completion_tokens", "int", ""),
        Column("reasoning_tokens", "int", "of the completion tokens, those that are no part of the reply"),
        Column("finish_reason", "text", "stop, length (cut by the token limit) or content_filter"),
        Column("sealed_hits", "int", "sealed assertions whose text was found in the prompt"),
        Column("wall_s", "real", "seconds until the answer"),
        Column("sampling", "text", "JSON: temperature, top_p, max_tokens, stop, seed"),
        Column("prompt", "text", "raw text, or a chat as JSON [[role, content], ...]; empty: may hold sealed tests"),
        Column("reply", "text", "the answer; empty: may hold sealed tests"),
    ),
    "feedback": (
        *_KEY,
        _ROUND,
        Column("source", "text", "who made it"),
        Column("accepts", "bool", "whether the source held the attempt for right; empty: it did not say"),
        Column("text", "text", "what the agent was shown; empty: nothing, or it may hold sealed tests"),
        Column("reflection", "text", "what the reflector wrote; empty: nothing, or it may hold sealed tests"),
    ),
    "self_tests": (
        *_KEY,
        Column("number", "int", "from 0"),
        Column("source", "text", "one assert statement that the model wrote for itself"),
        Column("holds", "bool", "whether the reference solution passes it; empty: not known"),
    ),
    "recalls": (
        *_KEY,
        Column("round", "int", "the first attempt whose prompt held it; so did all later ones"),
        Column("place", "int", "in the prompt, from 1; 0: nothing was found; from 1001: an answer of search_memory"),
        Column("origin", "text", "the episode that wrote it"),
        Column("about", "text", "the task of that episode"),
        Column("outcome", "text", "how that ended, as far as its arm could tell"),
        Column("oracle", "bool", "whether it was written under an oracle"),
        Column("score", "real", "of the ranking that chose it"),
        Column("lexical_rank", "int", "by its words, from 1; empty: none in common"),
        Column("lexical_score", "real", "BM25; empty: none in common"),
        Column("dense_rank", "int", "by its vector, from 1; empty: none"),
        Column("similarity", "real", "cosine; empty: no vector"),
        Column("lesson", "text", "what the prompt was given; empty: may hold sealed tests"),
    ),
    "tool_calls": (
        *_KEY,
        Column("number", "int", "among the calls of tools of its episode, from 0"),
        _ROUND,
        Column("role", "text", "who called: actor, critic"),
        Column("turn", "int", "after which of its answers in the round, from 0"),
        Column("tool", "text", "its name as the model wrote it; empty: the call could not be read"),
        Column("outcome", "text", "answered, failed, timed_out, bad_arguments, unreadable, unknown_tool, limit, ..."),
        Column("wall_s", "real", "seconds that it took"),
        Column("oracle", "bool", "whether the tool knows the answer"),
        Column("left_out", "int", "characters of the result that the model was not told, for want of room"),
        Column("arguments", "text", "as the model wrote them; empty: may hold sealed tests"),
        Column("result", "text", "what the model was told; empty: may hold sealed tests"),
    ),
}


def rows(ledger: Ledger, table: Table, *, run: str, sealed: bool = False) -> Iterator[Row]:
    """The rows of one table, in the order of tasks, arms, repeats and rounds; each as `TABLES[table]` has its columns.

    Args:
        run: what the column `run` says.
        sealed: with texts that may hold sealed tests.
    """
    config = stored_config(ledger)
    arms = {arm.name: arm for arm in config.parsed_arms}
    of_episode: dict[Table, Callable[[EpisodeRecord, Arm], Iterator[Row]]] = {
        "attempts": partial(_attempts, sealed),
        "episodes": partial(_episodes, frozenset(split_of(config).train)),
        "calls": partial(_detailed, ledger, _calls, sealed),
        "feedback": partial(_detailed, ledger, _feedback, sealed),
        "self_tests": _self_tests,
        "recalls": partial(_detailed, ledger, _recalls, sealed),
        "tool_calls": partial(_tool_calls, sealed),
    }
    for episode in ledger.episodes():
        key = (run, episode.task_id, episode.arm, episode.repeat)
        yield from ((*key, *row) for row in of_episode[table](episode, arms[episode.arm]))


def describe_columns() -> str:
    """All tables and their columns, in Markdown."""
    lines = []
    for table in TABLE_NAMES:
        lines += [f"## {table}", "", "| column | type | |", "| --- | --- | --- |"]
        lines += [f"| {column.name} | {column.type} | {column.text} |" for column in TABLES[table]]
        lines.append("")
    return "\n".join(lines)


def _attempts(sealed: bool, episode: EpisodeRecord, arm: Arm) -> Iterator[Row]:
    texts = _passable(episode, arm, sealed)
    accepts = dict(enumerate(episode.accepts))
    revised = episode.revised(chain=arm.shows_feedback)
    for judged, answer in zip(episode.attempts, episode.answers, strict=True):
        attempt, verdict = judged.attempt, judged.verdict
        yield (
            attempt.round,
            *(
                (None, None, None, None)
                if verdict is None
                else (verdict.kind, verdict.passed, verdict.tests_passed, verdict.tests_total)
            ),
            accepts.get(attempt.round),
            revised.get(attempt.round),
            answer.attempt.round,
            attempt.truncated,
            attempt.says_done,
            *((None, None) if verdict is None else (verdict.cpu_s, verdict.isolation)),
            attempt.code,
            attempt.text if texts else None,
        )


def _episodes(train: frozenset[str], episode: EpisodeRecord, arm: Arm) -> Iterator[Row]:
    ends = [*episode.attempts[:1], *episode.answers[-1:]]
    passed = [None if judged.verdict is None else judged.verdict.passed for judged in ends]
    yield (
        episode.status,
        episode.stopped_by,
        episode.error or None,
        arm.claims,
        arm.uses_oracle,
        len(episode.attempts),
        passed[0] if passed else None,
        passed[-1] if passed else None,
        ends[-1].attempt.truncated if ends else None,
        episode.oracle_calls,
        len(episode.calls),
        sum(call.prompt_tokens for call in episode.calls),
        sum(call.completion_tokens for call in episode.calls),
        sum(call.reasoning_tokens for call in episode.calls),
        sum(call.finish_reason == "length" for call in episode.calls),
        sum(call.sealed_hits > 0 for call in episode.calls),
        sum(call.wall_s for call in episode.calls),
        "train" if episode.task_id in train else "test",
    )


def _self_tests(episode: EpisodeRecord, arm: Arm) -> Iterator[Row]:
    return ((number, test.source, test.holds) for number, test in enumerate(episode.self_tests))


def _tool_calls(sealed: bool, episode: EpisodeRecord, arm: Arm) -> Iterator[Row]:
    texts = _passable(episode, arm, sealed)
    for call in episode.tool_calls:
        made = (call.index, call.round, call.role, call.turn, call.tool, call.outcome, call.wall_s, call.oracle)
        yield (*made, call.left_out, call.arguments if texts else None, call.result if texts else None)


def _detailed(
    ledger: Ledger, of: Callable[[EpisodeDetail, bool], Iterator[Row]], sealed: bool, episode: EpisodeRecord, arm: Arm
) -> Iterator[Row]:
    detail = ledger.episode(episode.task_id, episode.arm, episode.repeat)
    if detail is not None:
        yield from of(detail, _passable(episode, arm, sealed))


def _passable(episode: EpisodeRecord, arm: Arm, sealed: bool) -> bool:
    # Not by `sealed_hits`: the scan knows whole assertions, and a reflection may quote half of one. But a tool that is
    # not said to know the answer is known by them alone.
    caught = arm.uses_tools and any(call.sealed_hits for call in episode.calls)
    return sealed or not (arm.oracle_content or arm.oracle_tool or arm.memory == "oracle_file" or caught)


def _calls(episode: EpisodeDetail, texts: bool) -> Iterator[Row]:
    for call in episode.calls:
        record = call.record
        prompt = call.prompt if isinstance(call.prompt, str) else json.dumps(call.prompt, ensure_ascii=False)
        yield (
            record.round,
            record.role,
            record.turn,
            record.prompt_tokens,
            record.completion_tokens,
            record.reasoning_tokens,
            record.finish_reason,
            record.sealed_hits,
            record.wall_s,
            json.dumps(call.sampling),
            prompt if texts else None,
            call.text if texts else None,
        )


def _recalls(episode: EpisodeDetail, texts: bool) -> Iterator[Row]:
    for each in episode.recalls:
        scores = (each.score, each.lexical_rank, each.lexical_score, each.dense_rank, each.similarity)
        lesson = each.text if texts and each.place else None
        yield each.round, each.place, each.origin, each.about, each.outcome, each.oracle, *scores, lesson


def _feedback(episode: EpisodeDetail, texts: bool) -> Iterator[Row]:
    for round_ in sorted({*episode.feedback, *episode.reflections}):
        feedback = episode.feedback.get(round_)
        yield (
            round_,
            feedback.source if feedback else None,
            feedback.accepts if feedback else None,
            (feedback.text or None) if feedback and texts else None,
            episode.reflections.get(round_) if texts else None,
        )
