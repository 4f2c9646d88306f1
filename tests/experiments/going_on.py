"""Episodes with tools that are cut off and go on, with a scripted fake, a real ledger and real cells."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tests.experiments.tooling import kit

from banchu.core.chat import Request
from banchu.models.scripted import ScriptedModel

ARM = "none+tools=actor"


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


async def results_of(
    lab: Any, name: str, tools: Sequence[str], steps: Sequence[tuple[str, dict[str, Any]]], cuts: Sequence[int] = ()
) -> list[str]:
    """What each of these calls, one a turn, was told in an episode that was cut after so many calls of the model."""

    def reply(request: Request) -> str:
        made = request.prompt_text.count("\nResult of `")
        if made == len(steps):
            return "I do not know."
        called, arguments = steps[made]
        return f"```tool\n{json.dumps({'name': called, 'arguments': arguments})}\n```"

    tasks, box, model = lab.tasks(1), kit(*tools), ScriptedModel(reply, id="scripted:fickle")
    for after in cuts:
        runner = lab.runner(name, tasks, ARM, cut := Cut(model, after), rounds=0, kit=box)
        cut.runner = runner
        assert (await runner.run()).open == 1
    assert (await lab.run(name, tasks, arms=ARM, model=model, rounds=0, kit=box)).complete
    with lab.ledger(name) as ledger:
        (episode,) = ledger.episodes()
    assert [call.index for call in episode.tool_calls] == list(range(len(steps)))
    return [call.result for call in episode.tool_calls]
