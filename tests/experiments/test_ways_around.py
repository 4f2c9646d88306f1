"""Which runs leave a way around the wall open, and where they say so."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.experiments.tooling import COUNT, caller, count, kit

from banchu.agents.tools import Tool
from banchu.analysis.run import summarise_ledger
from banchu.experiments.launch import _warnings
from banchu.experiments.ways_around import ways_around

STATELESS = replace(count, name="other", stateless=True)
BOTH = "none,none+tools=actor,oracle_trace+tools=actor"


@pytest.mark.parametrize(
    ("arms", "tools", "said"),
    [
        (BOTH, ("python", count, STATELESS), True),
        (BOTH, ("python", "python_session", "shell", "ask_model", STATELESS), False),
        ("none,none+tools=actor", (count,), False),
        ("none,oracle_trace+tools=actor", (count,), False),  # nobody else could be told by it
        ("oracle_trace,tools", (count,), False),  # nobody who knows could tell it
        ("oracle_stop+tools=actor,tools", (count,), True),
        (BOTH, (replace(count, oracle=True),), False),  # all that have it are oracle arms
    ],
)
def test_a_tool_that_all_arms_share_joins_those_with_an_oracle_and_those_without(
    lab: Any, arms: str, tools: tuple[str | Tool, ...], said: bool
) -> None:
    config = lab.config(lab.tasks(1), arms, tools=kit(*tools).to_json())
    lines = ways_around(config)
    assert len(lines) == said
    assert [line for line in lines if line in _warnings(config)] == lines
    if said:
        assert lines[0].startswith("count: made once for all arms of the run")
        assert all(name in lines[0] for name in arms.split(",") if "tools" in name)
        assert "other" not in lines[0]


async def test_it_stands_beside_the_figures(lab: Any) -> None:
    tasks, model = lab.tasks(1), caller(lab, COUNT)
    await lab.run("shared", tasks, arms=BOTH, model=model, rounds=1, kit=kit(count))
    await lab.run("own", tasks, arms=BOTH, model=model, rounds=1, kit=kit("calculator"))
    notes = {}
    for name in ("shared", "own"):
        with lab.ledger(name) as ledger:
            notes[name] = [note for note in summarise_ledger(ledger).notes if "made once for all arms" in note]
    assert (len(notes["shared"]), len(notes["own"])) == (1, 0)


def test_that_a_tool_keeps_nothing_is_part_of_what_it_is(lab: Any) -> None:
    assert replace(count, stateless=True).digest != count.digest
    assert "shared" not in kit(STATELESS, "python").to_json()
