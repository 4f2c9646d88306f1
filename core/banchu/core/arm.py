"""Arms: one experimental condition each, written as `source+option=value+...`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Literal, get_args

from banchu.core.errors import ConfigError, unknown
from banchu.core.recipes import RECIPES

FeedbackSource = Literal[
    "none",
    "placebo",
    "intrinsic",
    "self_tests",
    "visible_tests",
    "execution",
    "oracle_stop",
    "oracle_verdict",
    "oracle_trace",
]
StopRule = Literal["rounds", "accepted", "done", "same", "oracle"]
Valence = Literal["neutral", "leading", "presupposing"]
Review = Literal["critique", "turns"]
Gate = Literal["nothing", "visible_tests", "self_tests"]
Kind = Literal["none", "intrinsic", "external", "oracle"]
Fairness = Literal["fair-symmetric", "fair-asymmetric", "unfair-asymmetric"]

SOURCES: tuple[FeedbackSource, ...] = get_args(FeedbackSource)
STOP_RULES: tuple[StopRule, ...] = get_args(StopRule)
VALENCES: tuple[Valence, ...] = get_args(Valence)
REVIEWS: tuple[Review, ...] = get_args(Review)
GATES: tuple[Gate, ...] = get_args(Gate)

_SHOWN_NOTHING: frozenset[FeedbackSource] = frozenset({"none", "oracle_stop"})
_ORACLE_CONTENT: frozenset[FeedbackSource] = frozenset({"oracle_verdict", "oracle_trace"})
_RUN_BY_TESTS: frozenset[str] = frozenset({"self_tests", "visible_tests"})
_NEVER_ACCEPTS: frozenset[FeedbackSource] = frozenset({"placebo", "execution"})
_CLAIMS: dict[FeedbackSource, str] = {
    "none": "independent samples",
    "placebo": "placebo",
    "intrinsic": "intrinsic",
    "self_tests": "external: runs its own tests",
    "visible_tests": "external: runs the prompt's examples",
    "execution": "external: runs without tests",
}


@dataclass(frozen=True, slots=True)
class Arm:
    """One condition. `Arm.parse("intrinsic+stop=done")` fills what is not written with the source's defaults."""

    source: FeedbackSource
    """Who makes the feedback. Exactly one."""
    stop: StopRule
    """When an episode ends before its last round. `rounds` never does."""
    window: int
    """How many of the latest reflections enter the next prompt; 0: nobody reflects. Reflexion keeps 1 to 3."""
    valence: Valence = "neutral"
    """What the critic is told to expect (intrinsic only): Huang et al. 2024 were criticised for a leading prompt."""
    same: int = 2
    """With stop=same: how many equal programs in a row end the episode."""
    tests: int = 6
    """How many tests the model writes for itself at most (self_tests only): 6 in the paper of Reflexion, 1 in its
    code as released."""
    gate: Gate = "nothing"
    """What is run on each independent sample (none only), and can end the episode; nothing of it is shown."""
    review: Review = "critique"
    """Who reviews (intrinsic only). critique: a critic that sees task and answer as quoted text. turns: one
    conversation of answer, review and improvement, as Huang et al. 2024 have it."""

    @property
    def name(self) -> str:
        """The shortest spelling: the source and what differs from its defaults."""
        plain = _defaults(self.source, self.gate, self.review)
        return "+".join(
            [self.source]
            + [
                f"{f.name}={getattr(self, f.name)}"
                for f in fields(self)
                if f.name != "source" and getattr(self, f.name) != getattr(plain, f.name)
            ]
        )

    @property
    def shows_feedback(self) -> bool:
        """Whether the actor is shown its earlier attempts. If not, each attempt is an independent sample."""
        return self.source not in _SHOWN_NOTHING

    @property
    def assesses(self) -> bool:
        """Whether anything is asked about an attempt before the next one."""
        return self.shows_feedback or self.gated or self.oracle_stops

    @property
    def gated(self) -> bool:
        return self.gate != "nothing"

    @property
    def judge_of_attempts(self) -> FeedbackSource:
        """Who says something of an attempt: the source, or the gate of an arm that shows nothing."""
        return self.source if self.gate == "nothing" else self.gate

    @property
    def writes_tests(self) -> bool:
        """Whether the model is asked for tests of its own, once an episode."""
        return self.judge_of_attempts == "self_tests"

    @property
    def runs_code(self) -> bool:
        """Whether attempts are run for feedback, on nothing that is sealed."""
        return self.judge_of_attempts in _RUN_BY_TESTS or self.source == "execution"

    @property
    def in_turns(self) -> bool:
        """Whether answer and review are turns of one conversation."""
        return self.review == "turns"

    @property
    def oracle_content(self) -> bool:
        """Whether text made from the sealed tests is shown to the agent."""
        return self.source in _ORACLE_CONTENT

    @property
    def oracle_stops(self) -> bool:
        """Whether a verdict on the sealed tests can end an episode."""
        return self.stop == "oracle" or (self.stop == "accepted" and self.oracle_content)

    @property
    def uses_oracle(self) -> bool:
        """Whether the arm may hold the oracle handle at all. No number of such an arm is pass@1."""
        return self.oracle_content or self.oracle_stops

    @property
    def claims(self) -> str:
        """What a number of this arm may be called."""
        if self.oracle_content and self.oracle_stops:
            return "oracle content and stop"
        if self.oracle_content:
            return "oracle content"
        if self.oracle_stops:
            return "oracle stop"
        return f"samples behind {self.gate}" if self.gated else _CLAIMS[self.source]

    @property
    def kind(self) -> Kind:
        """Where what the agent learns of its answer comes from. Source: Kamoi et al. 2024, When Can LLMs Actually
        Correct Their Own Mistakes? (TACL), section 3: intrinsic against external; an oracle is kept apart here."""
        if self.uses_oracle:
            return "oracle"
        if self.runs_code:
            return "external"
        return "intrinsic" if self.shows_feedback else "none"

    @property
    def realistic(self) -> bool:
        """Whether a user who has no hidden tests could run this arm (Kamoi et al. 2024: an oracle is unrealistic)."""
        return not self.uses_oracle

    @property
    def fair(self) -> Fairness:
        """How what correction may use compares with what the first answer could use (Kamoi et al. 2024).

        fair-symmetric: the same. fair-asymmetric: an interpreter, which is of no use before there is a draft.
        unfair-asymmetric: sealed tests, which the first answer was never given. All arms share the first prompt, so a
        weak one cannot make an arm unfair. That another model reviews (`--critic`) is a fact of the run, not of the
        arm, and is cross-model correction.
        """
        if self.uses_oracle:
            return "unfair-asymmetric"
        return "fair-asymmetric" if self.runs_code else "fair-symmetric"

    @classmethod
    def parse(cls, text: str) -> Arm:
        """An arm from its spelling, such as `oracle_trace+stop=rounds+window=3`; it may begin with a recipe's name.

        Raises ConfigError.
        """
        name, plus, rest = text.strip().partition("+")
        spelt = f"{RECIPES[name].arm}{plus}{rest}" if name in RECIPES else text.strip()
        source, *options = spelt.split("+")
        if source not in SOURCES:
            raise unknown("arm", source, (*SOURCES, *RECIPES))
        given: dict[str, str | int] = {}
        for option in options:
            key, equals, value = option.partition("=")
            if not equals:
                raise ConfigError(f"arm {text!r}: option {option!r} has no value; write {option}=VALUE")
            given[key] = _option(text, key, value)
        plain = _defaults(source, given.get("gate", "nothing"), given.get("review", "critique"))
        values: dict[str, str | int] = {f.name: getattr(plain, f.name) for f in fields(cls)}
        arm = cls(**{**values, **given})  # type: ignore[arg-type]  # _option has checked name, type and range
        arm._check(text)
        return arm

    def _check(self, text: str) -> None:
        for complaint in self._complaints():
            raise ConfigError(f"arm {text!r}: {complaint}")

    def _complaints(self) -> Iterator[str]:
        """What cannot be meant, with what to write instead."""
        plain = _defaults(self.source, self.gate, self.review)
        if self.source == "oracle_stop" and self.stop != "oracle":
            yield "oracle_stop has only stop=oracle; without it the arm is `none`"
        if self.gated and self.source != "none":
            yield f"gate belongs to none, whose samples nobody else looks at; use the source {self.gate}"
        if not self.shows_feedback and (self.stop == "done" or (self.stop == "accepted" and not self.gated)):
            yield f"stop={self.stop} needs feedback, and {self.source} shows none; use stop=rounds, same or oracle"
        if not self.shows_feedback and self.window:
            yield "nothing to reflect on without feedback; use window=0"
        if self.source in _NEVER_ACCEPTS and self.stop == "accepted":
            yield f"{self.source} never says whether an answer is right; use stop=rounds, done, same or oracle"
        if self.source != "intrinsic" and self.valence != "neutral":
            yield f"valence belongs to the critic of intrinsic; {self.source} has no critic"
        if self.source != "intrinsic" and self.review != "critique":
            yield f"review belongs to the critic of intrinsic; {self.source} has no critic"
        if self.in_turns and self.stop in ("accepted", "done"):
            yield f"stop={self.stop}: a review in turns gives no verdict; use stop=rounds, same or oracle"
        if self.in_turns and self.window:
            yield "a review in turns is remembered as it was said; use window=0"
        if not self.writes_tests and self.tests != plain.tests:
            yield "tests belongs to self_tests, which writes them"


def parse_arms(text: str) -> tuple[Arm, ...]:
    """Arms from a comma-separated list. Raises ConfigError for an unknown, empty or repeated one."""
    arms = tuple(Arm.parse(part) for part in text.split(",") if part.strip())
    if not arms:
        raise ConfigError(f"--arms {text!r} names no arm. Known sources: {', '.join(SOURCES)}")
    names = [arm.name for arm in arms]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ConfigError(f"--arms names {', '.join(twice)} twice; an arm is compared with others, use --repeats")
    return arms


def _defaults(source: FeedbackSource, gate: object = "nothing", review: object = "critique") -> Arm:
    window = 1
    if source in (*_SHOWN_NOTHING, "placebo") or review == "turns":
        window = 0
    return Arm(source=source, stop=_default_stop(source, gate), window=window)


def _default_stop(source: FeedbackSource, gate: object) -> StopRule:
    if source in _RUN_BY_TESTS or gate != "nothing":
        return "accepted"
    return "oracle" if source == "oracle_stop" or source in _ORACLE_CONTENT else "rounds"


def _option(text: str, key: str, value: str) -> str | int:
    closed = {"stop": STOP_RULES, "valence": VALENCES, "gate": GATES, "review": REVIEWS}
    if key in closed:
        if value not in closed[key]:
            raise unknown(f"{key} in arm {text!r}:", value, closed[key])
        return value
    least = {"window": 0, "same": 2, "tests": 1}
    if key not in least:
        raise unknown(f"option in arm {text!r}:", key, [*closed, *least])
    if not value.isdecimal() or int(value) < least[key]:
        raise ConfigError(f"arm {text!r}: {key}={value} is not a whole number of at least {least[key]}")
    return int(value)
