"""Tools in a run: who may call them, what the ledger keeps, what a budget leaves of them, and runs that go on."""

from __future__ import annotations

import time
from typing import Any

import pytest
from tests.experiments.facts import facts
from tests.experiments.going_on import Cut, results_of
from tests.experiments.tooling import (
    ARMS,
    COUNT,
    SHELL,
    UNKNOWN,
    WRITES,
    WRONG,
    caller,
    count,
    kit,
)

from banchu.agents.tools import tool
from banchu.analysis.run import summarise_ledger
from banchu.core.errors import ToolError


async def test_the_ledger_holds_every_call_and_who_made_it(lab: Any) -> None:
    model = caller(lab, COUNT, WRONG, UNKNOWN)
    outcome = await lab.run("run", lab.tasks(3), arms=ARMS, model=model, rounds=1, kit=kit(count))
    assert outcome.complete
    with lab.ledger("run") as ledger:
        episodes = {(e.task_id, e.arm): e for e in ledger.episodes()}
        calls = [call for episode in episodes.values() for call in episode.tool_calls]
        assert {call.outcome for call in calls} == {"answered", "bad_arguments", "unknown_tool"}
        assert {(c.tool, c.result) for c in calls if c.outcome == "answered"} == {("count", "2")}
        for (_, arm), episode in episodes.items():
            assert {call.role for call in episode.tool_calls} <= {"critic" if arm == "tools" else "actor"}
            assert [call.index for call in episode.tool_calls] == list(range(len(episode.tool_calls)))
            detail = ledger.episode(episode.task_id, arm, 0)
            assert detail
            for call in episode.tool_calls:  # told in the next turn, word for word
                (told,) = [
                    c.prompt[-1][1]
                    for c in detail.calls
                    if (c.record.role, c.record.round, c.record.turn) == (call.role, call.round, call.turn + 1)
                ]
                assert call.result in told
            assert {c.turn for c in episode.calls} >= {0}
        # No call is told twice, and none is forgotten when tokens are added up.
        asked = [c for e in episodes.values() for c in e.calls]
        assert len(asked) == len(calls) + len([c for c in asked if c.turn == 0])
        assert ledger.purchased().total_tokens == sum(one.usage.total_tokens for one in ledger.bought())
        use = {arm.arm: arm.tools for arm in summarise_ledger(ledger).arms}
        assert all(each and each.calls > 0 for each in use.values())


async def test_a_run_without_tools_has_none_of_it(lab: Any) -> None:
    await lab.run("run", lab.tasks(1), arms="none,intrinsic", rounds=1)
    with lab.ledger("run") as ledger:
        assert "tools" not in ledger.meta("config")
        assert all(arm.tools is None for arm in summarise_ledger(ledger).arms)
    found = facts(lab.folder / "run" / "ledger.sqlite")
    assert (found["turns"], found["tool_calls"]) == ([], [])


async def test_a_run_that_goes_on_is_told_again_and_runs_no_tool_twice(lab: Any) -> None:
    made: list[int] = []

    @tool
    def clock() -> str:
        """What never gives the same twice."""
        made.append(1)
        return str(time.monotonic_ns())

    tasks, model = lab.tasks(3), caller(lab, ("clock", {}), most=2)
    seen: list[Any] = []
    while True:
        before = len(made)
        runner = lab.runner("cut", tasks, ARMS, Cut(model, 7), rounds=1, kit=kit(clock))
        runner._model.runner = runner
        outcome = await runner.run()
        with lab.ledger("cut") as ledger:
            now = {(e.task_id, e.arm, call.index): call.result for e in ledger.episodes() for call in e.tool_calls}
        assert seen == [] or now.items() >= seen[-1].items()  # nobody is told anything else than before
        seen.append(now)
        assert len(made) > before or outcome.complete
        if outcome.complete:
            break
    assert len(seen) >= 3
    # A call whose answer was on its way when the run ended is in the ledger, so none was made again.
    assert len(made) == len(seen[-1])
    await lab.run("cut", tasks, arms=ARMS, model=model, rounds=1, kit=kit(clock))
    assert len(made) == len(seen[-1])


@pytest.mark.slow
async def test_a_folder_of_an_episode_that_goes_on_is_as_it_was_left(lab: Any) -> None:
    """The commands that are told again are run again before the first new one."""
    steps = [WRITES, SHELL, SHELL, ("files", {"action": "read", "path": "notes/a.txt"})]
    whole = await results_of(lab, "whole", ["shell", "files"], steps)
    assert whole == ["wrote 4 characters to notes/a.txt", "one", "one\ntwo", "one\ntwo\ntwo\n"]
    assert await results_of(lab, "cut", ["shell", "files"], steps, cuts=(2, 1)) == whole


async def test_a_host_that_fails_ends_the_run_with_one_line_and_keeps_what_there_is(lab: Any) -> None:
    @tool
    def broken() -> str:
        """Its server is gone."""
        raise ToolError("MCP server 'x' is not running")

    model = caller(lab, ("broken", {}), most=1)
    with pytest.raises(ToolError, match="'x' is not running"):
        await lab.run("run", lab.tasks(3), arms="none,none+tools=actor", model=model, rounds=1, kit=kit(broken))
    with lab.ledger("run") as ledger:
        assert ledger.purchased().total_tokens > 0
        open_ones = [ledger.tool_calls(id, "none+tools=actor", 0) for id in ledger.task_ids()]
        assert [call.outcome for calls in open_ones for call in calls][:1] == ["host_failed"]


async def test_a_budget_that_ends_in_a_first_conversation_leaves_what_was_said_last(lab: Any) -> None:
    """Ever smaller budgets: no episode fails, and none is without an attempt."""
    tasks, tools = lab.tasks(2), kit(count)
    ended, cut = set(), []
    for tokens in (8000, 2000, 1400, 1290):
        name, model = f"{tokens}", caller(lab, COUNT, most=6)
        outcome = await lab.run(
            name, tasks, arms=ARMS, model=model, rounds=1, kit=tools, max_tokens=100, episode_tokens=tokens
        )
        assert outcome.complete
        with lab.ledger(name) as ledger:
            for episode in ledger.episodes():
                assert episode.attempts
                assert sum(call.prompt_tokens + call.completion_tokens for call in episode.calls) <= tokens
                ended.add(episode.stopped_by)
                cut += [episode.attempts[0].attempt.text] if "```tool" in episode.attempts[0].attempt.text else []
    assert ended == {"rounds", "budget"}
    assert cut
