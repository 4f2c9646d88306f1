"""What a run with tools may cost is never less than what it does: many calls in an answer, the longest results."""

from __future__ import annotations

from typing import Any

import pytest
from tests.experiments.tooling import COUNT, caller, count, kit

from banchu.agents.tools import tool
from banchu.agents.tools.talk import MAX_TURNS
from banchu.core.chat import Request
from banchu.experiments.estimate import estimate
from banchu.models.scripted import ScriptedModel


def flooding() -> Any:
    """A tool whose every result is another one, as long as may be, and of a token for two characters."""
    made = iter(range(10_000))

    @tool
    def flood() -> str:
        """Say much."""
        return f"{next(made)} " + "a " * 4000

    return flood


class Greedy(ScriptedModel):
    """A fake that fills each answer with calls, and never gives one without."""

    def __init__(self, asks: bool) -> None:
        question = '```tool\n{ "name": "ask_model", "arguments": { "question": "Why?" } }\n```'
        flood = '```tool\n{ "name": "flood", "arguments": { } }\n```'

        def reply(request: Request) -> str:
            if "a colleague" in request.prompt_text:
                return "so " * 1000
            first = "Result of" not in request.prompt_text
            return "\n".join([*([question] * 2 if asks and first else []), *[flood] * 12])

        super().__init__(reply, id="scripted:fickle")


@pytest.mark.parametrize("asks", [False, True])
async def test_what_a_run_whose_model_only_calls_may_cost_is_more_than_it_does(lab: Any, asks: bool) -> None:
    tools = kit(flooding(), *(["ask_model"] if asks else []), max_calls=10)
    tasks = lab.tasks(1)
    # Samples of two arms are told other things, so they share no more than their first turns.
    arms = "none,none+tools=actor,none+tools=actor+stop=same,tools,tools+tools=actor"
    values: dict[str, Any] = {"max_tokens": 150, "rounds": 1}
    config = lab.config(tasks, arms, tools=tools.to_json(), **values)
    most = estimate(config, tasks, lab.folder, lambda model: None)
    await lab.run("run", tasks, arms=arms, model=Greedy(asks), kit=tools, **values)
    with lab.ledger("run") as ledger:
        calls = [call for episode in ledger.episodes() for call in episode.tool_calls]
        assert {call.outcome for call in calls} == {"answered", "limit"}
        assert max(len(call.result) for call in calls) >= 8000
        bought = {one.role: one.calls for one in ledger.bought()}
        spent = ledger.purchased()
    found = {share.role: share.calls for share in most.shares}
    assert {role: calls <= found[role] for role, calls in bought.items()} == dict.fromkeys(found, True)
    assert spent.prompt_tokens <= most.usage.prompt_tokens <= 4 * spent.prompt_tokens
    assert spent.completion_tokens <= most.usage.completion_tokens


async def test_the_calls_of_a_run_with_tools_are_counted(lab: Any) -> None:
    tools, tasks, arms = kit(count, max_calls=4), lab.tasks(2), "none,none+tools=actor,tools"
    config = lab.config(tasks, arms, tools=tools.to_json(), rounds=1)
    most = estimate(config, tasks, lab.folder, lambda model: None)
    await lab.run("run", tasks, arms=arms, model=caller(lab, COUNT), rounds=1, kit=tools)
    with lab.ledger("run") as ledger:
        bought = {one.role: one for one in ledger.bought()}
        found = {share.role: share for share in most.shares}
        assert {role: one.calls <= found[role].calls for role, one in bought.items()} == dict.fromkeys(found, True)
        assert ledger.purchased().total_tokens <= most.tokens
    # Of the arm without tools, with tools, and its revision; of the critic with tools. A model whose calls are all made
    # may still call, and is told so.
    assert {role: share.calls / 2 for role, share in found.items()} == {
        "actor": 2 + 2 * MAX_TURNS + 1,
        "critic": MAX_TURNS,
        "reflector": 1,
    }
    plain = estimate(lab.config(tasks, "none,intrinsic", rounds=1), tasks, lab.folder, lambda model: None)
    assert {share.role: share.calls / 2 for share in plain.shares} == {"actor": 3, "critic": 1, "reflector": 1}
