"""What `banchu audit` shows: progress, claims beside verdicts, flips by round, and what does not fit."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from banchu.analysis.layout import bounds
from banchu.analysis.logged import Claimed, last_attempts, logged_table, rounds_of, to_json
from banchu.analysis.reading import percent
from banchu.cli.audit_gate import GateReport, gate_report
from banchu.cli.bar import Bar
from banchu.cli.judging import Session, end_if_interrupted, judge_all, until_interrupted
from banchu.cli.output import print_json, print_table
from banchu.experiments.audit import JudgedLog, Misfit, find_misfits
from banchu.experiments.audit.few_shots import overlapping
from banchu.experiments.audit.own_tests import replay, with_tests

if TYPE_CHECKING:
    from banchu.analysis.audit import GateRates
    from banchu.analysis.logged import Judged, RoundOfLog
    from banchu.experiments.audit import Log
    from banchu.experiments.audit.formats import Gate
    from banchu.experiments.audit.own_tests import Replayed

DOES_NOT_FIT = 7
"""The exit code."""
_ROWS = 12
"""Of the table of rounds."""
_NAMED = 8
"""Tasks that are listed by name."""


@dataclass
class Audit:
    """One command."""

    session: Session
    log: Log
    gate: Gate | None
    """What is said to gate the loop."""
    rates: GateRates | None
    """How often it is said to err."""
    few_shots: str
    """What the model was shown, from a file of the user's."""


@dataclass(frozen=True)
class _Report:
    judged: JudgedLog
    rounds: list[RoundOfLog]
    last: Judged
    claimed: Claimed
    gate: GateReport
    misfits: list[Misfit]


class _ReplayBar(Bar):
    def __init__(self, total: int) -> None:
        super().__init__()
        self._done, self._total = 0, total

    def found(self) -> None:
        self._done += 1
        self.show()

    def parts(self) -> tuple[int, int]:
        return self._done, self._total

    def line(self) -> str:
        return f"tests of the log {self._done}/{self._total}"


def drive(audit: Audit, *, as_json: bool, exit_zero: bool) -> None:
    """Judge, replay, print. Exits 130 when interrupted, 1 when some are unjudged, 7 when something does not fit."""
    begun = time.monotonic()
    judge_all(audit.session)
    end_if_interrupted(audit.session)
    judged = JudgedLog(audit.log, audit.session.benchmark, audit.session.verdicts.findings)
    report = _report(audit, judged, _replayed(judged, audit.session))
    if as_json:
        print_json(_as_json(audit, report, time.monotonic() - begun))
    else:
        _print(audit, report, time.monotonic() - begun)
    if report.last.unjudged:
        raise typer.Exit(1)
    if any(misfit.odd for misfit in report.misfits) and not exit_zero:
        raise typer.Exit(DOES_NOT_FIT)


def _replayed(judged: JudgedLog, session: Session) -> list[Replayed]:
    with _ReplayBar(len(with_tests(judged))) as bar, until_interrupted(bar) as stop:
        found = []
        for each in replay(judged, session.judge, stop=stop):
            found.append(each)
            bar.found()
        if stop():
            raise typer.Exit(130)
    return found


def _report(audit: Audit, judged: JudgedLog, replayed: list[Replayed]) -> _Report:
    ids = judged.benchmark.ids
    table = logged_table(judged.outcomes, ids)
    gate = gate_report(judged, audit.gate, audit.rates, replayed)
    few_shots = overlapping(audit.log, judged.benchmark, audit.few_shots)
    misfits = [*gate.misfits, *few_shots, *find_misfits(judged)]
    return _Report(
        judged,
        rounds_of(table),
        last_attempts(table, ids),
        _claimed(judged),
        gate,
        sorted(misfits, key=lambda misfit: not misfit.odd),
    )


def _claimed(judged: JudgedLog) -> Claimed:
    known = [entry for entry in judged.log.entries if entry.task]
    claims = [entry.claimed for entry in known if entry.claimed is not None]
    stated = [entry.row.accuracy for entry in judged.log.entries if entry.row.accuracy is not None]
    return Claimed(
        sum(claims),
        len(claims),
        len({entry.task_id for entry in known}),
        len(judged.benchmark.ids),
        stated[-1] if stated else None,
    )


def _as_json(audit: Audit, report: _Report, wall_s: float) -> dict[str, Any]:
    session, log = audit.session, audit.log
    return {
        "log": log.label,
        "format": log.format.name,
        "benchmark": session.benchmark.name,
        "benchmark_tasks": len(session.benchmark.ids),
        "records": len(log.entries),
        "records_left_out": log.left_out,
        "attempts": len(session.wanted),
        "reused": session.reused,
        "isolation": session.judge.isolation,
        "verdicts": None if session.verdicts.path is None else str(session.verdicts.path),
        "wall_s": round(wall_s, 3),
        **to_json(report.rounds, report.last, report.claimed),
        "gate": report.gate.to_json(),
        "fits": not any(misfit.odd for misfit in report.misfits),
        "misfits": [misfit.to_json() for misfit in report.misfits],
    }


def _print(audit: Audit, report: _Report, wall_s: float) -> None:
    session, log = audit.session, audit.log
    left_out = f", {log.left_out} about other tasks left out" if log.left_out else ""
    print(f"{log.label}: {log.format.name}, {len(log.entries)} records{left_out}, {len(session.wanted)} attempts")
    print()
    for line in _accuracies(report, session.benchmark.name):
        print(line)
    if len(report.rounds) > 1:
        print()
        _print_rounds(report.rounds)
    for line in report.gate.lines:
        print(line)
    print()
    odd = [misfit for misfit in report.misfits if misfit.odd]
    print(f"does not fit: {len(odd)}" if odd else "nothing found that does not fit")
    for misfit in report.misfits:
        print(f"{'!' if misfit.odd else '·'} {misfit.code}: {misfit.says}{_named(misfit)}")
    if odd:
        print("this is evidence about the log; another version of tests, judge or log may explain it")
    if reused := session.reused:
        print(f"{reused} verdicts were in the file already; --fresh judges all again")
    print(f"isolation {session.judge.isolation}, {wall_s:.1f} s wall")
    if session.verdicts.path:
        print(f"verdicts: {session.verdicts.path}")


def _accuracies(report: _Report, benchmark: str) -> list[str]:
    claimed, last = report.claimed, report.last
    lines = []
    if claimed.records:
        lines.append(
            f"claimed   {claimed.solved} of {claimed.records} records that claim anything, "
            f"{percent(claimed.solved / claimed.records)}; of the {claimed.benchmark} tasks of {benchmark} "
            f"{percent(claimed.solved / claimed.benchmark)}"
        )
    if claimed.stated is not None:
        lines.append(f"stated    {percent(claimed.stated)}, the log's own running accuracy at its end")
    lines.append(
        f"judged    {last.solved} of {last.judged} last attempts, {percent(last.over_log)}; of the {claimed.benchmark} "
        f"tasks {percent(last.over_benchmark)} (95 %: {bounds(last.interval)}), those not in the log as not solved"
    )
    if last.unjudged:
        lines.append(f"unjudged  {last.unjudged} last attempts, in no figure; the same command tries them again")
    return lines


def _print_rounds(rounds: list[RoundOfLog]) -> None:
    shown = rounds if len(rounds) <= _ROWS else [*rounds[: _ROWS - 1], rounds[-1]]
    most = max(each.known for each in rounds)
    rows = []
    for each in shown:
        step, whole = each.from_previous, each.from_first
        rows.append(
            (
                f"r{each.round}",
                f"{each.solved}/{each.known}",
                None if each.known < most or not most else percent(each.solved / each.known),
                step and step.correct_incorrect,
                step and step.incorrect_correct,
                whole and whole.correct_incorrect,
                whole and whole.incorrect_correct,
                whole and whole.n,
            )
        )
    print_table(
        ("round", "solved", "accuracy", "c→i", "i→c", "c→i since r0", "i→c since r0", "of"),
        rows,
        title="Last attempts by round, of the records whose outcome is known",
    )
    if any(each.known < most for each in shown):
        print("no accuracy where the log does not hold every attempt: which ones it holds is no accident")


def _named(misfit: Misfit) -> str:
    if not misfit.tasks:
        return ""
    more = f" and {len(misfit.tasks) - _NAMED} more" if len(misfit.tasks) > _NAMED else ""
    return f" ({', '.join(misfit.tasks[:_NAMED])}{more})"
