"""The critic: reviews an attempt, with or without what running it found. How it is asked is a factor of the experiment.

Source: Huang et al. 2024, Large Language Models Cannot Self-Correct Reasoning Yet (arXiv:2310.01798), section 3.1 for
the neutral wording, the released prompts for the leading one (after Kim et al. 2023, arXiv:2303.17491).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from banchu.agents import prompts
from banchu.agents.attempts import CHAT_LIMITS, shown
from banchu.agents.quoting import bounded, fenced, quoted
from banchu.agents.turns import conversation
from banchu.core.arm import Explain, Valence
from banchu.core.chat import Message, Request, Sampling
from banchu.core.episode import Attempt
from banchu.core.task import Task
from banchu.models.protocol import Model

MAX_CHARACTERS: Final = 4000
MAX_EXPLANATION: Final = 2000
"""Less than a review: what running found stands before it in the same prompt."""
REVIEW_TOKENS: Final = 256
CHECKED_REVIEW_TOKENS: Final = 1024
"""Of one answer of a critic that may call tools: a call may hold a whole program."""
_VERDICT: Final = re.compile(r"^\W*verdict\W+(correct|incorrect)\W*$", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Critique:
    """What the critic said."""

    text: str
    """The review, at most `MAX_CHARACTERS` long but for the note of what is left out."""
    accepts: bool
    """Its last verdict line says `correct`. A review without one accepts nothing."""


@dataclass(frozen=True, slots=True)
class Critic:
    """Asks `model` for a review, always in a chat."""

    model: Model
    sampling: Sampling
    max_tokens: int = REVIEW_TOKENS
    """Caps the tokens of a review below what `sampling` allows."""

    async def critique(self, task: Task, attempt: Attempt, *, round: int, seed: int, valence: Valence) -> Critique:
        """The review of `attempt`. Raises ModelError."""
        review = prompts.render(
            "critic_review",
            prompt=fenced(task.prompt, "python"),
            attempt=shown(attempt, CHAT_LIMITS.attempt),
            valence=prompts.render(f"critic_{valence}"),
        )
        messages = (Message("system", prompts.render("critic_system")), Message("user", review))
        text = await self._ask(messages, round, seed)
        verdicts = _VERDICT.findall(text)
        accepts = bool(verdicts) and verdicts[-1].lower() == "correct"
        return Critique(bounded(text.strip(), MAX_CHARACTERS), accepts)

    async def review(
        self,
        task: Task,
        *,
        round: int,
        seed: int,
        attempts: Sequence[Attempt],
        reviews: Sequence[str],
        valence: Valence,
    ) -> str:
        """The review of the last of `attempts` as the next turn of the conversation, as it was said. It gives no
        verdict. `reviews` are those of the attempts before. Raises ModelError."""
        return await self._ask(tuple(conversation(task, attempts, reviews, valence)), round, seed)

    async def explain(
        self, task: Task, attempt: Attempt, found: str, *, how: Explain, failed: str, blocks: str, seed: int
    ) -> str:
        """What the critic makes of what running `attempt` found. Raises ModelError.

        Args:
            found: what the source said.
            how: any but `nothing`.
            failed: the test that is traced, for `trace` and `blocks`.
            blocks: its real run, for `blocks`.
        """
        test = {"failed": quoted(failed, MAX_CHARACTERS, "python")}
        values = {"trace": test, "blocks": {**test, "blocks": quoted(blocks, MAX_CHARACTERS)}}
        asked = prompts.render(
            "critic_explain",
            prompt=fenced(task.prompt, "python"),
            attempt=shown(attempt, CHAT_LIMITS.attempt),
            found=quoted(found, MAX_CHARACTERS),
            asked=prompts.render(f"critic_explain_{how}", **values.get(how, {})),
        )
        messages = (Message("system", prompts.render("critic_system")), Message("user", asked))
        return bounded((await self._ask(messages, attempt.round, seed)).strip(), MAX_EXPLANATION)

    async def _ask(self, messages: tuple[Message, ...], round: int, seed: int) -> str:
        sampling = replace(self.sampling, seed=seed, max_tokens=min(self.max_tokens, self.sampling.max_tokens))
        return (await self.model.complete(Request(messages, sampling, role="critic", round=round))).text
