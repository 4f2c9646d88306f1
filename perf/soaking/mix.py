"""What is judged: two thirds HumanEval's references, one third hostile, in one order that repeats."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from banchu.core.errors import SandboxError
from banchu.core.sealed import SealedTests, TestSuite
from banchu.core.verdict import Verdict
from banchu.sandbox import Judge
from judging import programs

BLOCK = 1000
"""Judgements after which the mix begins anew, so that two blocks can be compared."""
_QUICK_S = 0.2
_SLOW_ONES = 4
"""Cases of a block that take longer, as one that meets its CPU limit."""


@dataclass(frozen=True)
class Item:
    """One judgement, and what may come of it."""

    name: str
    sealed: SealedTests
    code: str
    allowed: frozenset[str]

    def numbered(self, number: int) -> str:
        """Its source, in other bytes each time."""
        return f"{self.code}\n# {number}\n"


@contextmanager
def hostile(tier: str) -> Iterator[list[Item]]:
    """The corpus of tests/escapes, with the canaries it aims at. Their harm is the tests' to see, not ours."""
    sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))
    from escapes.corpus import KINDS  # type: ignore[import-not-found]
    from escapes.host import Host  # type: ignore[import-not-found]

    with ExitStack() as stack:
        host = Host()
        stack.callback(host.close)
        yield [
            Item(
                case.name,
                SealedTests(TestSuite(case.check, "f", "", "")),
                case.program(host.targets),
                frozenset(case.allowed),
            )
            for kind, cases in KINDS.items()
            for case in cases
            if kind != "controls" and not (case.waits or case.slow or case.restarts)
            if not case.tiers or tier in case.tiers
        ]


def innocent() -> list[Item]:
    """HumanEval's reference solutions."""
    return [Item(p.task_id, p.sealed, p.code, frozenset({"passed"})) for p in programs.load()]


def quick(judge: Judge, cases: list[Item]) -> tuple[list[Item], list[Item]]:
    """Those that end soon, and a few of the others: each is judged once to see."""
    soon: list[Item] = []
    late: list[Item] = []
    for case in cases:
        start = time.perf_counter()
        try:
            judge.judge_sync(case.sealed, case.code)
        except SandboxError:
            continue  # unjudged here: the tests of the corpus say why
        (soon if time.perf_counter() - start < _QUICK_S else late).append(case)
    return soon, late[:_SLOW_ONES]


def block(references: list[Item], soon: list[Item], late: list[Item], size: int = BLOCK) -> list[Item]:
    """The mix, in an order that is the same in every run."""
    third = size // 3
    bad = late + [soon[number % len(soon)] for number in range(third - len(late))]
    good = [references[number % len(references)] for number in range(size - third)]
    mixed = bad + good
    random.Random(0).shuffle(mixed)
    return mixed


def wrong(item: Item, verdict: Verdict | None, error: str) -> str:
    """What is wrong with an outcome, or nothing."""
    if verdict is None:
        return f"{item.name}: unjudged: {error}"
    return "" if verdict.kind in item.allowed else f"{item.name}: {verdict.kind}: {verdict.error[:100]}"
