"""The source `random`: whom it asks, what it leaves out, and that it draws evenly. The model is scripted (a fake)."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import pytest
from tests.graphs.walking import ScriptedOracle, Walk

from banchu.core.episode import Attempt, Check
from banchu.core.task import Task
from banchu.core.verdict import Verdict
from banchu.graphs.guesses import guess

TASK = Task("Q/0", "quiz", 'def answer():\n    """Which?"""\n', "answer", (), ("'A'", "'B'", "1", "None", "[2.5]"))
CODES = [f"def answer():\n    return {answer}\n" for answer in TASK.answers]


class Runs:
    """A fake prover that runs what it is given in this very process: programs and asserts are this test's own."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []

    async def check(self, tests: Sequence[str], code: str) -> list[Check]:
        self.asked.append(tuple(tests))
        return [Check(test, _passes(test, code)) for test in tests]

    async def trace(self, calls: Sequence[str], code: str) -> str:
        raise AssertionError("nothing is traced")

    async def outputs(self, calls: Sequence[str], code: str) -> list[str]:
        raise AssertionError("no output is asked for")

    async def steps(self, call: str, code: str) -> str:
        raise AssertionError("nothing is stepped through")


class Knows(ScriptedOracle):
    """A fake oracle: one of the answers is right, or none."""

    def __init__(self, right: str | None) -> None:
        super().__init__()
        self.right = right

    async def __call__(self, attempt: Attempt) -> Verdict:
        self.asked.append(attempt.round)
        right = self.right is not None and f"return {self.right}\n" in f"{attempt.code}\n"
        return Verdict("passed", 1, 1) if right else Verdict("wrong_answer", 0, 1)


@cache
def _passes(test: str, code: str) -> bool:
    try:
        exec(f"{code}\n{test}", {})
    except (AssertionError, SyntaxError, TypeError, ValueError):
        return False
    return True


def walk(right: str | None, first: str, rounds: int) -> tuple[Walk, Runs]:
    made, prover = Walk("random", [first, "another reply"], rounds=rounds, task=TASK), Runs()
    made.prover = prover  # type: ignore[assignment]
    made.oracle = Knows(right)
    return made, prover


async def drawn(first: str | None, seed: int, later: Sequence[str] = ()) -> str:
    attempts = [Attempt(0, "reply", first), *(Attempt(n, text, None) for n, text in enumerate(later, 1))]
    return (await guess(TASK, attempts, seed=seed, prover=Runs())).text


@pytest.mark.parametrize("right", TASK.answers)
@pytest.mark.parametrize("first", CODES)
async def test_no_answer_is_tried_twice_and_the_oracle_ends_it(right: str, first: str) -> None:
    made, _ = walk(right, f"```python\n{first}```", rounds=9)
    assert (await made())["stopped_by"] == "oracle"
    codes = [attempt.code or "" for attempt in made.sink.attempts]
    tried = [_returned(code) for code in codes]
    assert _returned(first) == tried[0]
    assert tried[-1] == eval(right)
    assert len(tried) == len({repr(value) for value in tried}) <= len(TASK.answers)
    assert made.oracle.asked == list(range(len(tried)))
    assert {feedback.text for feedback in made.sink.feedbacks} == {""}


async def test_only_the_first_attempt_is_asked_of_a_model() -> None:
    made, prover = walk(None, f"```python\n{CODES[0]}```", rounds=3)
    assert (await made())["stopped_by"] == "rounds"
    assert [(request.role, request.round) for request in made.requests] == [("actor", 0)]
    assert set(prover.asked) == {tuple(f"assert answer() == {answer}" for answer in TASK.answers)}


async def test_a_seed_draws_the_same_and_no_verdict_is_needed_to_draw() -> None:
    for seed in range(5):
        assert await drawn(CODES[1], seed) == await drawn(CODES[1], seed)


@pytest.mark.parametrize(
    ("first", "later", "left"),
    [
        (CODES[2], (), ("'A'", "'B'", "None", "[2.5]")),
        ("def answer():\n    return 1.0\n", (), ("'A'", "'B'", "None", "[2.5]")),
        (CODES[2], ("'B'", "[2.5]"), ("'A'", "None")),
        (CODES[0], ("'B'", "1", "None"), ("[2.5]",)),
        # Whatever is none of the answers rules none of them out.
        ("def answer():\n    return 'C'\n", (), TASK.answers),
        ("def answer():\n    raise ValueError\n", (), TASK.answers),
        ("def answer(question):\n    return 'A'\n", (), TASK.answers),
        ("this is no program", (), TASK.answers),
        (None, (), TASK.answers),
        (None, ("'A'",), TASK.answers[1:]),
        # All were tried: the judge called none of them right, so that any may be drawn.
        (CODES[0], ("'B'", "1", "None", "[2.5]"), TASK.answers),
    ],
)
async def test_guesses_are_drawn_evenly_among_the_answers_that_are_left(
    first: str | None, later: tuple[str, ...], left: tuple[str, ...]
) -> None:
    draws = 600
    counts = Counter([await drawn(first, seed * 7919, later) for seed in range(draws)])
    assert set(counts) == set(left)
    share = 1 / len(left)
    for answer in left:  # four standard deviations: false in 1 of 16,000 for a fair draw, and the seeds are fixed
        assert abs(counts[answer] - draws * share) <= 4 * math.sqrt(draws * share * (1 - share))


async def test_the_first_guess_says_nothing_of_the_second() -> None:
    """The seeds of two rounds are two numbers: all pairs of guesses are as likely as each other."""
    pairs: Counter[tuple[str, str]] = Counter()
    for seed in range(1200):
        one = await drawn(CODES[0], 2 * seed)
        pairs[one, await drawn(CODES[0], 2 * seed + 1, (one,))] += 1
    assert set(pairs) == set(itertools.permutations(TASK.answers[1:], 2))
    assert all(abs(count - 100) <= 4 * math.sqrt(100) for count in pairs.values())


async def test_a_task_without_answers_or_an_episode_without_a_prover_cannot_be_guessed() -> None:
    endless, first = replace(TASK, answers=()), [Attempt(0, "reply", CODES[0])]
    with pytest.raises(ValueError, match="'Q/0' has no finite set of answers"):
        await guess(endless, first, seed=0, prover=Runs())
    with pytest.raises(ValueError, match="handed no prover"):
        await guess(TASK, first, seed=0, prover=None)


def _returned(code: str) -> object:
    names: dict[str, object] = {}
    exec(code, names)
    answer = names["answer"]
    assert callable(answer)
    return answer()
