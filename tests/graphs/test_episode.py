"""The graph walked with a scripted model and a scripted oracle (fakes): who is asked what, and when it ends."""

from __future__ import annotations

import inspect
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tests.core.test_spelling import legal_arms
from tests.graphs.walking import OTHER, RIGHT, TASK, WRONG, Walk

from banchu.core.arm import Arm
from banchu.core.errors import ConfigError
from banchu.graphs import build_graph
from banchu.graphs.nodes import Nodes


async def test_none_takes_independent_samples_and_nothing_else() -> None:
    walk = Walk("none", [WRONG])
    output = await walk()
    assert output["stopped_by"] == "rounds"
    assert walk.sink.log == [("attempt", n) for n in range(4)]
    assert len(set(walk.prompts("actor"))) == 1
    assert [request.sampling.seed for request in walk.requests] == [0, 1, 2, 3]


async def test_intrinsic_is_critique_then_reflection_then_revision() -> None:
    walk = Walk("intrinsic", [WRONG], rounds=2)
    await walk()
    assert [(r.role, r.round) for r in walk.requests] == [
        ("actor", 0),
        ("critic", 0),
        ("reflector", 0),
        ("actor", 1),
        ("critic", 1),
        ("reflector", 1),
        ("actor", 2),
    ]
    assert walk.oracle.asked == []


async def test_valence_changes_what_the_critic_is_told() -> None:
    prompts = set()
    for valence in ("neutral", "leading", "presupposing"):
        walk = Walk(f"intrinsic+valence={valence}", [WRONG], rounds=1)
        await walk()
        prompts.update(walk.prompts("critic"))
    assert len(prompts) == 3


async def test_an_accepting_critic_ends_the_episode_only_under_that_stop_rule() -> None:
    critiques = ["VERDICT: incorrect", "All good.\nVERDICT: correct"]
    stopped = Walk("intrinsic+stop=accepted", [WRONG], critiques)
    assert (await stopped())["stopped_by"] == "accepted"
    assert len(stopped.sink.attempts) == 2
    fixed = Walk("intrinsic", [WRONG], critiques)
    assert (await fixed())["stopped_by"] == "rounds"
    assert len(fixed.sink.attempts) == 4


async def test_saying_done_keeps_the_earlier_program() -> None:
    walk = Walk("intrinsic+stop=done", [WRONG, RIGHT, "DONE"])
    assert (await walk())["stopped_by"] == "done"
    assert [attempt.says_done for attempt in walk.sink.attempts] == [False, False, True]
    assert walk.sink.attempts[2].code == walk.sink.attempts[1].code


async def test_the_same_answer_n_times_ends_the_episode() -> None:
    walk = Walk("none+stop=same+same=3", [RIGHT, WRONG], rounds=9)
    assert (await walk())["stopped_by"] == "same"
    assert len(walk.sink.attempts) == 4


async def test_no_program_said_again_is_not_the_same_answer() -> None:
    walk = Walk("none+stop=same", ["I do not know."])
    assert (await walk())["stopped_by"] == "rounds"


@pytest.mark.parametrize("arm", ["oracle_stop", "oracle_verdict", "oracle_trace", "none+stop=oracle"])
async def test_the_oracle_ends_an_episode_with_its_first_pass(arm: str) -> None:
    walk = Walk(arm, [WRONG, RIGHT])
    assert (await walk())["stopped_by"] == "oracle"
    assert len(walk.sink.attempts) == 2
    assert set(walk.oracle.asked) == {0, 1}


async def test_the_last_attempt_is_never_shown_to_the_oracle() -> None:
    walk = Walk("oracle_trace", [WRONG], rounds=2)
    await walk()
    assert set(walk.oracle.asked) == {0, 1}


async def test_oracle_content_without_its_stop_goes_on_after_a_pass() -> None:
    walk = Walk("oracle_trace+stop=rounds", [RIGHT, WRONG], rounds=2)
    assert (await walk())["stopped_by"] == "rounds"
    assert "All tests passed." in walk.prompts("actor")[1]


async def test_each_source_shows_what_it_may_and_no_more() -> None:
    shown = {}
    for arm in ("oracle_stop", "oracle_verdict", "oracle_trace"):
        walk = Walk(arm, [WRONG], rounds=1)
        await walk()
        shown[arm] = walk.prompts("actor")
    assert shown["oracle_stop"][0] == shown["oracle_stop"][1]
    assert "failed the tests" in shown["oracle_verdict"][1]
    assert "inc(1) == 2" not in shown["oracle_verdict"][1]
    assert "inc(1) == 2" in shown["oracle_trace"][1]


@pytest.mark.parametrize(("window", "seen"), [(1, ["lesson 2"]), (2, ["lesson 1", "lesson 2"]), (0, [])])
async def test_the_window_decides_which_reflections_the_next_prompt_shows(window: int, seen: list[str]) -> None:
    walk = Walk(f"oracle_trace+window={window}", [WRONG])
    await walk()
    assert [f"lesson {n}" for n in range(3) if f"lesson {n}" in walk.prompts("actor")[3]] == seen


async def test_an_episode_handed_no_oracle_cannot_run_an_arm_that_needs_one() -> None:
    walk = Walk("oracle_trace", [WRONG])
    walk.oracle = None  # type: ignore[assignment]
    with pytest.raises(ValueError, match="handed none"):
        await walk()


def test_negative_rounds_are_refused() -> None:
    with pytest.raises(ConfigError, match="rounds=-1"):
        build_graph(Arm.parse("none"), -1)


def test_no_node_can_read_a_verdict() -> None:
    for name in ("act", "assess", "reflect", "tools"):
        view = next(iter(inspect.get_annotations(getattr(Nodes, name), eval_str=True).values()))
        assert not {"verdict", "verdicts", "stopped_by"} & set(view.__annotations__)


@pytest.mark.parametrize(
    ("arm", "nodes"),
    [
        ("none", {"act"}),
        ("none+rounds=4", {"act"}),
        ("oracle_stop", {"act", "assess"}),
        ("random", {"act", "assess"}),
        ("none+choose=majority", {"act", "assess"}),
        ("none+gate=visible_tests", {"act", "assess"}),
        ("self_tests+search=tree+window=0", {"act", "assess"}),
        ("intrinsic", {"act", "assess", "reflect"}),
        ("self_tests+search=tree", {"act", "assess", "reflect"}),
    ],
)
def test_an_arm_has_only_the_nodes_it_needs(arm: str, nodes: set[str]) -> None:
    graph = build_graph(Arm.parse(arm), 2).get_graph()
    assert set(graph.nodes) == {"__start__", "__end__", *nodes}


@pytest.mark.parametrize(("arm", "made"), [("none+rounds=5", 6), ("intrinsic+rounds=0", 1), ("placebo", 4)])
async def test_an_arm_with_rounds_of_its_own_has_those(arm: str, made: int) -> None:
    walk = Walk(arm, [WRONG], rounds=3)
    assert (await walk())["stopped_by"] == "rounds"
    assert len(walk.sink.attempts) == made


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(
    legal_arms(),
    st.lists(st.sampled_from([RIGHT, WRONG, OTHER, "I do not know.", "DONE"]), min_size=1, max_size=6),
    st.sampled_from(["assert inc(1) == 2\nassert inc(9) == 9", "assert inc(3) == 4", "none"]),
    st.integers(0, 4),
)
async def test_every_arm_that_can_be_meant_can_be_walked(arm: Arm, answers: list[str], tests: str, rounds: int) -> None:
    """Any legal arm, any answers: it ends, writes down what it chose, and asks nobody whom it may not ask."""
    task = replace(
        TASK, examples=("assert inc(1) == 2", "assert inc(4) == 5"), answers=("1", "2") if arm.guesses else ()
    )
    assume(arm.search != "repair" or not arm.rounds_in(rounds) or arm.rounds_in(rounds) >= arm.width)
    critiques = ["VERDICT: incorrect", "VERDICT: correct"]
    walk = Walk(arm.name, answers, critiques, rounds, tests, task)
    output = await walk()
    made = [attempt.round for attempt in walk.sink.attempts]
    assert made == list(range(len(output["attempts"])))
    assert len(made) <= 1 + arm.rounds_in(rounds)
    assert (output["stopped_by"] == "rounds") <= (len(made) == 1 + arm.rounds_in(rounds))
    assert output["stopped_by"] in ("rounds", arm.stop, "oracle" if arm.oracle_stops else "rounds")
    choices = walk.sink.choices
    assert [choice.round for choice in choices] == (made if arm.chooses or arm.searches else [])
    for choice in choices:
        assert choice.parent is None or choice.parent < choice.round
        assert choice.chosen <= choice.round
        assert arm.shows_feedback or choice.parent is None
    assert output.get("answer") == (choices[-1].chosen if choices else None)
    assert arm.uses_oracle or walk.oracle.asked == []
    assert arm.runs_code or walk.prover.asked == []
    asked = {request.role for request in walk.requests}
    assert asked <= {
        "actor",
        *(["critic"] if arm.asks_the_critic else []),
        *(["reflector"] if arm.window else []),
        *(["tester"] if arm.writes_tests else []),
    }
    assert len({(request.role, request.round) for request in walk.requests}) == len(walk.requests)  # the ledger's key
    assert walk.prompts("actor")[0] == walk.prompts("actor")[0 if arm.shows_feedback else -1]


async def test_a_long_episode_stays_within_its_recursion_limit() -> None:
    for arm in ("intrinsic", "none+gate=self_tests+stop=rounds+choose=best", "intrinsic+search=repair"):
        walk = Walk(arm, [WRONG], tests="assert inc(1) == 2", rounds=40)
        assert (await walk())["stopped_by"] == "rounds"
        assert len(walk.sink.attempts) == 41
