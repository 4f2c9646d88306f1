"""Sealed tests: the half of a task that only the judge may open.

The wall, part one. An import contract forbids this module to agents, graphs, memory, models and analysis, so none of
their code can name `unseal`; a `SealedTests` that reached them by accident shows only its digest, has no public
attribute, and refuses to be pickled, copied into JSON or formatted into a prompt.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import NoReturn


@dataclass(frozen=True, slots=True)
class TestSuite:
    """What is inside: trusted Python source of the benchmark."""

    __test__ = False  # pytest must not collect a class for its name

    check: str
    """Source that defines `check(candidate)`, which raises (AssertionError as a rule) unless the candidate is right."""
    entry_point: str
    """The name under which the check may also call the candidate."""
    context: str
    """Trusted source that runs before the check (the public prompt: its imports and helper functions)."""
    reference: str
    """A whole program that passes: the benchmark's own solution."""


class SealedTests:
    """An opaque handle on a `TestSuite`; `unseal` opens it."""

    __slots__ = ("__suite", "digest")

    def __init__(self, suite: TestSuite) -> None:
        self.__suite = suite
        parts = (suite.check, suite.entry_point, suite.context, suite.reference)
        self.digest: str = hashlib.sha256("\0".join(parts).encode()).hexdigest()
        """sha256 of the content: names the tests in caches and in the ledger without showing them."""

    def __repr__(self) -> str:
        return f"SealedTests(sha256={self.digest[:12]})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("sealed tests are not serialised: they travel only from a benchmark to the judge")

    def __format__(self, _spec: str) -> NoReturn:
        raise TypeError("sealed tests cannot be formatted into text")

    def _open(self) -> TestSuite:
        return self.__suite


def unseal(sealed: SealedTests) -> TestSuite:
    """The tests inside. Call it in the judge, in the prompt scan and in tests of banchu; nowhere else."""
    return sealed._open()
