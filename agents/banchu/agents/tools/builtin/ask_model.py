"""`ask_model`: a second model that may be asked a question. It knows nothing of the task but what it is told."""

from __future__ import annotations

from dataclasses import replace

from banchu.agents.tools.function import tool
from banchu.agents.tools.tool import Tool, ToolFailed
from banchu.core.chat import CallRole, Message, Request, Sampling
from banchu.core.errors import ContextOverflow
from banchu.models.protocol import Model

SYSTEM = "Answer the question of a colleague who writes a program. Be short and exact."


def ask_model(
    model: Model,
    sampling: Sampling,
    *,
    role: CallRole = "critic",
    round: int = 0,
    timeout_s: float = 600.0,
    max_characters: int = 4000,
) -> Tool:
    """The tool over a model.

    Args:
        model: whatever the episode pays it with is around it already.
        sampling: its seed is used as it is, so the same question has the same answer.
        role, round: for the ledger only.
    """

    @tool(name="ask_model", timeout_s=timeout_s, max_characters=max_characters)
    async def ask(question: str) -> str:
        """Ask another model a question. It sees the question and nothing else, so put the code in it.

        Args:
            question: all that it needs to know.
        """
        text = f"{SYSTEM}\n\n{question}\n"
        chat = (Message("system", SYSTEM), Message("user", question))
        prompt = chat if model.prompt_style == "chat" else text
        try:
            done = await model.complete(Request(prompt, sampling, role=role, round=round))
        except ContextOverflow:
            raise ToolFailed("the question is too long for the other model; ask a shorter one") from None
        return done.text.strip() or "(it said nothing)"

    return replace(ask, version=f"{ask.version} {model.id}", asks=True)
