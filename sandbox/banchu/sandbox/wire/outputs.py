"""What a candidate printed: a file in memory that its cell hands on unread.

The cell is a fork server, and what it reads its next candidate could find in its memory.
"""

from __future__ import annotations

import json
import os
import stat
from typing import Any

_SHOWN = 4096


def is_output(fd: int) -> bool:
    """Whether an open file that came with a message is such a file, and not a candidate's channel."""
    return stat.S_ISREG(os.fstat(fd).st_mode)


def read_output(fd: int) -> dict[str, Any]:
    """Its size and its beginning. Closes it."""
    try:
        shown = os.pread(fd, _SHOWN, 0).decode("utf-8", "replace")
        return {"output_bytes": os.fstat(fd).st_size, "output": shown}
    finally:
        os.close(fd)


def with_output(message: bytes, fd: int) -> bytes:
    """The message that it came with, and what it holds, for a line that carries no files. Closes it."""
    return json.dumps(json.loads(message) | read_output(fd)).encode()
