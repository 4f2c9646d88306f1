"""What a cell of profile `tests` does instead of answering: it runs tests that nobody vouches for.

A model's own, say. They are held as a candidate is, in a cell of their own: they cannot reach the program but through
calls, nor the judge but through one report, which is as untrusted as they are.
"""

from __future__ import annotations

import json
import os
import socket
from typing import NoReturn

from banchu.sandbox.tester.service import run_or_tell
from banchu.sandbox.wire.frames import MAX_TRUSTED_FRAME, read_frame, write_frame


def test(report: int, channel: int) -> NoReturn:
    """Take one job, judge the candidate at the other end of `channel`, report, end."""
    frame = read_frame(report, MAX_TRUSTED_FRAME)
    if frame is not None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, channel) as line:
            write_frame(report, json.dumps(run_or_tell(json.loads(frame), line)).encode())
    os._exit(0)
