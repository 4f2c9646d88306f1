"""Text that a model or a program wrote, put into a prompt as data.

Whatever it holds, it ends where its fence ends: the fence is longer than any inside, chat-template markers are broken
up, and the length is bounded.
"""

from __future__ import annotations

import re
from typing import Final

_MARKER: Final = re.compile(
    r"<\|(?=[^<>|\s]{1,40}\|>)|<(?=/?(?:s|bos|eos|pad|unk|think|start_of_turn|end_of_turn)>)|\[(?=/?INST\])|<(?=</?SYS>>)"
)
"""What local chat templates write around messages; tokenizers read it as control tokens even inside a message."""


def quoted(text: str, limit: int, tag: str = "text") -> str:
    """`text` in a fence that it cannot close, its middle left out where it is longer than `limit` characters."""
    inside = bounded(text.replace("\r\n", "\n").replace("\r", "\n").strip("\n"), limit)
    return fenced(defused(inside), tag)


def defused(text: str) -> str:
    """`text` with every chat-template marker broken up, so that no tokenizer takes it for one."""
    return _MARKER.sub(lambda match: f"{match[0][0]} {match[0][1:]}", text)


def fenced(text: str, tag: str) -> str:
    """`text` as it is, but for newlines around it, in a fence longer than any inside. For text of the benchmark's."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    inside = text.strip("\n")
    return f"{fence}{tag}\n{inside}\n{fence}"


def bounded(text: str, limit: int) -> str:
    """`text`, or its two ends with a note of what is missing between them."""
    if len(text) <= limit:
        return text
    head, tail = limit * 2 // 3, limit - limit * 2 // 3
    return f"{text[:head]}\n[... {len(text) - limit} characters left out ...]\n{text[-tail:]}"
