"""How an arm is spelt: defaults, options, and combinations that cannot be meant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, get_args

from banchu.core.arm import (
    GATES,
    REVIEWS,
    RUN_BY_TESTS,
    STOP_RULES,
    TESTS,
    VALENCES,
    WIDTH,
    Choose,
    Explain,
    FeedbackSource,
    Search,
    Show,
    StopRule,
    Summary,
    Tools,
)
from banchu.core.errors import ConfigError, unknown
from banchu.core.recalling import OFF, RECALLING, Control, Memory, Recalling, Successes

if TYPE_CHECKING:
    from banchu.core.arm import Arm

_CLOSED: dict[str, tuple[str, ...]] = {
    "stop": STOP_RULES,
    "valence": VALENCES,
    "gate": GATES,
    "review": REVIEWS,
    "show": get_args(Show),
    "explain": get_args(Explain),
    "search": get_args(Search),
    "choose": get_args(Choose),
    "tools": get_args(Tools),
    "summary": get_args(Summary),
    "memory": get_args(Memory),
    "successes": get_args(Successes),
    "control": get_args(Control),
}
_LEAST = {"window": 0, "same": 2, "tests": 1, "width": 1, "rounds": 0, "k": 1, "halflife": 1}
_DIGITS = 6
_WITHOUT_MEMORY = ("none", "oracle_stop", "random", "placebo")
_STOPPED_BY_ORACLE = ("oracle_stop", "oracle_verdict", "oracle_trace", "random")
_NEVER_ACCEPTS = ("placebo", "execution")


def defaults(source: FeedbackSource, given: Mapping[str, Any]) -> dict[str, Any]:
    """What is not written, where it depends on what is: source, stop, window and choose."""
    by_tests = source in RUN_BY_TESTS
    gated = given.get("gate", "nothing") != "nothing"
    stop: StopRule = "accepted" if by_tests or gated else "oracle" if source in _STOPPED_BY_ORACLE else "rounds"
    memory = source not in _WITHOUT_MEMORY and given.get("review", "critique") != "turns"
    scored = by_tests and given.get("search", "chain") != "chain" and given.get("stop") != "oracle"
    return {"source": source, "stop": stop, "window": int(memory), "choose": "best" if scored else "last"}


def given_in(text: str, options: Iterable[str]) -> dict[str, Any]:
    """The options of the arm `text`, each `key=value`. Raises ConfigError."""
    given: dict[str, Any] = {}
    for each in options:
        key, equals, value = each.partition("=")
        if not equals:
            raise ConfigError(f"arm {text!r}: option {each!r} has no value; write {each}=VALUE")
        if (key, value) == ("memory", OFF):
            key, value = "window", "0"
        given[key] = option(text, key, value)
    return given


def option(text: str, key: str, value: str) -> str | int | float:
    """The value of one option of the arm `text`. Raises ConfigError."""
    if key in _CLOSED:
        if value not in _CLOSED[key]:
            raise unknown(f"{key} in arm {text!r}:", value, _CLOSED[key])
        return value
    if key == "threshold":
        return _cosine(text, value)
    if key not in _LEAST:
        raise unknown(f"option in arm {text!r}:", key, [*_CLOSED, *_LEAST, "threshold"])
    if not value.isdecimal() or len(value) > _DIGITS or int(value) < _LEAST[key]:
        raise ConfigError(
            f"arm {text[:200]!r}: {key}={value[:40]} is not a whole number of at least {_LEAST[key]}, in "
            f"{_DIGITS} digits at most"
        )
    return int(value)


def _cosine(text: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = 2.0
    if not -1 <= number <= 1:
        raise ConfigError(f"arm {text!r}: threshold={value} is no cosine; write a number from -1 to 1")
    return number


def complaints(arm: Arm) -> Iterator[str]:
    """What cannot be meant, with what to write instead."""
    yield from _of_stop(arm)
    yield from _of_the_critic(arm)
    yield from _of_tests(arm)
    yield from _of_search(arm)
    if arm.gated and arm.source != "none":
        yield f"gate belongs to none, whose samples nobody else looks at; use the source {arm.gate}"
    if not arm.shows_feedback and arm.window:
        yield "nothing to reflect on without feedback; use window=0"
    if arm.guesses and arm.tools != "off":
        yield f"tools={arm.tools}: random asks no model after its first answer; use oracle_stop"
    if arm.in_turns and arm.window:
        yield "a review in turns is remembered as it was said; use window=0"
    if arm.summary != "off" and not arm.window:
        yield f"summary={arm.summary} is of reflections, and there are none; use a source with window=1 or more"
    yield from _of_memory(arm)


def _of_memory(arm: Arm) -> Iterator[str]:
    if not arm.recalls:
        usual = Recalling()
        if said := [name for name in RECALLING if getattr(arm, name) != getattr(usual, name)]:
            yield f"{said[0]} belongs to lessons of earlier episodes; add memory=across, memory=task or memory=file"
        return
    if arm.writes_memory and (not arm.shows_feedback or arm.in_turns):
        yield f"memory={arm.memory} keeps reflections, and this arm writes none; use visible_tests, or memory=file"
    elif arm.writes_memory and not arm.window:
        yield f"memory={arm.memory} keeps reflections, and with window=0 nobody reflects; use window=1"
    if arm.memory == "task":
        for name in ("threshold", "halflife"):
            if getattr(arm, name) is not None:
                yield f"{name} chooses among tasks, and memory=task takes the latest of its own; use memory=across"
        if arm.control == "shuffled":
            yield "control=shuffled are lessons on other tasks, and memory=task has none; use control=empty"


def _of_stop(arm: Arm) -> Iterator[str]:
    if arm.source in ("oracle_stop", "random") and arm.stop != "oracle":
        instead = "without it the arm is `none`" if arm.source == "oracle_stop" else "it is the null of that rule"
        yield f"{arm.source} has only stop=oracle; {instead}"
    if not arm.shows_feedback and (arm.stop == "done" or (arm.stop == "accepted" and not arm.gated)):
        yield f"stop={arm.stop} needs feedback, and {arm.source} shows none; use stop=rounds, same or oracle"
    if arm.source in _NEVER_ACCEPTS and arm.stop == "accepted":
        yield f"{arm.source} never says whether an answer is right; use stop=rounds, done, same or oracle"
    if arm.in_turns and arm.stop in ("accepted", "done"):
        yield f"stop={arm.stop}: a review in turns gives no verdict; use stop=rounds, same or oracle"


def _of_the_critic(arm: Arm) -> Iterator[str]:
    if arm.source not in ("intrinsic", "tools") and arm.valence != "neutral":
        yield f"valence belongs to the critic of intrinsic and tools; {arm.source} has no critic"
    if arm.source != "intrinsic" and arm.review != "critique":
        yield f"review belongs to the critic of intrinsic; {arm.source} has no critic"
    if arm.explain == "nothing":
        return
    if arm.source not in RUN_BY_TESTS and arm.source != "execution":
        yield f"explain={arm.explain} is said of what running found; use self_tests, visible_tests or execution"
    elif arm.explain in ("trace", "blocks") and arm.source == "execution":
        yield f"explain={arm.explain} is about a failed test; use self_tests or visible_tests"


def _of_tests(arm: Arm) -> Iterator[str]:
    if not arm.writes_tests and arm.tests != TESTS:
        yield "tests belongs to self_tests, which writes them"
    if arm.show != "results" and arm.source not in RUN_BY_TESTS:
        yield f"show={arm.show} belongs to self_tests and visible_tests; with the sealed tests it is oracle_verdict"


def _of_search(arm: Arm) -> Iterator[str]:
    by_tests = arm.judge_of_attempts in RUN_BY_TESTS
    if arm.choose == "best" and not by_tests:
        yield "choose=best needs tests that score attempts; use self_tests, visible_tests or none with a gate"
    if arm.chooses and arm.uses_oracle:
        yield f"choose={arm.choose} with an oracle, which knows the right one; use choose=last"
    if not arm.searches:
        if arm.width != WIDTH:
            yield "width belongs to search=repair and search=tree"
        return
    if arm.stop in ("done", "same"):
        yield f"stop={arm.stop} belongs to a chain; with search={arm.search} use stop=rounds, accepted or oracle"
    if arm.search == "tree" and arm.source not in RUN_BY_TESTS:
        yield "search=tree goes by how many tests pass; use self_tests or visible_tests"
    elif arm.search == "repair" and (not arm.shows_feedback or arm.in_turns or arm.source in _NEVER_ACCEPTS):
        yield "search=repair repairs what was found wrong; use a source that finds it, as self_tests or oracle_trace"
    if arm.search == "repair" and arm.rounds is not None and arm.width > arm.rounds:
        yield f"{arm.width} programs in rounds={arm.rounds} leave none to repair; use rounds={2 * arm.width - 1}"
