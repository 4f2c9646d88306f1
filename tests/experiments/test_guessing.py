"""`random` end to end: a multiple-choice file, the real runner, judge and prover; only the model is a fake.

The model is right at first at a known rate, and the arm must follow the null that is worked out from counting alone.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from banchu.analysis import ArmSummary, guess_null, mean_guess_null, summarise
from banchu.benchmarks import Benchmark, load_benchmark
from banchu.core import EpisodeRecord
from banchu.core.arm import Arm
from banchu.core.chat import Request
from banchu.core.errors import ConfigError
from banchu.experiments import launch as launching
from banchu.experiments.launch import Invocation, launch
from banchu.experiments.seeds import call_seed
from banchu.models.scripted import ScriptedModel

LABELS = "ABCDE"
TASKS, REPEATS, ROUNDS = 40, 2, 3
RIGHT = 0.4
"""How often the model is right at first."""


@pytest.fixture
def quiz(tmp_path: Path) -> Benchmark:
    """40 questions with five options each, the right one anywhere."""
    rows = [
        {
            "id": f"sum/{n}",
            "question": f"What is {n} + 7?",
            "choices": {"label": list(LABELS), "text": [str(n + 7 + place - _right(n)) for place in range(5)]},
            "answerKey": LABELS[_right(n)],
        }
        for n in range(TASKS)
    ]
    path = tmp_path / "quiz.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return load_benchmark(str(path))


def _right(n: int) -> int:
    return hashlib.sha256(f"place {n}".encode()).digest()[0] % 5


def answers_at(right: float, nothing: float = 0.0) -> Callable[[Request], str]:
    """A fake: by its seed right, none of the options, or the question's pet error. It can add, so it needs no key."""

    def reply(request: Request) -> str:
        if request.role == "critic":
            return "I see no problem.\nVERDICT: incorrect"
        if request.role == "reflector":
            return "Read the options again."
        asked = request.prompt_text.partition("What is ")[2]
        number = int(asked.partition(" +")[0])
        place = _right(number)
        if request.role == "tester":
            return f"```python\nassert answer() == '{LABELS[place]}'\n```"
        digest = hashlib.sha256(f"{request.sampling.seed}".encode()).digest()
        chance = int.from_bytes(digest[:6], "big") / 2**48
        if chance >= 1 - nothing:
            return "I do not know." if digest[6] % 2 else "```python\ndef answer():\n    return 'the sum'\n```"
        place = place if chance < right else (place + 1 + number % 4) % 5
        return f"```python\ndef answer():\n    return '{LABELS[place]}'\n```"

    return reply


def worked_out(seed: int) -> list[float]:
    """The accuracy of `random` by round, a second time: from the seeds, without prompts, programs or verdicts."""
    rights = [0] * (ROUNDS + 1)
    for n in range(TASKS):
        for repeat in range(REPEATS):
            seeds = [call_seed(seed, f"sum/{n}", repeat, "actor", round_) for round_ in range(ROUNDS + 1)]
            right = LABELS[_right(n)]
            chance = int.from_bytes(hashlib.sha256(f"{seeds[0]}".encode()).digest()[:6], "big") / 2**48
            tried = [right if chance < RIGHT else LABELS[(_right(n) + 1 + n % 4) % 5]]
            for each in seeds[1:]:
                left = [label for label in LABELS if label not in tried]
                tried.append(right if right in tried else random.Random(each).choice(left))
            for round_, guessed in enumerate(tried):
                rights[round_] += guessed == right
    return [count / (TASKS * REPEATS) for count in rights]


async def measured(
    lab: Any, quiz: Benchmark, replies: Callable[[Request], str], arms: str, **values: Any
) -> tuple[dict[str, ArmSummary], list[EpisodeRecord]]:
    outcome = await lab.run("quiz", quiz, arms, model=ScriptedModel(replies, id="scripted:fickle"), **values)
    assert outcome.complete
    with lab.ledger("quiz") as ledger:
        records = ledger.episodes()
    names, ids = arms.split(","), list(quiz.ids)
    summary = summarise(
        records,
        arms=[Arm.parse(name) for name in names],
        rounds=values["rounds"],
        task_ids=ids,
        repeats=values["repeats"],
    )
    return {arm.arm: arm for arm in summary.arms}, records


def within(arm: ArmSummary, null: tuple[float, ...]) -> list[bool]:
    """By round, whether the null is in the arm's interval."""
    found = []
    for accuracy, value in zip(arm.accuracy, null, strict=True):
        assert accuracy.interval is not None
        found.append(accuracy.interval.low <= value <= accuracy.interval.high)
    return found


@pytest.mark.slow
async def test_random_is_the_null_of_guessing_for_as_many_answers_as_there_are(lab: Any, quiz: Benchmark) -> None:
    arms, records = await measured(
        lab, quiz, answers_at(RIGHT), "none,oracle_stop,random", rounds=ROUNDS, repeats=REPEATS, seed=3
    )
    guessed = arms["random"]
    first = guessed.accuracy[0].value
    assert first is not None
    assert first == arms["none"].accuracy[0].value == arms["oracle_stop"].accuracy[0].value
    assert first == pytest.approx(RIGHT, abs=0.1)
    assert [accuracy.value for accuracy in guessed.accuracy] == worked_out(3)
    assert within(guessed, guess_null(first, 5, ROUNDS)) == [True] * 4
    for wrong_number in (2, 3, 4, 8):
        assert not all(within(guessed, guess_null(first, wrong_number, ROUNDS))), wrong_number
    for record in records:
        if record.arm == "random":
            codes = [judged.attempt.code for judged in record.attempts]
            assert len(set(codes)) == len(codes)
            assert [call.round for call in record.calls] == [0]


@pytest.mark.slow
async def test_an_answer_that_is_none_of_them_leaves_all_of_them(lab: Any, quiz: Benchmark) -> None:
    """The null for the number of answers is then too high; counted unit by unit it holds."""
    part = replace(quiz, tasks=quiz.tasks[:20])
    arms, records = await measured(lab, part, answers_at(0.1, nothing=0.85), "random", rounds=3, repeats=8, seed=1)
    firsts = [record.attempts[0] for record in records]
    right = [judged.verdict is not None and judged.verdict.passed for judged in firsts]
    options = {f"return '{label}'" for label in LABELS}
    among = [any(option in (judged.attempt.code or "") for option in options) for judged in firsts]
    assert among.count(True) > right.count(True) > 0
    null = mean_guess_null([(was, 5 if given else 6) for was, given in zip(right, among, strict=True)], 3)
    assert null is not None
    assert within(arms["random"], null) == [True] * 4
    assert not all(within(arms["random"], guess_null(null[0], 5, 3)))


async def test_a_run_that_goes_on_guesses_what_it_would_have_guessed(lab: Any, quiz: Benchmark) -> None:
    part, replies = replace(quiz, tasks=quiz.tasks[:9]), answers_at(0.2, nothing=0.3)
    model = ScriptedModel(replies, id="scripted:fickle")
    await lab.run("whole", part, "random", model=model, rounds=4)

    def drains_at_the_third(request: Request) -> str:
        if cutting.calls == 3:
            cut.drain()
        return replies(request)

    cutting = ScriptedModel(drains_at_the_third, id="scripted:fickle")
    cut = lab.runner("cut", part, "random", model=cutting, rounds=4)
    outcome = await cut.run()
    assert outcome.open > 0
    assert outcome.done > 0
    assert (await lab.run("cut", part, "random", model=model, rounds=4)).complete
    assert lab.trajectories("cut") == lab.trajectories("whole")


@pytest.mark.slow
async def test_the_scan_calls_no_own_answer_a_leak_and_sees_the_oracles(lab: Any, quiz: Benchmark) -> None:
    part = replace(quiz, tasks=quiz.tasks[:12])
    oracles = "oracle_stop,random,oracle_verdict+stop=rounds,oracle_trace+stop=rounds"
    arms = f"none,placebo,intrinsic+window=0,self_tests+stop=rounds,{oracles}"
    summaries, records = await measured(lab, part, answers_at(0.5), arms, rounds=2, repeats=1)
    assert any(record.attempts[0].verdict and record.attempts[0].verdict.passed for record in records)
    hits = {name: sum(call.sealed_hits for r in records if r.arm == name for call in r.calls) for name in summaries}
    shown = hits.pop("oracle_trace+stop=rounds")
    assert shown > 0
    assert set(hits.values()) == {0}


@pytest.mark.parametrize("arms", ["random", "none,random+rounds=2"])
async def test_guessing_without_answers_is_refused_before_a_model_is_opened(
    arms: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def opened(*_: object) -> None:
        raise AssertionError("a model was opened")

    monkeypatch.setattr(launching, "Team", opened)
    with pytest.raises(
        ConfigError, match=r"arm 'random.*' .* 'HumanEval/2' of humaneval lists none; leave the arm out"
    ):
        await launch(Invocation("humaneval", "smollm2", arms=arms, tasks=("2", "3")), tmp_path)
    assert not list(tmp_path.iterdir())
    with pytest.raises(AssertionError, match="was opened"):
        await launch(Invocation("humaneval", "smollm2", arms="none", tasks=("2",)), tmp_path)


async def test_one_task_without_answers_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quiz = {"task_id": "q/0", "question": "Yes?", "answers": ["yes", "no"], "answer": "yes"}
    plain = {"task_id": "q/1", "prompt": "def f():\n", "entry_point": "f", "inputs": [[]], "expected": [1]}
    path = tmp_path / "mixed.jsonl"
    path.write_text(f"{json.dumps(quiz)}\n{json.dumps(plain)}\n")
    monkeypatch.setattr(launching, "Team", lambda _: pytest.fail("a model was opened"))
    with pytest.raises(ConfigError, match="'q/1' of mixed lists none"):
        await launch(Invocation(str(path), "smollm2", arms="random"), tmp_path)
