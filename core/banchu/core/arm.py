"""Arms: one experimental condition each, written as `source+option=value+...`."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal, get_args

from banchu.core.errors import ConfigError, unknown

FeedbackSource = Literal["none", "intrinsic", "oracle_stop", "oracle_verdict", "oracle_trace"]
StopRule = Literal["rounds", "accepted", "done", "same", "oracle"]
Valence = Literal["neutral", "leading", "presupposing"]

SOURCES: tuple[FeedbackSource, ...] = get_args(FeedbackSource)
STOP_RULES: tuple[StopRule, ...] = get_args(StopRule)
VALENCES: tuple[Valence, ...] = get_args(Valence)

_SHOWN_NOTHING: frozenset[FeedbackSource] = frozenset({"none", "oracle_stop"})
_ORACLE_CONTENT: frozenset[FeedbackSource] = frozenset({"oracle_verdict", "oracle_trace"})


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

    @property
    def name(self) -> str:
        """The shortest spelling: the source and what differs from its defaults."""
        plain = _defaults(self.source)
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
        return "independent samples" if self.source == "none" else "intrinsic"

    @classmethod
    def parse(cls, text: str) -> Arm:
        """An arm from its spelling, such as `oracle_trace+stop=rounds+window=3`. Raises ConfigError."""
        source, *options = text.strip().split("+")
        if source not in SOURCES:
            raise unknown("arm", source, SOURCES)
        plain = _defaults(source)
        values: dict[str, str | int] = {f.name: getattr(plain, f.name) for f in fields(cls)}
        for option in options:
            key, equals, value = option.partition("=")
            if not equals:
                raise ConfigError(f"arm {text!r}: option {option!r} has no value; write {option}=VALUE")
            values[key] = _option(text, key, value)
        arm = cls(**values)  # type: ignore[arg-type]  # _option has checked name, type and range
        arm._check(text)
        return arm

    def _check(self, text: str) -> None:
        if self.source == "oracle_stop" and self.stop != "oracle":
            raise ConfigError(f"arm {text!r}: oracle_stop has only stop=oracle; without it the arm is `none`")
        if not self.shows_feedback and self.stop in ("accepted", "done"):
            raise ConfigError(
                f"arm {text!r}: stop={self.stop} needs feedback, and {self.source} shows none; "
                f"use stop=rounds, same or oracle"
            )
        if not self.shows_feedback and self.window:
            raise ConfigError(f"arm {text!r}: nothing to reflect on without feedback; use window=0")
        if self.source != "intrinsic" and self.valence != "neutral":
            raise ConfigError(f"arm {text!r}: valence belongs to the critic of intrinsic; {self.source} has no critic")


def parse_arms(text: str) -> tuple[Arm, ...]:
    """Arms from a comma-separated list. Raises ConfigError for an unknown, empty or repeated one."""
    arms = tuple(Arm.parse(part) for part in text.split(",") if part.strip())
    if not arms:
        raise ConfigError(f"--arms {text!r} names no arm. Known sources: {', '.join(SOURCES)}")
    names = [arm.name for arm in arms]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ConfigError(f"--arms names {', '.join(twice)} twice; an arm is compared with others, use --repeats")
    return arms


def _defaults(source: FeedbackSource) -> Arm:
    stop: StopRule = "rounds" if source in ("none", "intrinsic") else "oracle"
    return Arm(source=source, stop=stop, window=0 if source in _SHOWN_NOTHING else 1)


def _option(text: str, key: str, value: str) -> str | int:
    closed = {"stop": STOP_RULES, "valence": VALENCES}
    if key in closed:
        if value not in closed[key]:
            raise unknown(f"{key} in arm {text!r}:", value, closed[key])
        return value
    least = {"window": 0, "same": 2}
    if key not in least:
        raise unknown(f"option in arm {text!r}:", key, [*closed, *least])
    if not value.isdecimal() or int(value) < least[key]:
        raise ConfigError(f"arm {text!r}: {key}={value} is not a whole number of at least {least[key]}")
    return int(value)
