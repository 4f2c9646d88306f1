"""The state of an episode: plain JSON, so any checkpointer can keep it, and what each node may see of it.

No channel is for verdicts. In arms whose feedback comes from an oracle, `feedback` holds what it said, its one bit
(`accepts`) included; where an oracle ended the episode, `stopped_by` says so. In no other arm does any channel depend
on the sealed tests. A node reads only the channels that its own view names; LangGraph hands it no others.
"""

from __future__ import annotations

import operator
from dataclasses import asdict
from typing import Annotated, Any, NotRequired, TypedDict

from banchu.core.episode import Attempt, Feedback
from banchu.core.task import Task


class EpisodeInput(TypedDict):
    """What an episode starts from."""

    task: dict[str, Any]
    """A `Task`, the public half, as a dict."""


class EpisodeState(TypedDict, total=False):
    """Everything, for checkpoints and Studio."""

    task: dict[str, Any]
    attempts: Annotated[list[dict[str, Any]], operator.add]
    """All attempts so far, in order."""
    parents: Annotated[list[int | None], operator.add]
    """Of each attempt, the one that it revises; null: an independent sample."""
    feedback: Annotated[list[dict[str, Any]], operator.add]
    """What the source said of each attempt that was assessed, in order; in oracle arms that is of the sealed tests."""
    reflections: list[str]
    """What memory recalled for the next attempt."""
    tests: list[str]
    """What the model wrote to test itself; absent until it was asked."""
    reviews: Annotated[list[str], operator.add]
    """The reviews of a conversation in turns, one an attempt; none in other arms."""
    talk: dict[str, Any] | None
    """What was said between actor or critic and their tools since they were asked, a `Talk`; null: nobody talks."""
    called: int
    """Calls of tools so far; absent in arms without."""
    answer: int
    """The attempt that is the answer so far, in arms that choose or search; absent: the last."""
    stopped_by: str
    """Why the episode ended; absent while it runs."""


class ActView(TypedDict, total=False):
    """The actor sees the task, its attempts, feedback and recalled reflections; in a talk with tools, its own."""

    task: dict[str, Any]
    attempts: list[dict[str, Any]]
    parents: list[int | None]
    feedback: list[dict[str, Any]]
    reflections: list[str]
    reviews: list[str]
    talk: dict[str, Any] | None
    called: int


class AssessView(TypedDict, total=False):
    """A feedback source sees the task, the attempts, what it said before and the model's own tests; in a talk with
    tools, its own."""

    task: dict[str, Any]
    attempts: list[dict[str, Any]]
    parents: list[int | None]
    feedback: list[dict[str, Any]]
    tests: list[str]
    reviews: list[str]
    talk: dict[str, Any] | None
    called: int


class ReflectView(TypedDict):
    """The reflector sees the task, the attempts and the feedback."""

    task: dict[str, Any]
    attempts: list[dict[str, Any]]
    parents: list[int | None]
    feedback: list[dict[str, Any]]


class ToolsView(TypedDict):
    """Tools are called with what a model wrote, and see nothing else of the episode."""

    talk: dict[str, Any]


class EpisodeOutput(TypedDict):
    """What an episode ends with."""

    attempts: list[dict[str, Any]]
    answer: NotRequired[int]
    stopped_by: str


def pack(value: Task | Attempt | Feedback) -> dict[str, Any]:
    """A task, attempt or feedback as plain JSON."""
    return asdict(value)


def task_of(view: ActView | AssessView | ReflectView) -> Task:
    task = view["task"]
    return Task(**{**task, "examples": tuple(task["examples"]), "answers": tuple(task["answers"])})


def attempts_of(view: ActView | AssessView | ReflectView) -> list[Attempt]:
    return [Attempt(**attempt) for attempt in view.get("attempts", ())]


def feedback_of(view: ActView | AssessView | ReflectView) -> list[Feedback]:
    return [Feedback(**said) for said in view.get("feedback", ())]
