"""`ask_model` in an episode that goes on: what it asked is told, counted and charged again, and not bought twice."""

from __future__ import annotations

from typing import Any

import pytest
from tests.experiments.facts import facts
from tests.experiments.going_on import Cut
from tests.experiments.tooling import caller, kit

from banchu.core.chat import Request
from banchu.models.scripted import ScriptedModel

ASKS = ("ask_model", {"question": "Why?"})


def helped(lab: Any) -> ScriptedModel:
    """A fake that asks another model at every turn that it may, and one that is asked."""
    other = caller(lab, ASKS, most=2)
    return ScriptedModel(lambda request: reply_of(other, request), id="scripted:fickle")


def reply_of(other: ScriptedModel, request: Request) -> str:
    return "Because. " * 40 if "a colleague" in request.prompt_text else str(other._replies(request))


@pytest.mark.parametrize("episode_tokens", [3000, pytest.param(None, marks=pytest.mark.slow)])
async def test_a_run_that_goes_on_counts_what_a_tool_asked_a_model(lab: Any, episode_tokens: int | None) -> None:
    arms, tools = "none+tools=actor,tools", kit("ask_model")
    values: dict[str, Any] = {"rounds": 1, "kit": tools, "episode_tokens": episode_tokens}
    await lab.run("whole", lab.tasks(1), arms, helped(lab), **values)
    for _ in range(60):
        runner = lab.runner("parts", lab.tasks(1), arms, cut := Cut(helped(lab), 2), **values)
        cut.runner = runner
        if (await runner.run()).complete:
            break
    whole, parts = (facts(lab.folder / name / "ledger.sqlite") for name in ("whole", "parts"))
    assert {row[7] for row in whole["tool_calls"]} == {"ask_model"}
    assert parts == whole
    with lab.ledger("whole") as ledger:
        for episode in ledger.episodes():
            detail = ledger.episode(episode.task_id, episode.arm, episode.repeat)
            assert detail
            asked = [call.record for call in detail.calls if "a colleague" in str(call.prompt)]
            assert sum(call.prompt_tokens for call in episode.tool_calls) == sum(one.prompt_tokens for one in asked)
            assert sum(call.completion_tokens for call in episode.tool_calls) == sum(
                one.completion_tokens for one in asked
            )
            assert asked
