"""The reflector: turns an attempt and the feedback on it into a lesson for the next attempt.

Source: Shinn et al. 2023, Reflexion (arXiv:2303.11366), the self-reflection model; without its few-shot examples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from banchu.agents import prompts
from banchu.agents.attempts import CHAT_LIMITS, shown
from banchu.agents.quoting import bounded, fenced, quoted
from banchu.core.chat import Message, Request, Sampling
from banchu.core.episode import Attempt
from banchu.core.task import Task
from banchu.models.protocol import Model

MAX_CHARACTERS: Final = 1500


@dataclass(frozen=True, slots=True)
class Reflector:
    """Asks `model` for a lesson, always in a chat."""

    model: Model
    sampling: Sampling
    max_tokens: int = 160
    """Caps the tokens of a reflection below what `sampling` allows."""

    async def reflect(
        self, task: Task, attempt: Attempt, feedback: str, *, round: int, seed: int, earlier: Sequence[str] = ()
    ) -> str:
        """A few sentences, trimmed; at most `MAX_CHARACTERS` and the note of what is left out. Raises ModelError.

        Args:
            earlier: lessons, oldest first, that the new one is to stand for as well.
        """
        values = {
            "prompt": fenced(task.prompt, "python"),
            "attempt": shown(attempt, CHAT_LIMITS.attempt),
            "feedback": quoted(feedback, CHAT_LIMITS.feedback),
        }
        if kept := [quoted(each, CHAT_LIMITS.reflection) for each in earlier if each.strip()]:
            asked = prompts.render("reflector_condense", **values, lessons="\n\n".join(kept))
        else:
            asked = prompts.render("reflector_reflect", **values)
        messages = (Message("system", prompts.render("reflector_system")), Message("user", asked))
        sampling = replace(self.sampling, seed=seed, max_tokens=min(self.max_tokens, self.sampling.max_tokens))
        done = await self.model.complete(Request(messages, sampling, role="reflector", round=round))
        return bounded(done.text.strip(), MAX_CHARACTERS)
