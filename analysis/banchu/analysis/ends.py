"""How an arm's planned episodes ended, apart from right and wrong; and which replies were cut by the token limit.

A wrong answer is a whole program that does not pass. What is not solved for another reason is counted under that
reason, so that a limit, a filter, a judge or a server that failed never looks like a model that was wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, get_args

from banchu.analysis.outcomes import OutcomeTable, Unit
from banchu.core.chat import CallRole
from banchu.core.episode import CallRecord, EpisodeRecord, JudgedAttempt

End = Literal["right", "wrong", "cut", "filtered", "no_program", "unjudged", "overflow", "error", "not_run"]
ENDS: Final[tuple[End, ...]] = get_args(End)


@dataclass(frozen=True, slots=True)
class Ends:
    """Planned episodes by their answer at the end. Each is in exactly one of the first nine, which add up to
    `planned`."""

    right: int
    wrong: int
    """The judge refused a whole program."""
    cut: int
    """Not right, and the reply was cut by the token limit, with a program in it or without."""
    filtered: int
    """Not right, and the reply was ended by a content filter."""
    no_program: int
    """A whole reply without a program."""
    unjudged: int
    """The judge itself failed. Alone in no average."""
    overflow: int
    """A prompt did not fit the model's context: not solved."""
    error: int
    """Another model error: not solved."""
    not_run: int
    """Not run yet, or begun and not ended: not solved."""
    planned: int
    right_though_cut: int
    """Of `right`: the token limit cut the reply behind the program."""
    by_budget: int
    """Ended by their own budget, wherever they are counted."""


@dataclass(frozen=True, slots=True)
class Cuts:
    """Replies of one role that were cut by the token limit."""

    role: CallRole
    by_round: tuple[tuple[int, int], ...]
    """(cut, replies) of each round, 0..rounds."""
    right: int
    """Of those cut, attempts that passed; 0 for other roles."""

    @property
    def cut(self) -> int:
        return sum(cut for cut, _ in self.by_round)

    @property
    def replies(self) -> int:
        return sum(replies for _, replies in self.by_round)


def count_ends(table: OutcomeTable) -> Ends:
    """The ends of one arm's planned episodes."""
    found: Counter[str] = Counter(end_of(table, unit) for unit in table.units)
    answers = [answer for unit in table.units if (answer := _answer(table, unit))]
    return Ends(
        **{end: found[end] for end in ENDS},
        planned=len(table.units),
        right_though_cut=sum(a.attempt.truncated for a in answers if a.verdict is not None and a.verdict.passed),
        by_budget=sum(episode.stopped_by == "budget" for episode in table.episodes.values()),
    )


def end_of(table: OutcomeTable, unit: Unit) -> End:
    """How one planned episode ended."""
    episode, outcome, answer = table.episodes.get(unit), table.outcomes[unit][-1], _answer(table, unit)
    if episode is None:
        return "not_run"
    if outcome:
        return "right"
    if outcome is None:
        return "unjudged"
    if episode.status == "failed" or answer is None:
        return "overflow" if episode.overflowed else "error"
    if answer.attempt.truncated:
        return "cut"
    if "content_filter" in _finished(episode.calls, answer.attempt.round):
        return "filtered"
    return "no_program" if answer.attempt.code is None else "wrong"


def count_cuts(table: OutcomeTable) -> tuple[Cuts, ...]:
    """For each role that was asked, in the order of an episode."""
    episodes = table.episodes.values()
    asked = {call.role for episode in episodes for call in episode.calls}
    return tuple(_cuts(role, table.rounds, episodes) for role in get_args(CallRole) if role in asked)


def _cuts(role: CallRole, rounds: int, episodes: Iterable[EpisodeRecord]) -> Cuts:
    replies, cut, right = Counter[int](), Counter[int](), 0
    for episode in episodes:
        passed = {a.attempt.round for a in episode.attempts if a.verdict is not None and a.verdict.passed}
        for call in last_turns(episode.calls):
            if call.role == role and call.round <= rounds:
                ended = call.finish_reason == "length"
                replies[call.round] += 1
                cut[call.round] += ended
                right += ended and role == "actor" and call.round in passed
    return Cuts(role, tuple((cut[round_], replies[round_]) for round_ in range(rounds + 1)), right)


def _answer(table: OutcomeTable, unit: Unit) -> JudgedAttempt | None:
    """The answer at the end, or at the table's last round."""
    episode = table.episodes.get(unit)
    if episode is None:
        return None
    rounds = zip(episode.attempts, episode.answers, strict=True)
    return next((answer for made, answer in reversed([*rounds]) if made.attempt.round <= table.rounds), None)


def _finished(calls: Iterable[CallRecord], round_: int) -> set[str]:
    return {call.finish_reason for call in last_turns(calls) if call.role == "actor" and call.round == round_}


def last_turns(calls: Iterable[CallRecord]) -> list[CallRecord]:
    """The answers: of each role and round the last call, behind those in which it only called tools."""
    return list({(call.role, call.round): call for call in sorted(calls, key=lambda call: call.turn)}.values())
