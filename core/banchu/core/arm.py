"""Arms: one experimental condition each, written as `source+option=value+...`."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import Literal, get_args

from banchu.core.errors import ConfigError, unknown
from banchu.core.recalling import WORDS, Recalling
from banchu.core.recipes import RECIPES

FeedbackSource = Literal[
    "none",
    "placebo",
    "intrinsic",
    "tools",
    "self_tests",
    "visible_tests",
    "execution",
    "oracle_stop",
    "oracle_verdict",
    "oracle_trace",
    "random",
]
StopRule = Literal["rounds", "accepted", "done", "same", "oracle"]
Valence = Literal["neutral", "leading", "presupposing"]
Review = Literal["critique", "turns"]
Gate = Literal["nothing", "visible_tests", "self_tests"]
Show = Literal["results", "verdict"]
Explain = Literal["nothing", "code", "trace", "blocks", "critique"]
Search = Literal["chain", "repair", "tree"]
Choose = Literal["last", "best", "majority"]
Tools = Literal["off", "actor"]
Summary = Literal["off", "running"]
Kind = Literal["none", "intrinsic", "external", "oracle"]
Fairness = Literal["fair-symmetric", "fair-asymmetric", "unfair-asymmetric"]

SOURCES: tuple[FeedbackSource, ...] = get_args(FeedbackSource)
STOP_RULES: tuple[StopRule, ...] = get_args(StopRule)
VALENCES: tuple[Valence, ...] = get_args(Valence)
REVIEWS: tuple[Review, ...] = get_args(Review)
GATES: tuple[Gate, ...] = get_args(Gate)

_SHOWN_NOTHING: frozenset[FeedbackSource] = frozenset({"none", "oracle_stop", "random"})
_ORACLE_CONTENT: frozenset[FeedbackSource] = frozenset({"oracle_verdict", "oracle_trace"})
RUN_BY_TESTS: frozenset[str] = frozenset({"self_tests", "visible_tests"})
"""Sources and gates that run tests which nobody sealed, and so can score an attempt."""
TESTS = 6
WIDTH = 5
_CLAIMS: dict[FeedbackSource, str] = {
    "none": "independent samples",
    "placebo": "placebo",
    "intrinsic": "intrinsic",
    "tools": "external: checks with tools",
    "self_tests": "external: runs its own tests",
    "visible_tests": "external: runs the prompt's examples",
    "execution": "external: runs without tests",
}


@dataclass(frozen=True, slots=True)
class Arm(Recalling):
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
    tests: int = TESTS
    """How many tests the model writes for itself at most (self_tests only): 6 in the paper of Reflexion, 1 in its
    code as released."""
    gate: Gate = "nothing"
    """What is run on each independent sample (none only), and can end the episode; nothing of it is shown."""
    review: Review = "critique"
    """Who reviews (intrinsic only). critique: a critic that sees task and answer as quoted text. turns: one
    conversation of answer, review and improvement, as Huang et al. 2024 have it."""
    show: Show = "results"
    """What is shown of tests (self_tests and visible_tests only): their results, or one bit."""
    explain: Explain = "nothing"
    """What the critic adds to what running found. code, trace: the code in words, a trace of the failed test (Chen et
    al. 2024). blocks: a verdict on each block by its real values (Zhong et al. 2024). critique: Gou et al. 2024."""
    search: Search = "chain"
    """Which attempt the next one revises. chain: the last. repair: `width` independent programs, then those that
    failed, in turn (Olausson et al. 2024). tree: the most promising by its tests (Zhou et al. 2024, LATS)."""
    width: int = WIDTH
    """With search=repair: independent programs at first. With search=tree: revisions of one attempt at most."""
    choose: Choose = "last"
    """Which attempt is the answer. best: the first that passed the most tests. majority: the first of those that most
    attempts agree with, on probe inputs."""
    rounds: int | None = None
    """Attempts after the first, where the arm has a number of its own; None: the run's."""
    tools: Tools = "off"
    """Who may call tools before it answers. The critic of the source `tools` may in any case."""
    summary: Summary = "off"
    """running: the reflector is shown its last `window` lessons, and writes one that stands for all of them."""
    oracle_tool: bool = field(default=False, compare=False)
    """A tool of the run knows the answer. A fact of the run, not of the spelling: `RunConfig.parsed_arms` says it."""

    @property
    def name(self) -> str:
        """The shortest spelling: the source and what differs from its defaults."""
        return _spelling(self)

    def rounds_in(self, rounds: int) -> int:
        """Attempts after the first, in a run whose arms have `rounds` unless they say otherwise."""
        return rounds if self.rounds is None else self.rounds

    @property
    def shows_feedback(self) -> bool:
        """Whether the actor is shown its earlier attempts. If not, each attempt is an independent sample."""
        return self.source not in _SHOWN_NOTHING

    @property
    def assesses(self) -> bool:
        """Whether anything is asked about an attempt before the next one."""
        return self.shows_feedback or self.gated or self.oracle_stops or self.chooses

    @property
    def chooses(self) -> bool:
        """Whether the answer may be another attempt than the last."""
        return self.choose != "last"

    @property
    def searches(self) -> bool:
        """Whether an attempt may revise another one than the last."""
        return self.search != "chain"

    @property
    def guesses(self) -> bool:
        """Whether attempts after the first are drawn among the answers that there are, and not asked of a model."""
        return self.source == "random"

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
        """Whether attempts are run for feedback or for the choice among them, on nothing that is sealed."""
        by_tests = self.judge_of_attempts in RUN_BY_TESTS
        return by_tests or self.source in ("execution", "random") or self.choose == "majority"

    @property
    def asks_the_critic(self) -> bool:
        """Whether the critic is asked about each attempt that is to be revised."""
        return self.source in ("intrinsic", "tools") or self.explain != "nothing"

    @property
    def uses_tools(self) -> bool:
        """Whether anybody may call tools."""
        return self.source == "tools" or self.tools != "off"

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
    def holds_oracle(self) -> bool:
        """Whether the arm is handed the sealed tests' verdicts at all."""
        return self.oracle_content or self.oracle_stops

    @property
    def uses_oracle(self) -> bool:
        """Whether anything in it knows the answer, or read what was written by somebody who did. No number of such an
        arm is pass@1."""
        return self.holds_oracle or self.oracle_tool or self.memory == "oracle_file"

    @property
    def claims(self) -> str:
        """What a number of this arm may be called."""
        told = f"oracle tool; {self._claims}" if self.oracle_tool else self._claims
        told = told if self.tools == "off" else f"{told}, with tools"
        return f"{told}, {WORDS[self.memory]}" if self.recalls else told

    @property
    def _claims(self) -> str:
        if self.oracle_content and self.oracle_stops:
            return "oracle content and stop"
        if self.oracle_content:
            return "oracle content"
        if self.oracle_stops:
            return "oracle stop, random guesses" if self.guesses else "oracle stop"
        if self.searches:
            return f"{'tree search' if self.search == 'tree' else 'repair'} by {self.judge_of_attempts}"
        if self.choose == "majority":
            return "majority of samples" if not self.shows_feedback else f"{_CLAIMS[self.source]}, majority"
        if self.choose == "best":
            return f"best by {self.judge_of_attempts}"
        return f"samples behind {self.gate}" if self.gated else _CLAIMS[self.source]

    @property
    def kind(self) -> Kind:
        """Where what the agent learns of its answer comes from. Source: Kamoi et al. 2024, When Can LLMs Actually
        Correct Their Own Mistakes? (TACL), section 3: intrinsic against external; an oracle is kept apart here."""
        if self.uses_oracle:
            return "oracle"
        if self.runs_code or self.uses_tools:
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
        unfair-asymmetric: sealed tests, which the first answer was never given. All arms share the first prompt, but
        for tools on offer, so a weak one cannot make an arm unfair. That another model reviews (`--critic`) is a fact
        of the run, not of the arm, and is cross-model correction.
        """
        if self.uses_oracle:
            return "unfair-asymmetric"
        # An actor with tools has had them from its first answer on.
        return "fair-asymmetric" if self.runs_code or self.source == "tools" else "fair-symmetric"

    @classmethod
    def parse(cls, text: str) -> Arm:
        """An arm from its spelling, such as `oracle_trace+stop=rounds+window=3`; it may begin with a recipe's name.

        What follows a recipe's name wins over what the recipe says. Raises ConfigError.
        """
        from banchu.core.spelling import complaints, defaults, given_in

        name, plus, rest = text.strip().partition("+")
        spelt = f"{RECIPES[name].arm}{plus}{rest}" if name in RECIPES else text.strip()
        source, *options = spelt.split("+")
        if source not in SOURCES:
            raise unknown("arm", source, (*SOURCES, *RECIPES))
        given = given_in(text, options)
        arm = cls(**{**defaults(source, given), **given})
        for complaint in complaints(arm):
            raise ConfigError(f"arm {text!r}: {complaint}")
        return arm


@lru_cache(maxsize=4096)
def _spelling(arm: Arm) -> str:
    from banchu.core.spelling import defaults

    spelt = [f for f in fields(arm) if f.compare]
    given = {f.name: getattr(arm, f.name) for f in spelt}
    usual = {f.name: f.default for f in spelt} | defaults(arm.source, given)
    options = [f"{name}={value}" for name, value in given.items() if name != "source" and value != usual[name]]
    return "+".join([arm.source, *options])


def parse_arms(text: str) -> tuple[Arm, ...]:
    """Arms from a comma-separated list. Raises ConfigError for an unknown, empty or repeated one."""
    arms = tuple(Arm.parse(part) for part in text.split(",") if part.strip())
    if not arms:
        raise ConfigError(f"--arms {text!r} names no arm. Known sources: {', '.join(SOURCES)}")
    names = [arm.name for arm in arms]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ConfigError(f"--arms names {', '.join(twice)} twice; an arm is compared with others, use --repeats")
    return arms
