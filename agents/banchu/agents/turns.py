"""Answer, review and improvement as turns of one conversation: the three-step review.

Source: Huang et al. 2024, Large Language Models Cannot Self-Correct Reasoning Yet (arXiv:2310.01798), after Kim et al.
2023 (arXiv:2303.17491): "Review your previous answer and find problems with your answer.", then "Based on the problems
you found, improve your answer." and a line on the form of the answer, which here asks for the function. Nothing is
quoted: each text is a turn of whoever said it.
"""

from __future__ import annotations

from collections.abc import Sequence

from banchu.agents import prompts
from banchu.agents.quoting import fenced
from banchu.core.arm import Valence
from banchu.core.chat import Message
from banchu.core.episode import Attempt
from banchu.core.task import Task


def first_turns(task: Task) -> tuple[Message, ...]:
    """What every first answer in a chat is asked, in all arms."""
    asked = prompts.render("actor_first", prompt=fenced(task.prompt, "python"), entry_point=task.entry_point)
    return (Message("system", prompts.render("actor_system")), Message("user", asked))


def conversation(task: Task, attempts: Sequence[Attempt], reviews: Sequence[str], valence: Valence) -> list[Message]:
    """All turns so far, and the next request: a review where the last attempt has none, else an improvement.

    Args:
        attempts: at least one, in order.
        reviews: of the attempts, in order; one less than attempts, or as many.
    """
    review = Message("user", prompts.render(f"critic_{valence}"))
    improve = Message("user", prompts.render("actor_turns", entry_point=task.entry_point))
    turns = [*first_turns(task)]
    for number, attempt in enumerate(attempts):
        turns += [Message("assistant", attempt.text), review]
        if number < len(reviews):
            turns += [Message("assistant", reviews[number]), improve]
    return turns
