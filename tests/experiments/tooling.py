"""Tools and models for tests of runs with tools. The models are scripted fakes; cells and ledgers are real."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from banchu.agents.tools import BoxLimits, Tool, tool
from banchu.core.chat import Request
from banchu.experiments.tools.builtin import BUILT_IN
from banchu.experiments.tools.kit import Kit, Part
from banchu.models.scripted import ScriptedModel

ARMS = "none+tools=actor,tools,intrinsic+tools=actor"


@tool
def count(text: str, word: str) -> int:
    """Count how often a word stands in a text."""
    return text.split().count(word)


def kit(*parts: str | Tool, max_calls: int = 32) -> Kit:
    """A kit of built-in tools by name, and others; called as text."""
    found: list[Part] = [BUILT_IN[part] if isinstance(part, str) else part for part in parts]
    return Kit(tuple(found), BoxLimits(max_calls=max_calls), {"actor": "text", "critic": "text"})


def caller(lab: Any, *calls: tuple[str, dict[str, Any]], most: int = 3) -> ScriptedModel:
    """A fake that calls these tools where they are on offer, then answers as `lab.fickle` does: how often follows from
    the prompt, up to `most` times."""
    fickle = lab.fickle()

    def reply(request: Request) -> str:
        text = request.prompt_text
        made = text.count("\nResult of `")
        seed = hashlib.sha256(f"{text.partition('Result of')[0]}{request.sampling.seed}".encode()).digest()[0]
        if "You may call tools" in text and made < seed % (most + 1):
            name, arguments = calls[(made + seed) % len(calls)]
            return f"```tool\n{json.dumps({'name': name, 'arguments': arguments})}\n```"
        return str(fickle._replies(request))

    return ScriptedModel(reply, id="scripted:fickle")


PYTHON = ("python", {"code": "print(sum(range(10)))\nprint({'a', 'b'})"})
COUNT = ("count", {"text": "a rose is a rose", "word": "rose"})
WRONG = ("count", {"text": "a rose"})
UNKNOWN = ("search", {"query": "x"})
EXAMPLES = ("run_visible_tests", {"code": "def has_close_elements(numbers, threshold):\n    return False\n"})
WRITES = ("files", {"action": "write", "path": "notes/a.txt", "text": "one\n"})
SHELL = ("shell", {"command": "cat notes/a.txt; echo two >> notes/a.txt"})
