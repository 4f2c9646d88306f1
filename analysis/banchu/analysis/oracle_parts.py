"""The oracle taken apart: what its stopping gives, what its content adds, and what the two do together.

An oracle that is shown and stops does two things at once: it never lets a right answer be touched again, and it says
what is wrong. Four arms separate them, two by two: {stop by oracle: no, yes} x {content shown: no, yes}. Without
content, "no stop" is fresh samples (`none`) and "stop" keeps the first right one (`oracle_stop`).

Source of the separation: Huang et al. 2024 (arXiv 2310.01798), who name the oracle's stopping and its feedback as two
things; intervals as in `intervals`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from banchu.analysis.compare import ArmData
from banchu.analysis.intervals import Interval, paired_interval
from banchu.analysis.outcomes import OutcomeTable, Unit
from banchu.core.arm import Arm
from banchu.core.controls import canonical


@dataclass(frozen=True, slots=True)
class Cell:
    """One of the four arms, on the units that all four share."""

    arm: str
    stops: bool
    shows: bool
    solved: int
    accuracy: float | None


@dataclass(frozen=True, slots=True)
class Gain:
    """A difference of accuracies, with an interval by task."""

    value: float | None
    interval: Interval | None


@dataclass(frozen=True, slots=True)
class OracleParts:
    """One two-by-two. With an arm missing the cells and gains are empty, and `missing` says what to run."""

    content: str
    """The source whose content is taken apart, such as `oracle_trace`."""
    missing: tuple[str, ...]
    """Arms that the run does not have."""
    tasks: int
    units: int
    """(task, repeat) units run and judged in all four."""
    cells: tuple[Cell, ...]
    """In the order: neither, stop only, content only, both."""
    stop_gain: Gain | None
    """Stopping, without content: `oracle_stop` minus `none`."""
    stop_gain_with_content: Gain | None
    information_gain: Gain | None
    """Content, without stopping: content minus `none`. Whether the model can use what it is told, harm included."""
    information_gain_with_stop: Gain | None
    """Content, with stopping: what an oracle arm has beyond keeping the first right sample."""
    interaction: Gain | None
    """Either gain with the other minus without it. Negative: both repair the same tasks, or stopping hides breaks."""


def oracle_parts(arms: Sequence[ArmData]) -> tuple[OracleParts, ...]:
    """One two-by-two for each kind of oracle content in the arms, in their order. Empty without oracle content.

    The arms are of one run, or planned alike. Raises DataError where an episode is recorded twice.
    """
    known = {_canonical(data.arm): data for data in arms}
    contents = dict.fromkeys(replace(_canonical(data.arm), stop="oracle") for data in arms if data.arm.oracle_content)
    return tuple(_parts(content, known) for content in contents)


def _parts(content: Arm, known: dict[Arm, ArmData]) -> OracleParts:
    plain = [replace(Arm.parse(source), tools=content.tools) for source in ("none", "oracle_stop")]
    wanted = [*plain, replace(content, stop="rounds"), content]
    missing = tuple(arm.name for arm in wanted if arm not in known)
    if missing:
        return OracleParts(content.name, missing, 0, 0, (), None, None, None, None, None)
    data = [known[arm] for arm in wanted]
    rounds = min(each.rounds for each in data)  # a control may have more, to spend as much
    data = [replace(each, rounds=rounds) for each in data]
    rows = _shared([each.table() for each in data])
    n = len(rows)
    solved = [sum(row[index] for row in rows.values()) for index in range(4)]

    def gain(*weights: int) -> Gain:
        by_task: dict[str, tuple[int, int]] = {}
        for (task_id, _), row in rows.items():
            total, pairs = by_task.get(task_id, (0, 0))
            by_task[task_id] = (total + sum(w * o for w, o in zip(weights, row, strict=True)), pairs + 1)
        value = sum(total for total, _ in by_task.values()) / n if n else None
        return Gain(value, paired_interval(by_task.values(), furthest=2 if all(weights) else 1))

    return OracleParts(
        content=content.name,
        missing=(),
        tasks=len({task_id for task_id, _ in rows}),
        units=n,
        cells=tuple(
            Cell(each.arm.name, index in (1, 3), index in (2, 3), solved[index], solved[index] / n if n else None)
            for index, each in enumerate(data)
        ),
        stop_gain=gain(-1, 1, 0, 0),
        stop_gain_with_content=gain(0, 0, -1, 1),
        information_gain=gain(-1, 0, 1, 0),
        information_gain_with_stop=gain(0, -1, 0, 1),
        interaction=gain(1, -1, -1, 1),
    )


def _shared(tables: Sequence[OutcomeTable]) -> dict[Unit, tuple[bool, ...]]:
    """The last outcomes of the units that were run and judged in all tables."""
    rows: dict[Unit, tuple[bool, ...]] = {}
    for unit in tables[0].units:
        last = [table.outcomes[unit][-1] for table in tables if unit in table.episodes]
        judged = [outcome for outcome in last if outcome is not None]
        if len(judged) == len(tables):
            rows[unit] = tuple(judged)
    return rows


def _canonical(arm: Arm) -> Arm:
    """As `controls.canonical`; and accepting is passing for the oracle."""
    plain = canonical(arm)
    return replace(plain, stop="oracle") if plain.oracle_content and plain.stop == "accepted" else plain


def sentences(parts: Iterable[OracleParts]) -> tuple[str, ...]:
    """Each two-by-two in words, or which arms it lacks."""
    return tuple(_sentence(part) for part in parts)


def _sentence(part: OracleParts) -> str:
    if part.missing:
        return f"the oracle of {part.content} is not taken apart: the run lacks {', '.join(part.missing)}"
    if not part.units:
        return f"the oracle of {part.content} is not taken apart: no unit is judged in all four arms"
    return (
        f"the oracle of {part.content}, on {part.units} units of {part.tasks} tasks: stopping alone gives "
        f"{_points(part.stop_gain)}, its content on top {_points(part.information_gain_with_stop)}; content that may "
        f"not stop gives {_points(part.information_gain)}"
    )


def _points(gain: Gain | None) -> str:
    from banchu.analysis.layout import points

    if gain is None or gain.value is None:
        return "nothing known"
    if gain.interval is None:
        return f"{points(gain.value)} points"
    return f"{points(gain.value)} points ({points(gain.interval.low)} to {points(gain.interval.high)})"
