"""The fenced blocks of a Markdown reply, as models write them rather than as CommonMark wants them."""

from __future__ import annotations

import re
from typing import Final

_OPEN: Final = re.compile(r"(?P<before>.*?)(?P<fence>`{3,}|~{3,})[ \t]*(?P<tag>[^`~]*)")
_TAG: Final = re.compile(r"[\w+#.-]+")
_INLINE: Final = re.compile(r"(?<!`)(`{1,3})(?!`)(?:(?:python3?|py)[ \t]+)?([^`\n]+)\1(?!`)")


def fenced_blocks(text: str) -> list[str]:
    """The contents of all fences in order: backticks or tildes, any tag or none, indented, unclosed, or closed at the
    end of a line of code."""
    blocks: list[str] = []
    inside: list[str] | None = None
    fence = ""
    for line in text.split("\n"):
        if inside is None:
            fence = _opening(line)
            inside = [] if fence else None
            continue
        closes, code = _closing(line, fence)
        if closes:
            blocks.append("\n".join([*inside, code] if code.strip() else inside))
            inside = None
        else:
            inside.append(line)
    if inside is not None:
        blocks.append("\n".join(inside))
    return [block for block in blocks if block.strip()]


def inline_code(text: str) -> list[str]:
    """What stands between backticks on one line."""
    return [match[2].strip() for match in _INLINE.finditer(text)]


def _opening(line: str) -> str:
    """The fence that this line opens, or nothing."""
    match = _OPEN.fullmatch(line)
    if not match:
        return ""
    before = match["before"].strip()
    if before and ("#" in before or match["fence"][0] == "~" or not _TAG.fullmatch(match["tag"].strip())):
        return ""  # prose or a comment that mentions a fence
    return match["fence"]


def _closing(line: str, fence: str) -> tuple[bool, str]:
    """(whether `line` closes `fence`, the code before it on the line)."""
    stripped = line.rstrip()
    bare = stripped.rstrip(fence[0])
    if len(stripped) - len(bare) < len(fence):
        return False, ""
    return (not bare.strip() or fence[0] == "`"), bare
