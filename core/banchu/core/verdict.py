"""What the judge says of an attempt. Every kind is the candidate's doing; a judge that failed raises instead.

`no_answer`: nothing could be extracted. `flaky`: judged several times with other random seeds, with other verdicts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

VerdictKind = Literal[
    "passed",
    "wrong_answer",
    "raised",
    "timed_out",
    "out_of_memory",
    "output_limit",
    "forbidden",
    "no_answer",
    "flaky",
]
VERDICT_KINDS: tuple[VerdictKind, ...] = get_args(VerdictKind)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The finding. `assertion`, `expected`, `actual`, `error` are sealed content: only oracle feedback shows them."""

    kind: VerdictKind
    tests_passed: int = 0
    """Assertions that held."""
    tests_total: int = 0
    """Assertions known: those reached, and those in the source that were not."""
    assertion: str = ""
    """Source of the first assertion that failed."""
    expected: str = ""
    """What the test wanted, as short Python text, where the assertion is a comparison."""
    actual: str = ""
    """What the candidate returned, as short Python text."""
    error: str = ""
    """The candidate's exception with the lines of its own traceback, or the limit it met."""
    stdout: str = ""
    """What the candidate printed, cut to a few kB."""
    cpu_s: float = 0.0
    """CPU seconds of the candidate's process."""
    wall_s: float = 0.0
    """Seconds from sending the candidate to its verdict."""
    isolation: str = "none"
    """The tier that held the candidate, such as `namespaces`."""

    @property
    def passed(self) -> bool:
        return self.kind == "passed"
