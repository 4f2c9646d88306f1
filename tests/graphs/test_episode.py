"""The graph walked with a scripted model and a scripted oracle (fakes): who is asked what, and when it ends."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tests.core.test_spelling import legal_arms

from banchu.agents import Actor, Critic, Reflector, TestWriter
from banchu.core.arm import Arm
from banchu.core.chat import Request, Sampling
from banchu.core.episode import Attempt, Check, Choice, Feedback
from banchu.core.errors import ConfigError
from banchu.core.task import Task
from banchu.core.verdict import Verdict
from banchu.graphs import EpisodeContext, build_graph, run_episode
from banchu.graphs.nodes import Nodes
from banchu.memory import EpisodicMemory
from banchu.models.scripted import ScriptedModel

TASK = Task("T/0", "toy", 'def inc(x):\n    """Add one."""\n', "inc")
RIGHT, WRONG = "```python\ndef inc(x):\n    return x + 1\n```", "```python\ndef inc(x):\n    return x\n```"
OTHER = RIGHT.replace("x + 1", "x + 1  # again")


class Sink:
    """Remembers what an episode wrote, in order."""

    def __init__(self) -> None:
        self.log: list[tuple[str, int]] = []
        self.attempts: list[Attempt] = []
        self.feedbacks: list[Feedback] = []
        self.choices: list[Choice] = []

    def attempt(self, attempt: Attempt) -> None:
        self.log.append(("attempt", attempt.round))
        self.attempts.append(attempt)

    def feedback(self, feedback: Feedback) -> None:
        self.log.append(("feedback", feedback.round))
        self.feedbacks.append(feedback)

    def reflection(self, round: int, text: str) -> None:
        self.log.append(("reflection", round))

    def self_tests(self, tests: Sequence[str]) -> None:
        self.log.append(("self_tests", len(tests)))

    def choice(self, choice: Choice) -> None:
        self.choices.append(choice)


class ScriptedProver:
    """A fake: what returns x + 1 passes every test but those with a 9, and tells its calls."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []

    async def check(self, tests: Sequence[str], code: str) -> list[Check]:
        self.asked.append(tuple(tests))
        right = "x + 1" in code
        return [Check(t, right and "9" not in t, "" if right and "9" not in t else "1") for t in tests]

    async def trace(self, calls: Sequence[str], code: str) -> str:
        self.asked.append(tuple(calls))
        return "".join(f">>> {call}\nreturned: 1\n" for call in calls) or "It loads."

    async def outputs(self, calls: Sequence[str], code: str) -> list[str]:
        self.asked.append(tuple(calls))
        return [f"{call} {'x + 1' in code}" for call in calls]

    async def steps(self, call: str, code: str) -> str:
        self.asked.append((call,))
        return f"[BLOCK-0]\n# {call}"


class ScriptedOracle:
    """A fake: passes what returns x + 1."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    async def __call__(self, attempt: Attempt) -> Verdict:
        self.asked.append(attempt.round)
        if attempt.code and "x + 1" in attempt.code:
            return Verdict("passed", 1, 1)
        return Verdict("wrong_answer", 0, 1, assertion="assert inc(1) == 2", expected="2", actual="1")


class Walk:
    """One walk of one arm; `answers` are the actor's replies by round, the last one repeated."""

    def __init__(
        self,
        arm: str,
        answers: list[str],
        critiques: list[str] | None = None,
        rounds: int = 3,
        tests: str = "",
        task: Task = TASK,
    ) -> None:
        self.arm, self.rounds, self.sink, self.oracle = Arm.parse(arm), rounds, Sink(), ScriptedOracle()
        self.task, self.prover = task, ScriptedProver()
        self.requests: list[Request] = []

        def reply(request: Request) -> str:
            self.requests.append(request)
            if request.role == "actor":
                return answers[min(request.round, len(answers) - 1)]
            if request.role == "critic":
                said = critiques or ["VERDICT: incorrect"]
                return said[min(request.round, len(said) - 1)]
            return tests if request.role == "tester" else f"lesson {request.round}"

        self.model = ScriptedModel(reply, id="scripted:walk")

    async def __call__(self) -> dict[str, Any]:
        sampling = Sampling()
        context = EpisodeContext(
            actor=Actor(self.model, sampling),
            critic=Critic(self.model, sampling),
            reflector=Reflector(self.model, sampling),
            memory=EpisodicMemory(self.arm.window),
            sink=self.sink,
            seed=lambda role, round: round,
            oracle=self.oracle if self.arm.uses_oracle else None,
            tester=TestWriter(self.model, sampling) if self.arm.writes_tests else None,
            prover=self.prover if self.arm.runs_code else None,
        )
        return dict(await run_episode(build_graph(self.arm, self.rounds), self.task, context))

    def prompts(self, role: str) -> list[str]:
        return [request.prompt_text for request in self.requests if request.role == role]


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
    for name in ("act", "assess", "reflect"):
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
