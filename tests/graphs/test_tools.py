"""The loop between a node and its tools: who goes where, who sees what, and when it ends."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tests.core.test_spelling import legal_arms
from tests.graphs.talks import CALL, Talks
from tests.graphs.walking import OTHER, RIGHT, TASK, WRONG, Walk

from banchu.agents.tools.talk import MAX_TURNS
from banchu.core.arm import Arm
from banchu.graphs import NotCovered, build_graph
from banchu.graphs.nodes import Nodes
from banchu.graphs.state import pack
from banchu.graphs.studio import tools as studio_tools


def edges(graph: Any) -> set[tuple[str, str]]:
    return {(edge.source, edge.target) for edge in graph.get_graph().edges}


LOOP = {"act": {("act", "tools"), ("tools", "act")}, "assess": {("assess", "tools"), ("tools", "assess")}}


@pytest.mark.parametrize(
    ("arm", "without", "loops"),
    [
        ("none+tools=actor", "none", LOOP["act"]),
        ("none+tools=actor+choose=majority", "none+choose=majority", LOOP["act"]),
        ("oracle_trace+tools=actor", "oracle_trace", LOOP["act"]),
        ("tools", "intrinsic", LOOP["assess"]),
        ("tools+window=0", "intrinsic+window=0", LOOP["assess"]),
        ("tools+tools=actor", "intrinsic", LOOP["act"] | LOOP["assess"]),
    ],
)
def test_the_drawing_shows_the_loop_and_an_arm_without_tools_has_none(
    arm: str, without: str, loops: set[tuple[str, str]]
) -> None:
    plain = edges(build_graph(Arm.parse(without), 2))
    assert not {node for edge in plain for node in edge} & {"tools"}
    assert edges(build_graph(Arm.parse(arm), 2)) == plain | loops


def test_studio_opens_a_graph_with_tools() -> None:
    graph = studio_tools()
    assert edges(graph) >= LOOP["act"] | LOOP["assess"]
    drawn = graph.get_graph().draw_mermaid()
    assert all(f"{one} -.-> {other};" in drawn for one, other in LOOP["act"] | LOOP["assess"])


async def test_a_node_goes_to_the_tools_and_is_entered_again() -> None:
    walk = Talks("tools+tools=actor", [WRONG], rounds=1, turns=2)
    talk = ["tools", "act", "tools", "act"]
    assert await walk.path() == ["act", *talk, "assess", "tools", "assess", "tools", "assess", "reflect", "act", *talk]
    assert walk.sink.log == [("attempt", 0), ("feedback", 0), ("reflection", 0), ("attempt", 1)]
    assert [(record.role, record.round) for record in walk.records] == [("actor", 0)] * 2 + [("critic", 0)] * 2 + [
        ("actor", 1)
    ] * 2
    assert [record.index for record in walk.records] == list(range(6))
    # Each turn is asked once, and sees all that was told in its talk, and nothing of another.
    seen = [[n for n in range(1, 7) if f"tick {n}\n" in r.prompt_text] for r in walk.requests]
    assert seen == [[], [1], [1, 2], [], [3], [3, 4], [], [], [5], [5, 6]]


def test_tools_see_the_talk_and_nothing_else() -> None:
    view = next(iter(inspect.get_annotations(Nodes.tools, eval_str=True).values()))
    assert set(view.__annotations__) == {"talk"}


async def test_what_the_graph_hands_to_tools_is_what_their_view_names(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[set[str]] = []
    within = Nodes.tools

    async def watched(self: Nodes, state: Any, runtime: Any) -> Any:
        seen.append(set(state))
        return await within(self, state, runtime)

    watched.__annotations__ = within.__annotations__
    monkeypatch.setattr(Nodes, "tools", watched)
    await Talks("tools+tools=actor", [WRONG], rounds=1)()
    assert seen == [{"talk"}] * 3


async def test_a_model_that_calls_for_ever_stays_within_the_recursion_limit() -> None:
    rounds = 4
    walk = Talks("tools+tools=actor", [WRONG], rounds=rounds, turns=99)
    steps = await walk.path()
    of_a_talk = 2 * MAX_TURNS - 1
    assert len(steps) == rounds * (2 * of_a_talk + 1) + of_a_talk
    limit = build_graph(walk.arm, rounds).config["recursion_limit"]  # type: ignore[index]
    assert len(steps) <= limit <= (rounds + 1) * (2 * of_a_talk + 1) + 1
    assert walk.sink.attempts[-1].text == CALL  # what it said last, though it called again
    assert [len(walk.prompts(role)) for role in ("actor", "critic")] == [5 * MAX_TURNS, 4 * MAX_TURNS]
    assert build_graph(Arm.parse("intrinsic"), rounds).config["recursion_limit"] == 16  # type: ignore[index]


async def test_an_episode_that_was_handed_no_tools_cannot_run_an_arm_that_needs_them() -> None:
    for arm in ("none+tools=actor", "tools"):
        walk = Walk(arm, [WRONG])
        walk.tools = None  # type: ignore[assignment]
        with pytest.raises(ValueError, match=r"needs tools, and the episode was handed none"):
            await walk()


async def test_an_arm_without_tools_has_no_use_for_a_box() -> None:
    walk = Talks("intrinsic", [WRONG], rounds=1)
    graph = build_graph(walk.arm, 1)
    await graph.ainvoke({"task": pack(TASK)}, context=replace(walk.context(), tools=walk.tools))
    assert walk.records == []
    assert "You may call tools" not in walk.prompts("actor")[0]


@pytest.mark.parametrize(
    ("covered", "text", "log"),
    [(1, CALL, [("attempt", 0)]), (2, WRONG, [("attempt", 0)]), (3, WRONG, [("attempt", 0)])],
)
async def test_a_budget_that_ends_in_a_talk(covered: int, text: str, log: Sequence[Any]) -> None:
    """In the first talk what was said last is the attempt; in a later one the episode ends with what it has."""
    walk = Talks("none+tools=actor", [WRONG], rounds=2, covered=covered)
    output = await walk()
    assert (output["stopped_by"], walk.sink.attempts[0].text) == ("budget", text)
    assert walk.sink.log == log
    with pytest.raises(NotCovered):
        await Talks("none+tools=actor", [WRONG], covered=0)()


async def test_a_budget_that_ends_in_a_tool() -> None:
    """A tool may ask a model too. Nobody is asked after it, and the talk is over."""
    first = Talks("none+tools=actor", [WRONG], rounds=1)
    first.uncovered = [0]
    output = await first()
    assert (output["stopped_by"], first.sink.attempts[0].text) == ("rounds", CALL)
    assert [request.round for request in first.requests] == [0, 1, 1]
    later = Talks("tools+tools=actor+choose=majority", [WRONG, RIGHT], rounds=2)
    later.uncovered = [3]  # the critic's second; two of the actor's and its first came before
    output = await later()
    assert (output["stopped_by"], output["answer"]) == ("budget", later.sink.choices[-1].chosen)
    assert [choice.round for choice in later.sink.choices] == [0, 1]
    assert [record.outcome for record in later.records] == ["answered"] * 3 + ["cancelled"]
    assert later.requests[-1].role == "critic"


async def test_a_node_that_is_entered_again_does_nothing_twice() -> None:
    for arm in ("visible_tests+tools=actor+explain=code", "tools+tools=actor+choose=majority+stop=same"):
        assert await the_same_happens(arm, [WRONG, OTHER, RIGHT], rounds=2, turns=2) > 0


@pytest.mark.slow
@pytest.mark.timeout(300)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(
    arm=legal_arms().filter(lambda arm: arm.uses_tools),
    answers=st.lists(st.sampled_from([RIGHT, WRONG, OTHER, "DONE"]), min_size=1, max_size=4),
    rounds=st.integers(0, 3),
    turns=st.integers(1, 3),
)
async def test_in_no_arm_does_a_node_that_is_entered_again_anything_twice(
    arm: Arm, answers: list[str], rounds: int, turns: int
) -> None:
    assume(arm.search != "repair" or not arm.rounds_in(rounds) or arm.rounds_in(rounds) >= arm.width)
    assume(arm.rounds_in(rounds) <= 8)
    await the_same_happens(arm.name, answers, rounds, turns)


async def the_same_happens(arm: str, answers: list[str], rounds: int, turns: int) -> int:
    """A model that calls tools and one that does not: the same happens, in the same order. Returns the calls."""
    values: dict[str, Any] = {
        "critiques": ["VERDICT: incorrect", "VERDICT: correct"],
        "rounds": rounds,
        "tests": "assert inc(1) == 2",
        "task": replace(TASK, examples=("assert inc(1) == 2",)),
    }
    calls, plain = (Talks(arm, answers, turns=n, **values) for n in (turns, 0))
    calls.tools = calls.new_tools(max_calls=1000)
    assert await calls() == await plain()
    assert (calls.sink.log, calls.sink.choices) == (plain.sink.log, plain.sink.choices)
    assert (calls.prover.asked, calls.oracle.asked) == (plain.prover.asked, plain.oracle.asked)
    firsts = [request for request in calls.requests if "\nResult of `" not in request.prompt_text]
    assert firsts == plain.requests
    assert calls.ticks == len(calls.requests) - len(firsts)
    return calls.ticks
