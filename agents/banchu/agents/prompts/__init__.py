"""The prompts: one Markdown file each beside this one, with `$name` for what is filled in.

The files are the whole wording; `digest` goes to the ledger, so that numbers can be traced to it. Text that a model
wrote is filled in as quoted data (`banchu.agents.quoting`), never as a part of the frame.
"""

from __future__ import annotations

import hashlib
import string
from functools import cache
from importlib import resources
from typing import Final

__all__ = ["LATER", "digest", "names", "render", "size"]

LATER: Final = frozenset({"notes_lessons", "reflector_condense"})
"""Prompts that came later, for what a run may leave out: a run that does not use them is the run that it was."""


def render(name: str, **values: str) -> str:
    """The prompt `name` with every placeholder filled.

    Raises:
        ValueError: no such prompt, a placeholder without a value, or a value without a placeholder.
    """
    template, wanted = _template(name)
    if wanted != set(values):
        raise ValueError(f"prompt {name!r} has the placeholders {sorted(wanted)}, not {sorted(values)}")
    return template.substitute(values)


def size(name: str) -> int:
    """Bytes of the prompt `name`, with nothing filled in. Raises ValueError: no such prompt."""
    return len(_text(name).encode())


@cache
def names() -> tuple[str, ...]:
    """All prompts, sorted."""
    files = resources.files(__name__).iterdir()
    return tuple(sorted(file.name.removesuffix(".md") for file in files if file.name.endswith(".md")))


def digest(*more: str) -> str:
    """sha256 over the names and texts of the prompts that every run may use, and of these `LATER` ones."""
    parts = (f"{name}\0{_text(name)}\0" for name in names() if name not in LATER or name in more)
    return hashlib.sha256("".join(parts).encode()).hexdigest()


@cache
def _template(name: str) -> tuple[string.Template, frozenset[str]]:
    template = string.Template(_text(name))
    if not template.is_valid():
        raise ValueError(f"prompt {name!r} has a $ that names nothing; write $$")
    return template, frozenset(template.get_identifiers())


@cache
def _text(name: str) -> str:
    if name not in names():
        raise ValueError(f"unknown prompt {name!r}; known: {', '.join(names())}")
    text = (resources.files(__name__) / f"{name}.md").read_text(encoding="utf-8")
    return text.replace("\r\n", "\n").strip("\n")
