"""A scripted model with known rates, through the real runner, judge and ledger: the figures are what it did.

What it did is worked out here a second time, from the seeds alone, with neither prompts nor programs nor verdicts.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest

from banchu.analysis import ArmSummary, summarise
from banchu.benchmarks import Benchmark
from banchu.core import EpisodeRecord
from banchu.core.arm import Arm, parse_arms
from banchu.core.chat import Request
from banchu.core.sealed import unseal
from banchu.core.task import Task
from banchu.experiments.seeds import call_seed
from banchu.models.scripted import ScriptedModel

FIRST, FIX, SPOIL, FALSE_ACCEPT, FALSE_REJECT = 0.4, 0.3, 0.2, 0.4, 0.2
ROUNDS = 2
SOUND_TEST, USELESS_TEST = 0.6, 0.2
"""How often the test that the model writes is sound, and how often nothing passes it; the rest anything passes."""
BAD = "off_the_mark"
"""In every wrong answer."""
WRONG_KINDS = ("wrong_answer", "raised", "no_answer")


def roll(seed: int, what: str) -> float:
    """A number in [0, 1) for one decision of one call."""
    return int.from_bytes(hashlib.sha256(f"{seed} {what}".encode()).digest()[:6], "big") / 2**48


def model_with_rates(benchmark: Benchmark) -> ScriptedModel:
    """A fake that answers by its rates. How its last answer was, it reads in the prompt, as a model would."""
    known = {pair.task.prompt.strip(): pair for pair in benchmark.tasks}

    def reply(request: Request) -> str:
        assert not isinstance(request.prompt, str)
        text, seed = request.prompt_text, request.sampling.seed
        answered = request.role == "critic" or any(message.role == "assistant" for message in request.prompt)
        was_right = answered and BAD not in text
        if request.role == "critic":
            accepted = roll(seed, "critic") >= FALSE_REJECT if was_right else roll(seed, "critic") < FALSE_ACCEPT
            return f"I read it.\nVERDICT: {'correct' if accepted else 'incorrect'}"
        if request.role == "reflector":
            return "Read the task again."
        pair = next(pair for prompt, pair in known.items() if prompt in text)
        if request.role == "tester":
            return f"```python\n{written_test(pair.task, seed)[1]}\n```"
        chance = 1 - SPOIL if was_right else FIX if answered else FIRST
        if roll(seed, "actor") < chance:
            return f"```python\n{unseal(pair.sealed).reference}\n```"
        name = pair.task.entry_point
        return {
            "wrong_answer": f"```python\ndef {name}(*args):\n    return '{BAD}'\n```",
            "raised": f"```python\ndef {name}(*args):\n    return {BAD}\n```",
            "no_answer": f"I am {BAD}.",
        }[WRONG_KINDS[int(3 * roll(seed, "kind"))]]

    return ScriptedModel(reply, id="scripted:rates")


def written_test(task: Task, seed: int) -> tuple[str, str]:
    """Its kind and its text. A sound one is an example of the prompt, which no wrong answer passes."""
    chance, name = roll(seed, "test"), task.entry_point
    if chance < SOUND_TEST and task.examples:
        return "sound", task.examples[0]
    if chance < 1 - USELESS_TEST:
        return "holds for anything", f"assert True or {name}()"
    return "holds for nothing", f"assert False and {name}()"


@dataclass
class Told:
    """One episode as the script knows it."""

    kinds: list[str] = field(default_factory=list)
    accepts: list[bool] = field(default_factory=list)
    stopped_by: str = "rounds"
    test: str = ""

    def at(self, round_: int) -> bool:
        """Whether the last attempt at or before a round is right."""
        return self.kinds[min(round_, len(self.kinds) - 1)] == "passed"


def tell(arm: Arm, task: Task, repeat: int) -> Told:
    """What the script does in one episode, from the seeds."""
    told, task_id = Told(), task.id
    if arm.writes_tests:
        told.test = written_test(task, call_seed(0, task_id, repeat, "tester", 0))[0]
    for round_ in range(ROUNDS + 1):
        seed = call_seed(0, task_id, repeat, "actor", round_)
        if round_ == 0 or arm.source in ("none", "oracle_stop"):
            right = roll(seed, "actor") < FIRST
        else:
            right = roll(seed, "actor") < (1 - SPOIL if told.at(round_) else FIX)
        told.kinds.append("passed" if right else WRONG_KINDS[int(3 * roll(seed, "kind"))])
        if round_ == ROUNDS:
            break
        if arm.source == "intrinsic":
            chance = roll(call_seed(0, task_id, repeat, "critic", round_), "critic")
            told.accepts.append(chance >= FALSE_REJECT if right else chance < FALSE_ACCEPT)
        elif arm.writes_tests:
            sound = told.test == "sound" and right
            told.accepts.append(told.kinds[-1] != "no_answer" and (sound or told.test == "holds for anything"))
        if (arm.stop == "oracle" and right) or (arm.stop == "accepted" and told.accepts[-1]):
            told.stopped_by = arm.stop
            break
    return told


@pytest.mark.parametrize(
    ("arms", "tasks", "repeats"),
    [
        ("none,intrinsic,self_tests,oracle_trace", 25, 1),
        pytest.param("none,intrinsic,self_tests,oracle_trace", 100, 1, marks=pytest.mark.slow),
        pytest.param(
            "none,intrinsic,intrinsic+stop=accepted,self_tests+stop=rounds,oracle_stop,oracle_trace+stop=rounds",
            60,
            3,
            marks=[pytest.mark.slow, pytest.mark.timeout(600)],
        ),
    ],
)
async def test_every_figure_of_a_run_is_what_the_script_did(lab: Any, arms: str, tasks: int, repeats: int) -> None:
    benchmark = lab.tasks(tasks)
    model = model_with_rates(benchmark)
    outcome = await lab.run("rates", benchmark, arms, model=model, rounds=ROUNDS, repeats=repeats)
    assert outcome.complete
    with lab.ledger("rates") as ledger:
        records = ledger.episodes()
    by_name = {arm.name: arm for arm in parse_arms(arms)}
    known = {pair.task.id: pair.task for pair in benchmark.tasks}
    units = [(task_id, repeat) for task_id in known for repeat in range(repeats)]
    told = {(name, *unit): tell(arm, known[unit[0]], unit[1]) for name, arm in by_name.items() for unit in units}
    assert len(records) == len(told)
    for record in records:
        _check_episode(record, told[record.arm, record.task_id, record.repeat])
    summary = summarise(records, arms=list(by_name.values()), rounds=ROUNDS, task_ids=list(known), repeats=repeats)
    for one in summary.arms:
        _check_arm(one, by_name[one.arm], [told[one.arm, *unit] for unit in units])
    for pair in summary.comparisons:
        both = [(told[pair.a, *unit].at(ROUNDS), told[pair.b, *unit].at(ROUNDS)) for unit in units]
        assert (pair.pairs, pair.tasks) == (len(units), tasks)
        assert (pair.a_only, pair.b_only) == (both.count((True, False)), both.count((False, True)))
    if tasks * repeats >= 100:  # fewer cannot show a rate
        _check_rates(next(one for one in summary.arms if one.arm == "intrinsic"))


def _check_episode(record: EpisodeRecord, told: Told) -> None:
    kinds = [judged.verdict.kind for judged in record.attempts if judged.verdict]
    assert (record.task_id, kinds, record.stopped_by) == (record.task_id, told.kinds, told.stopped_by)
    if told.accepts:
        assert list(record.accepts) == told.accepts
    assert [test.holds for test in record.self_tests] == [told.test != "holds for nothing"] * bool(told.test)


def _check_arm(one: ArmSummary, arm: Arm, told: list[Told]) -> None:
    assert [(a.solved, a.n) for a in one.accuracy] == [
        (sum(t.at(r) for t in told), len(told)) for r in range(ROUNDS + 1)
    ]
    moves = Counter((t.at(0), t.at(ROUNDS)) for t in told)
    assert one.flips is not None
    assert one.flips.correct_correct == moves[True, True]
    assert one.flips.correct_incorrect == moves[True, False]
    assert one.flips.incorrect_correct == moves[False, True]
    assert one.flips.incorrect_incorrect == moves[False, False]
    assert one.any_attempt_upper_bound.solved == sum("passed" in t.kinds for t in told)
    assert one.last_verdicts == Counter(t.kinds[-1] for t in told)
    assert one.no_answer_attempts == sum(t.kinds.count("no_answer") for t in told)
    assert one.stopped_by == Counter(t.stopped_by for t in told)
    assert one.attempts_per_episode == sum(len(t.kinds) for t in told) / len(told)
    assert one.oracle_calls == (sum(_assessed(t) for t in told) if one.oracle else 0)
    assert one.model_calls == sum(_calls(arm, t) for t in told)
    assert (one.missing, one.errors, one.unjudged_attempts, one.truncated_replies) == (0, 0, 0, 0)
    # Only an arm that shows the sealed tests has their text in its prompts; examples of the prompt are not sealed.
    assert (one.prompts_with_sealed_text > 0) == arm.oracle_content
    said = Counter(
        (accepted, kind == "passed") for t in told for accepted, kind in zip(t.accepts, t.kinds, strict=False)
    )
    if said:
        assert one.gate is not None
        assert (one.gate.true_accepts, one.gate.false_accepts) == (said[True, True], said[True, False])
        assert (one.gate.false_rejects, one.gate.true_rejects) == (said[False, True], said[False, False])
    if arm.writes_tests:
        assert one.written_tests is not None
        assert one.written_tests.tests == len(told)
        assert one.written_tests.holds.count == sum(t.test != "holds for nothing" for t in told)


def _check_rates(intrinsic: ArmSummary) -> None:
    """Counts are exact above; here they are those of the rates, within exact binomial bounds."""
    assert _fits(intrinsic.accuracy[0].solved, intrinsic.accuracy[0].n, FIRST)
    for step in intrinsic.steps:
        assert _fits(step.incorrect_correct, step.incorrect_correct + step.incorrect_incorrect, FIX)
        assert _fits(step.correct_incorrect, step.correct_incorrect + step.correct_correct, SPOIL)
    assert intrinsic.gate is not None
    wrong, right = intrinsic.gate.accepted_of_wrong, intrinsic.gate.accepted_of_right
    assert _fits(wrong.count, wrong.of, FALSE_ACCEPT)
    assert _fits(right.of - right.count, right.of, FALSE_REJECT)


def _fits(count: int, n: int, rate: float) -> bool:
    from scipy.stats import binom

    low, high = binom.interval(1 - 1e-6, n, rate)
    return bool(n > 30 and low <= count <= high)


def _assessed(told: Told) -> int:
    return min(len(told.kinds), ROUNDS)


def _calls(arm: Arm, told: Told) -> int:
    """One of the actor an attempt, the critic an assessment, the reflector a lesson; one of the tester an episode."""
    lessons = len(told.kinds) - 1 if arm.window else 0
    return len(told.kinds) + (_assessed(told) if arm.source == "intrinsic" else 0) + lessons + arm.writes_tests
