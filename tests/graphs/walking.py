"""One walk through a graph with a scripted model, prover and oracle (fakes), and what it wrote."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from banchu.agents import Actor, Critic, Reflector, TestWriter
from banchu.agents.tools import ToolBox, Toolset
from banchu.agents.tools.builtin.calculator import calculator
from banchu.core.arm import Arm
from banchu.core.chat import Request, Sampling
from banchu.core.episode import Attempt, Check, Choice, Feedback
from banchu.core.task import Task
from banchu.core.verdict import Verdict
from banchu.graphs import EpisodeContext, build_graph, run_episode
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
        self.tools = Toolset(ToolBox([calculator]), {"actor": "text", "critic": "text"})
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
        return dict(await run_episode(build_graph(self.arm, self.rounds), self.task, self.context()))

    def context(self) -> EpisodeContext:
        """What the walk's episode is handed."""
        sampling = Sampling()
        return EpisodeContext(
            actor=Actor(self.model, sampling),
            critic=Critic(self.model, sampling),
            reflector=Reflector(self.model, sampling),
            memory=EpisodicMemory(self.arm.window),
            sink=self.sink,
            seed=lambda role, round: round,
            oracle=self.oracle if self.arm.uses_oracle else None,
            tester=TestWriter(self.model, sampling) if self.arm.writes_tests else None,
            prover=self.prover if self.arm.runs_code else None,
            tools=self.tools if self.arm.uses_tools else None,
        )

    def prompts(self, role: str) -> list[str]:
        return [request.prompt_text for request in self.requests if request.role == role]
