"""A run as tidy tables: one fact a row, every column documented, for pandas, R, DuckDB or a spreadsheet.

Episodes that have ended are in it; open ones are not. What the judge says of a sealed test (assertion, expected value,
traceback) is in no table. Prompts, replies, feedback and reflections of arms that are shown such text are left empty
unless `sealed` asks for them, so that a table can be passed on without passing on the benchmark's tests. Programs are
always there; one that an oracle arm wrote may have copied what it was shown.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial

from banchu.analysis.columns import Row, Table
from banchu.core.arm import Arm
from banchu.core.episode import EpisodeRecord
from banchu.experiments.ledger import EpisodeDetail, Ledger
from banchu.experiments.rundir import stored_config
from banchu.experiments.split import split_of


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
        # A result that no prompt holds, since a budget ended the episode there, was scanned by nobody.
        later = (turn for turn in episode.calls if (turn.role, turn.round) == (call.role, call.round))
        scanned = sealed or any(turn.turn > call.turn for turn in later)
        result = call.result if texts and scanned else None
        told = (call.left_out, call.prompt_tokens, call.completion_tokens)
        yield (*made, *told, call.arguments if texts else None, result)


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
