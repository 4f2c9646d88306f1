"""The modules of the standard library that every candidate inherits, so that it need not import them.

They are loaded before the cell's own modules, whose objects then lie together: those are what each candidate writes to.
"""

from __future__ import annotations

import importlib

# fmt: off
_MODULES = (
    "bisect", "cmath", "collections", "copy", "dataclasses", "datetime", "decimal", "enum", "fractions", "functools",
    "hashlib", "heapq", "itertools", "json", "linecache", "math", "operator", "random", "re", "statistics", "string",
    "textwrap", "time", "traceback", "types", "typing",
)
# fmt: on
_OF_THE_CELL = ("ctypes", "platform", "resource", "secrets", "select", "signal", "site", "socket")
"""What the cell imports itself."""


def load() -> None:
    """Import them all."""
    for name in _MODULES + _OF_THE_CELL:
        importlib.import_module(name)
