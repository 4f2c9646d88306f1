from __future__ import annotations

import asyncio
import platform
from typing import Any

import pytest
from tests.experiments.facts import facts

from banchu.core.chat import Completion, Request
from banchu.core.errors import ContextOverflow, ModelError, SandboxError
from banchu.core.sealed import SealedTests
from banchu.core.verdict import Verdict
from banchu.experiments.progress import Silent
from banchu.experiments.runner import Runner


async def test_every_episode_ends_judged_and_in_the_ledger(lab: Any) -> None:
    outcome = await lab.run("a", lab.tasks(4), repeats=2)
    assert outcome.complete
    assert outcome.total == outcome.done == 4 * 2 * 3
    with lab.ledger("a") as ledger:
        episodes = ledger.episodes()
    assert len(episodes) == 24
    assert all(judged.verdict for episode in episodes for judged in episode.attempts)
    kinds = {judged.verdict.kind for episode in episodes for judged in episode.attempts}
    assert {"passed", "no_answer", "raised"} <= kinds


async def test_arms_share_their_first_attempt_and_equal_calls_are_bought_once(lab: Any) -> None:
    model = lab.fickle()
    await lab.run("a", lab.tasks(3), model=model)
    with lab.ledger("a") as ledger:
        first: dict[str, set[str]] = {}
        for episode in ledger.episodes():
            first.setdefault(episode.task_id, set()).add(episode.attempts[0].attempt.text)
        bought = ledger.purchased().completion_tokens
        used = sum(call.completion_tokens for episode in ledger.episodes() for call in episode.calls)
        n_used = sum(len(episode.calls) for episode in ledger.episodes())
    assert all(len(texts) == 1 for texts in first.values())
    assert bought < used
    assert model.calls <= n_used - 2 * 3


async def test_an_episode_stopped_by_the_oracle_ends_with_its_first_pass(lab: Any) -> None:
    await lab.run("a", lab.tasks(6), arms="oracle_stop,oracle_trace,none", rounds=4)
    with lab.ledger("a") as ledger:
        for episode in ledger.episodes():
            passed = [judged.verdict.passed for judged in episode.attempts]
            if episode.arm == "none":
                assert episode.oracle_calls == 0
                assert len(passed) == 5
            else:
                assert not any(passed[:-1])
                assert (episode.stopped_by == "oracle") == (passed[-1] and len(passed) <= 4)
                assert episode.oracle_calls == len(passed) - (episode.stopped_by == "rounds")


async def test_only_the_arm_that_is_shown_sealed_text_has_sealed_text_in_its_prompts(lab: Any) -> None:
    await lab.run("a", lab.tasks(6), arms="none,intrinsic,oracle_stop,oracle_verdict,oracle_trace")
    with lab.ledger("a") as ledger:
        hits: dict[str, int] = {}
        for episode in ledger.episodes():
            hits[episode.arm] = hits.get(episode.arm, 0) + sum(call.sealed_hits for call in episode.calls)
    assert hits.pop("oracle_trace") > 0
    assert set(hits.values()) == {0}


async def test_the_same_run_again_buys_nothing_and_changes_nothing(lab: Any) -> None:
    await lab.run("a", lab.tasks(3))
    before, model = lab.trajectories("a"), lab.fickle()
    outcome = await lab.run("a", lab.tasks(3), model=model)
    assert outcome.complete
    assert model.calls == 0
    assert lab.trajectories("a") == before


class Counting:
    """A fake that remembers what it sold, and ends the run after so many calls."""

    def __init__(self, model: Any, last: int) -> None:
        self.model, self.last, self.sold = model, last, list[str]()
        self.id, self.prompt_style = self.model.id, self.model.prompt_style
        self.runner: Runner | None = None

    def start(self, runner: Runner) -> None:
        self.runner = runner

    async def complete(self, request: Request) -> Completion:
        self.sold.append(request.key(self.id))
        if len(self.sold) == self.last and self.runner:
            assert self.runner.drain() > 0
        await asyncio.sleep(0.01)
        completion: Completion = await self.model.complete(request)
        return completion

    async def aclose(self) -> None: ...


async def test_a_drained_run_keeps_what_was_in_flight_and_goes_on_to_the_same_end(lab: Any) -> None:
    await lab.run("whole", lab.tasks(4))
    first, second = Counting(lab.fickle(), 20), Counting(lab.fickle(), 10_000)
    outcome = await lab.run("cut", lab.tasks(4), model=first, on_start=first.start)
    assert 0 < outcome.open < outcome.total
    with lab.ledger("cut") as ledger:
        assert set(_keys(ledger)) == set(first.sold)
    assert (await lab.run("cut", lab.tasks(4), model=second)).complete
    assert not set(first.sold) & set(second.sold)
    assert lab.trajectories("cut") == lab.trajectories("whole")


NEW = "self_tests+search=tree+width=2+rounds=5,visible_tests+explain=trace+choose=best,none+choose=majority+rounds=2"
MORE = f"{NEW},intrinsic+search=repair+width=2+rounds=4,self_tests+explain=blocks,execution+choose=majority"


@pytest.mark.parametrize(
    ("cuts", "arms"),
    [
        ((11, 17), NEW),
        pytest.param((3, 4, 5, 6, 7), MORE, marks=pytest.mark.slow),
        pytest.param((26,), MORE, marks=pytest.mark.slow),
        pytest.param((19, 2, 20), MORE, marks=pytest.mark.slow),
    ],
)
@pytest.mark.slow
async def test_a_search_that_is_cut_short_goes_on_the_same_way(lab: Any, cuts: tuple[int, ...], arms: str) -> None:
    """Trees, votes and explanations, drained in the middle again and again: the same parents, the same answers, and in
    the end the same facts, with no call bought twice."""
    tasks = lab.tasks(2)
    await lab.run("whole", tasks, arms=arms)
    sold: list[str] = []
    for last in cuts:
        model = Counting(lab.fickle(), last)
        outcome = await lab.run("cut", tasks, arms=arms, model=model, on_start=model.start)
        assert outcome.open
        sold += model.sold
    model = Counting(lab.fickle(), 10_000)
    assert (await lab.run("cut", tasks, arms=arms, model=model)).complete
    assert model.sold
    sold += model.sold
    assert len(sold) == len(set(sold))
    whole, cut = (facts(lab.folder / name / "ledger.sqlite") for name in ("whole", "cut"))
    assert cut == whole
    assert any(parent not in (None, round - 1) for *_, round, parent, _ in whole["choices"])
    assert any(chosen < round for *_, round, _, chosen in whole["choices"])


async def test_an_arm_with_rounds_of_its_own_has_those_beside_others(lab: Any) -> None:
    shown = Shown()
    runner = lab.runner("a", lab.tasks(2), "none,none+rounds=5,none+rounds=0,placebo+rounds=3", rounds=2)
    runner._progress = shown
    assert (await runner.run()).complete
    with lab.ledger("a") as ledger:
        made = {episode.arm: len(episode.attempts) for episode in ledger.episodes()}
        texts = {e.arm: [j.attempt.text for j in e.attempts] for e in ledger.episodes() if e.task_id == "HumanEval/0"}
    assert made == {"none": 3, "none+rounds=5": 6, "none+rounds=0": 1, "placebo+rounds=3": 4}
    # Seeds know no arm: the first samples of the longer arm are those of the shorter one.
    assert texts["none+rounds=5"][:3] == texts["none"]
    assert texts["none"][:1] == texts["none+rounds=0"] == texts["placebo+rounds=3"][:1]
    assert shown.attempts == 6  # the most that an episode can have


class Shown(Silent):
    """Remembers how many attempts it was told to expect of an episode."""

    attempts = 0

    def started(self, total: int, done: int, attempts: int) -> None:
        self.attempts = attempts


async def test_the_answer_of_an_episode_is_the_chosen_attempt(lab: Any) -> None:
    await lab.run("a", lab.tasks(3), arms="none+gate=self_tests+choose=best+stop=rounds,none", rounds=3)
    with lab.ledger("a") as ledger:
        for episode in ledger.episodes():
            answers = [judged.attempt.round for judged in episode.answers]
            if episode.arm == "none":
                assert episode.choices == ()
                assert answers == [0, 1, 2, 3]
            else:
                assert [choice.round for choice in episode.choices] == [0, 1, 2, 3]
                assert answers == [choice.chosen for choice in episode.choices]
                assert len(episode.accepts) == 4  # the last is assessed too: it may be the best


class BrokenJudge:
    """A fake that can never judge."""

    async def judge(self, sealed: SealedTests, code: str | None) -> Verdict:
        raise SandboxError("the cell died")


async def test_an_attempt_that_the_judge_could_not_judge_is_unjudged_and_judged_later(lab: Any) -> None:
    outcome = await lab.run("a", lab.tasks(2), arms="none", judge=BrokenJudge())
    assert outcome.done == 2
    assert outcome.unjudged > 0
    with lab.ledger("a") as ledger:
        assert all(judged.verdict is None for episode in ledger.episodes() for judged in episode.attempts)
    model = lab.fickle()
    outcome = await lab.run("a", lab.tasks(2), arms="none", model=model)
    assert outcome.complete
    assert model.calls == 0


async def test_an_oracle_arm_whose_oracle_fails_stays_open_and_ends_later_as_if_nothing_had_happened(lab: Any) -> None:
    outcome = await lab.run("a", lab.tasks(2), arms="oracle_trace", judge=BrokenJudge())
    assert outcome.open == 2
    assert (await lab.run("a", lab.tasks(2), arms="oracle_trace")).complete
    await lab.run("b", lab.tasks(2), arms="oracle_trace")
    assert lab.trajectories("a") == lab.trajectories("b")


class Failing:
    """A fake model that fails from some call on."""

    def __init__(self, model: Any, error: ModelError, after: int) -> None:
        self.model, self.error, self.after = model, error, after
        self.id, self.prompt_style = model.id, model.prompt_style

    async def complete(self, request: Request) -> Completion:
        if self.after <= 0:
            raise self.error
        self.after -= 1
        completion: Completion = await self.model.complete(request)
        return completion

    async def aclose(self) -> None: ...


async def test_an_error_of_one_call_fails_its_episode_and_no_other(lab: Any) -> None:
    class TooLong(Failing):
        async def complete(self, request: Request) -> Completion:
            if "has_close_elements" in request.prompt_text and request.round == 1:
                raise self.error
            completion: Completion = await self.model.complete(request)
            return completion

    model = TooLong(lab.fickle(), ContextOverflow("9000 tokens do not fit 8192"), 0)
    outcome = await lab.run("a", lab.tasks(3), arms="none", model=model)
    assert (outcome.failed, outcome.done) == (1, 2)
    with lab.ledger("a") as ledger:
        failed = [episode for episode in ledger.episodes() if episode.status == "failed"]
    assert [episode.task_id for episode in failed] == ["HumanEval/0"]
    assert failed[0].error == "context overflow: 9000 tokens do not fit 8192"
    assert failed[0].overflowed
    assert len(failed[0].attempts) == 1
    assert (await lab.run("a", lab.tasks(3), arms="none")).complete


async def test_an_error_that_every_call_would_meet_ends_the_run_and_loses_nothing(lab: Any) -> None:
    await lab.run("whole", lab.tasks(4))
    failing = Failing(lab.fickle(), ModelError("wrong key (401)", status=401, fatal=True), after=9)
    with pytest.raises(ModelError, match="wrong key"):
        await lab.run("cut", lab.tasks(4), model=failing)
    with lab.ledger("cut") as ledger:
        assert ledger.purchased().completion_tokens > 0
    model = lab.fickle()
    assert (await lab.run("cut", lab.tasks(4), model=model)).complete
    with lab.ledger("whole") as ledger:
        needed = len(set(_keys(ledger)))
    assert model.calls == needed - 9
    assert lab.trajectories("cut") == lab.trajectories("whole")


def _keys(ledger: Any) -> list[str]:
    return [row["key"] for row in ledger._db.execute("SELECT key FROM calls")]


async def test_a_run_says_what_it_was_made_with_and_what_it_went_on_with(
    lab: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await lab.run("made", lab.tasks(1), arms="none")
    await lab.run("made", lab.tasks(1), arms="none")
    with lab.ledger("made") as ledger:
        (first,) = ledger.meta("versions")
    assert first["python"] == platform.python_version()
    assert {"banchu", "langgraph"} <= set(first)
    monkeypatch.setattr("banchu.experiments.runner.versions", lambda: {"python": "3.99"})
    await lab.run("made", lab.tasks(1), arms="none")
    with lab.ledger("made") as ledger:
        assert ledger.meta("versions") == [first, {"python": "3.99"}]
