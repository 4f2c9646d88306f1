"""What one episode may use: part of the run, equal for all arms whoever bought first, the same when walked again."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.experiments.facts import facts

from banchu.agents import Actor
from banchu.benchmarks import BenchmarkTask, SealedScan
from banchu.benchmarks.garbage import with_garbage_tests
from banchu.core.chat import Completion, Request, Sampling, Usage
from banchu.core.errors import ConfigError
from banchu.experiments.budget import Budget
from banchu.experiments.episode_budget import EpisodeBudget, Purse
from banchu.experiments.estimate import _Asked
from banchu.experiments.metering import Meter
from banchu.experiments.prices import rate_of
from banchu.experiments.runner import Runner
from banchu.models import Around, Model

ARMS = "none+rounds=5,intrinsic,self_tests+choose=best,oracle_trace"
CENT = {"input": "0.00001", "output": "0.00002", "call": "0"}
LIMITS: list[dict[str, Any]] = [
    {"episode_tokens": 1500},
    {"episode_usd": 0.015, "episode_rates": {"scripted:fickle": CENT}},
    {"episode_seconds": 60.0},
]


class Timed(Around):
    """A fake whose calls say that they took as long as their prompt's hash wants, up to half a minute."""

    async def complete(self, request: Request) -> Completion:
        await asyncio.sleep(0.002)  # so that calls overlap, and purchases are shared
        digest = hashlib.sha256(f"{request.prompt_text}{request.sampling.seed}".encode()).digest()[0]
        return replace(await super().complete(request), wall_s=digest / 8.5)


def ends(lab: Any, name: str) -> list[str]:
    return [episode["stopped_by"] for episode in lab.trajectories(name).values()]


async def cut(lab: Any, name: str, limit: dict[str, Any], tasks: Any, arms: str = ARMS, **values: Any) -> Any:
    return await lab.run(name, tasks, arms, model=Timed(lab.fickle()), max_tokens=64, **limit, **values)


each_limit = pytest.mark.parametrize(
    "limit",
    [LIMITS[0], *(pytest.param(limit, marks=pytest.mark.slow) for limit in LIMITS[1:])],
    ids=["tokens", "usd", "time"],
)


@pytest.mark.parametrize("limit", LIMITS, ids=["tokens", "usd", "time"])
async def test_an_episode_ends_before_a_call_that_it_cannot_bear(lab: Any, limit: dict[str, Any]) -> None:
    assert (await cut(lab, "cut", limit, lab.tasks(2))).complete
    assert {"budget"} < set(ends(lab, "cut"))
    with lab.ledger("cut") as ledger:
        for episode in ledger.episodes():
            assert episode.attempts
            usage = Usage(
                sum(call.prompt_tokens for call in episode.calls), sum(call.completion_tokens for call in episode.calls)
            )
            if "episode_tokens" in limit:
                assert usage.total_tokens <= 1500
            if "episode_usd" in limit:
                assert rate_of(CENT).of(usage) <= Decimal("0.015")
            if "episode_seconds" in limit and len(episode.calls) > 1:
                walls = [call.wall_s for call in episode.calls]
                assert sum(walls) - max(walls) < 60
                assert episode.stopped_by != "budget" or sum(walls) >= 60


@each_limit
async def test_a_resumed_run_ends_each_episode_where_it_would_have_ended(lab: Any, limit: dict[str, Any]) -> None:
    tasks = lab.tasks(2)
    await cut(lab, "whole", limit, tasks)
    with lab.ledger("whole") as ledger:
        needed = ledger.purchased().total_tokens
    assert (await cut(lab, "in parts", limit, tasks, budget=Budget(tokens=needed // 2))).open
    assert (await cut(lab, "in parts", limit, tasks)).complete
    whole, parts = (facts(lab.folder / name / "ledger.sqlite") for name in ("whole", "in parts"))
    assert parts == whole
    assert "budget" in ends(lab, "whole")


async def test_an_arm_has_the_same_budget_whether_others_bought_its_answers_or_not(lab: Any) -> None:
    """Alone or beside others, in any order: nobody is given for nothing what another arm has paid for."""
    tasks, limit, gated = lab.tasks(2), {"episode_tokens": 1200}, "none+stop=rounds+gate=self_tests+rounds=9"
    # The gate's arm spends on tests, and so cannot bear the last samples that `none` buys.
    await cut(lab, "together", limit, tasks, f"oracle_trace,none+rounds=9,{gated}")
    together = lab.trajectories("together")
    for name in (gated, "oracle_trace"):
        await cut(lab, name, limit, tasks, name)
        assert lab.trajectories(name) == {key: value for key, value in together.items() if key[1] == name}
    made = {key: len(value["attempts"]) for key, value in together.items()}
    task = tasks.tasks[0].task.id
    assert made[task, gated, 0] < made[task, "none+rounds=9", 0]


@each_limit
async def test_garbage_tests_change_nothing_where_episodes_have_budgets(lab: Any, limit: dict[str, Any]) -> None:
    arms = "none+rounds=5,intrinsic,self_tests+search=tree+width=2+rounds=4,visible_tests+explain=code+choose=best"
    tasks = lab.tasks(2)
    await cut(lab, "true", limit, tasks, arms)
    await cut(lab, "garbage", limit, with_garbage_tests(tasks), arms)
    assert lab.trajectories("garbage") == lab.trajectories("true")
    assert "budget" in ends(lab, "true")


async def test_a_budget_that_knows_the_sealed_tests_is_seen(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted leak: an episode is granted less where its sealed tests are not the true ones."""
    tasks, told, scan, covers = lab.tasks(2), list[str](), Runner._scan, Purse.covers

    def remembers(runner: Runner, pair: BenchmarkTask) -> SealedScan:
        told.append(pair.sealed.digest)
        return scan(runner, pair)

    def leaks(purse: Purse, model: str, request: Request) -> bool:
        return covers(purse, model, request) and not (purse._calls and told[-1] not in known)

    known = {pair.sealed.digest for pair in tasks.tasks}
    monkeypatch.setattr(Runner, "_scan", remembers)
    monkeypatch.setattr(Purse, "covers", leaks)
    await cut(lab, "true", LIMITS[0], tasks, "none")
    await cut(lab, "garbage", LIMITS[0], with_garbage_tests(tasks), "none")
    assert lab.trajectories("garbage") != lab.trajectories("true")


async def test_a_budget_that_does_not_bear_a_first_attempt_is_refused(lab: Any) -> None:
    for limit, words in (
        ({"episode_tokens": 600}, r"--episode-tokens 600 .* HumanEval/1 may take \d+ tokens, .* --max-tokens 512"),
        (
            {"episode_usd": 0.001, "episode_rates": {"scripted:fickle": CENT}},
            r"--episode-usd 0.001 .* HumanEval/1 may take 0\.0\d+ USD, .* --max-tokens 512; give an episode more",
        ),
        ({"episode_usd": 1.0}, "needs the price of 'scripted:fickle' in episode_rates"),
    ):
        with pytest.raises(ConfigError, match=words):
            await lab.run("refused", lab.tasks(2), "none", **limit)
        assert not (lab.folder / "refused").exists()


def test_what_is_refused_is_no_less_than_what_is_asked(lab: Any) -> None:
    """The bound of the check against the request itself, for every task and both ways of asking."""
    asked: list[Request] = []

    class Asked:
        id = "scripted:asked"

        def __init__(self, style: str) -> None:
            self.prompt_style = style

        async def complete(self, request: Request) -> Completion:
            asked.append(request)
            return Completion("", Usage(), "stop")

    for style in ("chat", "completion"):
        model: Model = Asked(style)  # type: ignore[assignment]
        config = replace(lab.config(lab.benchmark, "none"), style=style)
        for pair in lab.benchmark.tasks:
            asyncio.run(Actor(model, config.sampling).attempt(pair.task, round=0, seed=0))
            assert Meter().most("m", asked[-1]).tokens <= _Asked(pair.task, config).first.total_tokens


@given(
    limit=st.integers(500, 5000),
    calls=st.lists(st.tuples(st.integers(0, 600), st.integers(1, 400), st.floats(0, 1)), max_size=30),
)
def test_a_purse_never_holds_less_than_nothing(limit: int, calls: list[tuple[int, int, float]]) -> None:
    purse, used = Purse(EpisodeBudget(tokens=limit)), 0
    for number, (size, max_tokens, share) in enumerate(calls):
        request = Request("x" * size, Sampling(max_tokens=max_tokens))
        if not purse.covers("m", request):
            assert number
            assert used + size // 2 + 16 + max_tokens + 1 >= limit
            continue
        usage = Usage(int(size * 0.4), max(1, int(max_tokens * share)))
        purse.charge("m", request, Completion("", usage, "stop"))
        used += usage.total_tokens
    assert used <= max(limit, 16 + 300 + 400)


def test_a_purse_asks_the_same_of_a_call_whether_it_is_known_or_not() -> None:
    """It learns of its own episode's prompts alone; an answer without a count of tokens is estimated."""
    request = Request("x" * 100, Sampling(max_tokens=10))
    purse = Purse(EpisodeBudget(tokens=420))
    assert purse.covers("m", request)
    purse.charge("m", request, Completion("", Usage(200, 5), "stop"))
    assert not purse.covers("m", request)  # 205 + (200 + 16 + 10)
    assert Purse(EpisodeBudget(tokens=420)).covers("m", request)
    uncounted = Purse(EpisodeBudget(tokens=180))
    uncounted.charge("m", request, Completion("y" * 80, Usage(), "stop"))
    assert not uncounted.covers("m", request)  # 66 + 40, and 76 more


@pytest.mark.parametrize("values", [{"usd": 0}, {"tokens": -5}, {"seconds": float("inf")}, {"usd": float("nan")}])
def test_a_budget_that_buys_nothing_is_refused(values: dict[str, Any]) -> None:
    option = {"usd": "--episode-usd", "tokens": "--episode-tokens", "seconds": "--episode-time"}[next(iter(values))]
    with pytest.raises(ConfigError, match=f"{option} .* buys nothing; write "):
        EpisodeBudget(**values)


async def test_prices_of_episodes_are_those_of_their_beginning(tmp_path: Path) -> None:
    from banchu.experiments.launch import Invocation, launch, resume
    from banchu.experiments.prices import Prices
    from banchu.experiments.rundir import open_run, stored_config

    script = tmp_path / "script.jsonl"
    script.write_text('{"reply": "I do not know."}\n')
    name = f"scripted:{script.name}"
    invocation = Invocation("humaneval", f"scripted:{script}", "none", limit=1, rounds=9, episode_usd=0.027)
    dear = Prices({name: rate_of(CENT)})
    first = await launch(invocation, tmp_path / "runs", prices=dear)
    again = await resume(first.folder)  # without the file of prices
    free = await launch(invocation, tmp_path / "runs")
    assert first.folder == again.folder != free.folder
    with open_run(first.folder) as ledger:
        assert list(stored_config(ledger).episode_rates.values()) == [CENT]
        assert [episode.stopped_by for episode in ledger.episodes()] == ["budget"]
    with open_run(free.folder) as ledger:
        assert [episode.stopped_by for episode in ledger.episodes()] == ["rounds"]
