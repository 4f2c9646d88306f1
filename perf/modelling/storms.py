"""Starts tests/models/storm.py, and asks what it counted."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SERVER = Path(__file__).parents[2] / "tests" / "models" / "storm.py"


@dataclass(frozen=True)
class Counts:
    """What the server saw."""

    kinds: dict[str, int]
    """Requests by what was done with them."""
    let_in: int
    """Those that the limit let in."""
    asked: int
    """Distinct requests that were worked on."""
    delivered: int
    """Distinct requests whose answer was handed over whole."""
    delivered_twice: int
    """Of these, those whose answer was handed over again."""
    worked_twice: int
    """Those that were worked on more than once, since the first answer was lost on the way."""
    most_in_a_second: int
    until_95_s: float
    """From the first that was let in to 95 % of them."""
    wall_s: float
    """From the first that was let in to the last answer."""


class Weather:
    """A running server."""

    def __init__(self, port: str) -> None:
        self.url = f"http://127.0.0.1:{port}/v1"
        self._counts = f"http://127.0.0.1:{port}/counts"

    def counts(self) -> Counts:
        with urllib.request.urlopen(self._counts, timeout=30) as answer:
            found: dict[str, Any] = json.load(answer)
        return Counts(**found)


@contextlib.contextmanager
def storm(**options: float | bool | str) -> Iterator[Weather]:
    """A server in a process of its own, with the options of storm.py; ends with the block."""
    arguments = []
    for name, value in options.items():
        arguments += [f"--{name}"] if value is True else [f"--{name}", str(value)]
    command = [sys.executable, str(_SERVER), *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdin
        ready = process.stdout.readline()
        if not ready.startswith("serving on 127.0.0.1 port "):
            raise RuntimeError(f"{_SERVER.name} did not start")
        try:
            yield Weather(ready.split()[-1])
        finally:
            process.stdin.close()
            process.wait(30)
