"""What does not fit in a log: counts, tasks and a sentence each. Evidence, not a verdict on who wrote it."""

from __future__ import annotations

import ast
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

from banchu.agents.program import is_stub
from banchu.benchmarks.reading import parsed
from banchu.core.sealed import unseal
from banchu.experiments.audit.judged import JudgedLog
from banchu.experiments.audit.log import Entry, LoggedAttempt
from banchu.experiments.audit.rows import shown

_PROGRAMS: Final = 3
"""Of those that several tasks have, the commonest are shown."""


_BLANKS: Final = 3
"""Failures from which on it is worth a word that none of them holds a program."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """One thing that does not fit."""

    code: str
    """Its name, for programs."""
    says: str
    """One sentence with its counts."""
    tasks: tuple[str, ...] = ()
    """Those that it is about, in the order of the log."""
    odd: bool = True
    """False: worth knowing, and no reason to doubt the figures."""

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "tasks": list(self.tasks)}


def find_misfits(judged: JudgedLog) -> list[Misfit]:
    """Everything that can be seen without knowing what gated the loop, the odd things first."""
    found = [*_of_claims(judged), *_of_tasks(judged), *_of_programs(judged), *_of_records(judged)]
    return sorted(found, key=lambda misfit: not misfit.odd)


def _of_claims(judged: JudgedLog) -> Iterator[Misfit]:
    claims = list(judged.claims)
    blank = [entry for entry, attempt in claims if attempt.claimed and not attempt.text.strip()]
    if blank:
        yield Misfit(
            "solved-without-solution",
            f"{_of(len(blank), 'claimed solution')} {_is(blank)} blank: the log says solved and holds no program",
            _ids(blank),
        )
    solved = [(entry, a) for entry, a in claims if a.claimed and a.text.strip() and judged.verdict(a)]
    failing = [(entry, attempt) for entry, attempt in solved if judged.passed(attempt) is False]
    if failing:
        kinds = Counter(verdict.kind for _, attempt in failing if (verdict := judged.verdict(attempt)))
        how = ", ".join(f"{kind} {count}" for kind, count in kinds.most_common())
        yield Misfit(
            "claimed-solved-fails",
            f"{len(failing)} of {_of(len(solved), 'program')} claimed to be right fail the sealed tests here: {how}",
            _ids(entry for entry, _ in failing),
        )
    failed = [(entry, a) for entry, a in claims if a.claimed is False and judged.verdict(a)]
    passing = [entry for entry, attempt in failed if judged.passed(attempt)]
    if passing:
        yield Misfit(
            "claimed-failed-passes",
            f"{len(passing)} of {_of(len(failed), 'program')} claimed to be wrong pass the sealed tests here",
            _ids(passing),
        )


def _of_tasks(judged: JudgedLog) -> Iterator[Misfit]:
    log, benchmark = judged.log, judged.benchmark
    unknown = [entry for entry in log.entries if entry.task is None]
    if unknown:
        yield Misfit(
            "task-unknown",
            f"{_of(len(unknown), 'record')} {_is(unknown)} about tasks that {benchmark.name} has not, and in no figure",
            _ids(unknown),
        )
    times = Counter((entry.task.id, entry.repeat) for entry in log.entries if entry.task)
    twice = [task for (task, _), count in times.items() if count > 1]
    if twice:
        yield Misfit(
            "task-twice",
            f"{_of(len(twice), 'task')} {_is(twice)} in the log more than once; the first record of each counts here",
            tuple(twice),
        )
    there = {entry.task_id for entry in log.counted}
    missing = [task for task in benchmark.ids if task not in there]
    if missing:
        yield Misfit(
            "task-missing",
            f"{len(missing)} of {len(benchmark.ids)} tasks of {benchmark.name} {_is(missing)} not in the log; an "
            f"accuracy over the others is not one over {benchmark.name}",
            tuple(missing),
        )


def _of_programs(judged: JudgedLog) -> Iterator[Misfit]:
    """The same function for several tasks is a sign of state that was carried from one to the next."""
    tasks: dict[str, dict[str, None]] = defaultdict(dict)
    for entry in judged.log.counted:
        for attempt in entry.attempts:
            if "def " in attempt.text:  # short bodies may well be the same
                tasks[attempt.text.strip()][entry.task_id] = None
    shared = sorted((item for item in tasks.items() if len(item[1]) > 1), key=lambda item: -len(item[1]))
    for text, ids in shared[:_PROGRAMS]:
        head = next(line.strip() for line in text.split("\n") if "def " in line)
        yield Misfit(
            "same-program",
            f"{len(ids)} tasks have the same program (`{shown(head[:80])}`) among their attempts, as if something "
            f"had been kept from task to task",
            tuple(ids),
        )


def _of_records(judged: JudgedLog) -> Iterator[Misfit]:
    counted = judged.log.counted
    nothing = [entry for entry in counted if not entry.row.attempts]
    if nothing:
        yield Misfit(
            "no-program-logged",
            f"{_of(len(nothing), 'record')} {'holds' if len(nothing) == 1 else 'hold'} no attempt, so nothing of "
            f"{'it' if len(nothing) == 1 else 'them'} can be judged again",
            _ids(nothing),
        )
    hidden = [entry for entry in counted if entry.row.attempts and entry.touched and entry.first is None]
    if hidden:
        yield Misfit(
            "first-attempt-not-logged",
            f"of {_of(len(hidden), 'task')} that went on after the first attempt, the first attempt is not in the log",
            _ids(hidden),
            odd=False,
        )
    pairs = [(e, a, b) for e in counted for a, b in zip(e.attempts, e.attempts[1:], strict=False)]
    same = [entry for entry, a, b in pairs if a.text.strip() and a.text.strip() == b.text.strip()]
    if same:
        yield Misfit(
            "attempt-repeated",
            f"{len(same)} of {_of(len(pairs), 'retry', 'retries')} say what the attempt before said",
            _ids(same),
            odd=False,
        )
    yield from _of_blanks(judged)
    yield from _of_tests(judged)


def _of_blanks(judged: JudgedLog) -> Iterator[Misfit]:
    """A log that keeps a program only where it passes was written by somebody who knew the verdict."""
    counted = judged.log.counted
    for which, pairs in (("first", [(e, e.first) for e in counted]), ("last", [(e, e.last) for e in counted])):
        right = [entry for entry, attempt in pairs if judged.passed(attempt)]
        wrong = [(entry, attempt) for entry, attempt in pairs if attempt and judged.passed(attempt) is False]
        if right and len(wrong) >= _BLANKS and all(_is_blank(attempt, entry) for entry, attempt in wrong):
            yield Misfit(
                f"wrong-{which}-blank",
                f"all {len(wrong)} {which} attempts that fail hold no program, and all {len(right)} that hold one "
                f"pass, as if what stands in the log had been chosen by its verdict",
                _ids(entry for entry, _ in wrong),
                odd=False,
            )


def _is_blank(attempt: LoggedAttempt, entry: Entry) -> bool:
    """Nothing, or a function without a body."""
    module = parsed(attempt.text)
    name = entry.task.entry_point if entry.task else ""
    heads = [node for node in module.body if getattr(node, "name", "") == name] if module else []
    return not attempt.text.strip() or (bool(heads) and all(map(is_stub, heads)))


def _of_tests(judged: JudgedLog) -> Iterator[Misfit]:
    checks = {pair.task.id: unseal(pair.sealed).check for pair in judged.benchmark.tasks}
    held = [entry for entry in judged.log.counted if entry.row.hidden.strip()]
    other = [entry for entry in held if _plain(entry.row.hidden) != _plain(checks[entry.task_id])]
    if other:
        yield Misfit(
            "other-tests",
            f"{len(other)} of {_of(len(held), 'record')} hold hidden tests that are not {judged.benchmark.name}'s; "
            f"claims made on other tests need not hold on these",
            _ids(other),
            odd=False,
        )


def _plain(source: str) -> str:
    """Without layout."""
    module = parsed(source)
    return ast.dump(module) if module else source.strip()


def _ids(entries: Iterable[Entry]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(entry.task_id for entry in entries))


def _of(count: int, noun: str, plural: str = "") -> str:
    return f"{count} {noun if count == 1 else plural or noun + 's'}"


def _is(items: list[Any]) -> str:
    return "is" if len(items) == 1 else "are"
