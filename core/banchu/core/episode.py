"""Attempts and episodes: what the graph makes, and what the ledger gives back to the analysis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from banchu.core.arm import FeedbackSource
from banchu.core.chat import CallRole, FinishReason
from banchu.core.tool_record import ToolCallRecord
from banchu.core.verdict import Verdict

StoppedBy = Literal["rounds", "accepted", "done", "same", "oracle", "budget"]
EpisodeStatus = Literal["done", "failed"]
OVERFLOW: Final = "context overflow: "
"""How the error of an episode begins that a prompt ended which did not fit."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One candidate answer. Attempt 0 is the first."""

    round: int
    text: str
    """The model's reply as it came."""
    code: str | None
    """The program extracted from it; None when there is none, which the judge calls `no_answer`."""
    truncated: bool = False
    """The reply was cut by the token limit."""
    says_done: bool = False
    """The reply says that the earlier answer stands; `code` is then the earlier code."""


@dataclass(frozen=True, slots=True)
class Feedback:
    """What one source says of one attempt."""

    round: int
    source: FeedbackSource
    text: str
    """What the agent is shown; empty: nothing."""
    accepts: bool | None = None
    """Whether the source holds the attempt for right; None: it does not say."""
    score: float | None = None
    """The share of tests that passed, 0 to 1; None: there were none."""


@dataclass(frozen=True, slots=True)
class Check:
    """What came of one test, which nobody vouches for, on one program."""

    source: str
    """One assert statement."""
    passed: bool
    output: str = ""
    """Where it did not pass: the value that the program gave, or the error, in one line."""


@dataclass(frozen=True, slots=True)
class JudgedAttempt:
    """An attempt with the verdict of the measurement channel."""

    attempt: Attempt
    verdict: Verdict | None
    """None: unjudged, because the judge itself failed."""


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One model call of an episode, without its texts."""

    role: CallRole
    round: int
    prompt_tokens: int
    completion_tokens: int
    finish_reason: FinishReason
    sealed_hits: int
    """Sealed assertions whose text was found in the prompt."""
    wall_s: float
    reasoning_tokens: int = 0
    """Of the completion tokens, those that are no part of the text."""
    turn: int = 0
    """Which answer of its role in the round: more than one where the role calls tools before it answers."""


@dataclass(frozen=True, slots=True)
class SelfTest:
    """A test that the model wrote for itself."""

    source: str
    """One assert statement."""
    holds: bool | None = None
    """Whether the reference solution passes it, found by the measurement channel; None: not known."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What the arm made of its attempts after one more."""

    round: int
    parent: int | None
    """The attempt that this round's attempt revises; None: it is an independent sample."""
    chosen: int
    """The attempt that is the answer after this round."""


@dataclass(frozen=True, slots=True)
class EpisodeRecord:
    """One (task, arm, repeat) as the ledger holds it."""

    task_id: str
    arm: str
    repeat: int
    status: EpisodeStatus
    attempts: tuple[JudgedAttempt, ...]
    calls: tuple[CallRecord, ...]
    oracle_calls: int = 0
    """How often a verdict on the sealed tests crossed into the feedback channel (text or stop)."""
    stopped_by: StoppedBy = "rounds"
    error: str = ""
    """Why a failed episode ended: a model error. It counts as not solved, and is listed apart."""
    accepts: tuple[bool | None, ...] = ()
    """By round: whether the feedback source held the attempt for right; None: it did not say. Shorter than `attempts`
    where the last attempt was not assessed."""
    self_tests: tuple[SelfTest, ...] = ()
    """What the test writer wrote, in arms whose source is `self_tests`."""
    choices: tuple[Choice, ...] = ()
    """By round, in arms that choose or search; none in others, where the last attempt is revised, and is the answer."""
    tool_calls: tuple[ToolCallRecord, ...] = ()
    """In order, in arms that use tools."""

    @property
    def overflowed(self) -> bool:
        """Whether a prompt that did not fit the model's context ended it."""
        return self.error.startswith(OVERFLOW)

    @property
    def answers(self) -> tuple[JudgedAttempt, ...]:
        """By attempt: the one that was the answer after it."""
        chosen = {choice.round: choice.chosen for choice in self.choices}
        by_round = {judged.attempt.round: judged for judged in self.attempts}
        return tuple(by_round[chosen.get(each.attempt.round, each.attempt.round)] for each in self.attempts)

    def revised(self, *, chain: bool) -> dict[int, int]:
        """Rounds of the attempts that revise another one, each with the round of that one.

        Args:
            chain: whether an arm that neither chooses nor searches is shown its last attempt.
        """
        rounds = [judged.attempt.round for judged in self.attempts]
        if not self.choices:
            return {round: round - 1 for round in rounds if round} if chain else {}
        return {choice.round: choice.parent for choice in self.choices if choice.parent is not None}
