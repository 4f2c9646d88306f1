"""The actor: writes an answer, or a better one when it is shown an earlier one and what was said of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from banchu.agents import prompts
from banchu.agents.attempts import CHAT_LIMITS, COMPLETION_LIMITS, Limits, shown
from banchu.agents.continuation import continue_prompt
from banchu.agents.extraction import extract_code
from banchu.agents.quoting import quoted
from banchu.agents.turns import conversation, first_turns
from banchu.core.arm import Valence
from banchu.core.chat import Message, Request, Sampling
from banchu.core.episode import Attempt
from banchu.core.task import Task
from banchu.models.protocol import Model

COMPLETION_STOPS: Final = ("\n```", "\ndef ", "\nclass ", "\nif __name__", "\nprint(")
"""Where the function is over when a model continues raw text."""


_DONE: Final = re.compile(r"\W*done\W*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Actor:
    """Asks `model` for code in the way that suits it: in a chat, or as a text to continue."""

    model: Model
    sampling: Sampling

    async def attempt(
        self,
        task: Task,
        *,
        round: int,
        seed: int,
        previous: Attempt | None = None,
        feedback: str | None = None,
        reflections: Sequence[str] = (),
        may_finish: bool = False,
        lessons: Sequence[str] = (),
    ) -> Attempt:
        """One answer. Without `previous` it is a first answer, from the same prompt in every arm without `lessons`.

        Args:
            round: 0 for the first attempt of an episode.
            previous: the attempt to improve; `feedback` and `reflections` (oldest first) are about it.
            may_finish: the reply may be DONE, which keeps the previous code. Chat models only.
            lessons: what was recalled of earlier episodes, the nearest first; shown with the task.

        Raises:
            ModelError: the call failed.
        """
        if self._completes:
            prompt: str | tuple[Message, ...] = _continuation(task, previous, feedback, reflections, lessons)
        else:
            prompt = _chat(task, previous, feedback, reflections, may_finish, lessons)
        attempt = await self._ask(task, prompt, round, seed)
        if previous and may_finish and not self._completes and _DONE.fullmatch(attempt.text):
            return replace(attempt, code=previous.code, says_done=True)
        return attempt

    async def improve(
        self,
        task: Task,
        *,
        round: int,
        seed: int,
        attempts: Sequence[Attempt],
        reviews: Sequence[str],
        valence: Valence,
    ) -> Attempt:
        """An answer as the next turn of a conversation of answers and their reviews, as many of one as of the other.

        A model that continues raw text is shown the last of each, as in `attempt`. Raises ModelError.
        """
        if self._completes:
            return await self.attempt(task, round=round, seed=seed, previous=attempts[-1], feedback=reviews[-1])
        return await self._ask(task, tuple(conversation(task, attempts, reviews, valence)), round, seed)

    @property
    def _completes(self) -> bool:
        return self.model.prompt_style == "completion"

    async def _ask(self, task: Task, prompt: str | tuple[Message, ...], round: int, seed: int) -> Attempt:
        completes = isinstance(prompt, str)
        sampling = replace(self.sampling, seed=seed)
        if completes:
            sampling = replace(sampling, stop=tuple(dict.fromkeys((*COMPLETION_STOPS, *sampling.stop))))
        done = await self.model.complete(Request(prompt, sampling, role="actor", round=round))
        found = continue_prompt(task, done.text) if completes else extract_code(done.text, task)
        return Attempt(round, done.text, found.code, done.finish_reason == "length")


def _chat(
    task: Task,
    previous: Attempt | None,
    feedback: str | None,
    reflections: Sequence[str],
    may_finish: bool,
    lessons: Sequence[str],
) -> tuple[Message, ...]:
    first = first_turns(task)
    if recalled := _recalled(lessons, CHAT_LIMITS):
        first = (*first[:-1], Message("user", f"{first[-1].text}\n\n{recalled}"))
    if previous is None:
        return first
    asked = "actor_retry_may_finish" if may_finish else "actor_retry"
    notes = _notes(feedback, reflections, CHAT_LIMITS)
    return (
        *first,
        Message("assistant", shown(previous, CHAT_LIMITS.attempt)),
        Message("user", prompts.render(asked, notes=notes, entry_point=task.entry_point)),
    )


def _continuation(
    task: Task, previous: Attempt | None, feedback: str | None, reflections: Sequence[str], lessons: Sequence[str]
) -> str:
    """Raw text that ends inside the body: an open fence and an indent, without which small models answer nothing."""
    recalled = _recalled(lessons, COMPLETION_LIMITS)
    ahead = f"{recalled}\n\n" if recalled else ""
    if previous is not None:
        notes = _notes(feedback, reflections, COMPLETION_LIMITS)
        ahead += (
            prompts.render("completion_retry", attempt=shown(previous, COMPLETION_LIMITS.attempt), notes=notes) + "\n\n"
        )
    return f"{ahead}```python\n{task.prompt}\n   "


def _recalled(lessons: Sequence[str], limits: Limits) -> str:
    """What earlier episodes left, as data: a model wrote it, for whatever reasons."""
    told = [quoted(each, limits.reflection) for each in lessons if each.strip()]
    return prompts.render("notes_lessons", lessons="\n\n".join(told)) if told else ""


def _notes(feedback: str | None, reflections: Sequence[str], limits: Limits) -> str:
    parts = []
    if feedback and feedback.strip():
        parts.append(prompts.render("notes_feedback", feedback=quoted(feedback, limits.feedback)))
    if lessons := [quoted(each, limits.reflection) for each in reflections if each.strip()]:
        parts.append(prompts.render("notes_reflections", reflections="\n\n".join(lessons)))
    return "\n\n".join(parts) or prompts.render("notes_none")
