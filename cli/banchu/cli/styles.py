"""How code is asked for, as a user writes it."""

from __future__ import annotations

from banchu.core.errors import unknown
from banchu.models.protocol import PromptStyle


def prompt_style(style: str | None) -> PromptStyle | None:
    """`--style`; None: what suits the model. Raises ConfigError."""
    match style:
        case None | "chat" | "completion":
            return style
        case _:
            raise unknown("--style", style, ("chat", "completion"))
