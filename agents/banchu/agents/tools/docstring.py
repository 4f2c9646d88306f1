"""What a function's docstring says to a model: what it is for, and of each argument. Google's form."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any, Final

_SECTION: Final = re.compile(
    r"(Args|Arguments|Parameters|Returns|Yields|Raises|Examples?|Notes?|Source|Attributes):\s*", re.IGNORECASE
)
_ARGUMENT: Final = re.compile(r"\s{1,8}\*{0,2}(\w+)\s*(?:\([^)]*\))?\s*:\s*(.*)")


def read_docstring(function: Callable[..., Any]) -> tuple[str, dict[str, str]]:
    """(the text before the first section but examples and notes, what is said of each argument)."""
    lines = (inspect.getdoc(function) or "").splitlines()
    description: list[str] = []
    arguments: dict[str, str] = {}
    section, name, first = "", "", 0
    for line in lines:
        if found := _SECTION.fullmatch(line):
            section, name = found[1].lower(), ""
        elif not section:
            description.append(line)
        elif section in ("args", "arguments", "parameters"):
            indent = len(line) - len(line.lstrip())
            if (found := _ARGUMENT.fullmatch(line)) and (not name or indent <= first):
                name, first = found[1], indent
                arguments[name] = found[2].strip()
            elif name and line.strip():
                arguments[name] = f"{arguments[name]} {line.strip()}".strip()
    return "\n".join(description).strip(), arguments
