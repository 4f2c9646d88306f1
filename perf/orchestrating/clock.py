"""Wall time and CPU of what happens in a block, start of the interpreter and imports left out."""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Found(dict[str, Any]):
    """What a row found; printed as one line of JSON."""

    def print(self) -> None:
        print(json.dumps(self))


@contextmanager
def measured() -> Iterator[Found]:
    """`wall_s`, `cpu_s` (all threads) and `rss_mib` (the peak) of the block, once it has ended."""
    found = Found()
    wall, cpu = time.monotonic(), time.process_time()
    yield found
    found["wall_s"] = time.monotonic() - wall
    found["cpu_s"] = time.process_time() - cpu
    found["rss_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def kib(folder: str) -> float:
    """What lies in a folder, in KiB."""
    return sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file()) / 1024
