"""What a table of averages hides: each flip by name, and everything that is not an ordinary wrong answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from banchu.analysis.figures.tasks import flips
from banchu.analysis.figures.views import ArmView
from banchu.analysis.outcomes import Unit
from banchu.analysis.report.markdown import as_table
from banchu.core.episode import EpisodeRecord, JudgedAttempt

FLIPS_UP_TO = 200
NAMES_UP_TO = 30


def flip_list(arms: Sequence[ArmView]) -> str:
    """A row for each flip between neighbouring rounds, by task."""
    order = {task: n for n, task in enumerate(arms[0].table.task_ids)} if arms else {}
    found = sorted(
        (order[unit[0]], n, unit[1], round_, unit, change)
        for n, view in enumerate(arms)
        for (unit, round_), change in flips(view).items()
    )
    if not found:
        return "No answer changed from incorrect to correct or back."
    rows = [
        (name(unit), arms[n].arm.name, f"r{round_ - 1} → r{round_}", change, _kinds(arms[n], unit, round_))
        for _, n, _, round_, unit, change in found[:FLIPS_UP_TO]
    ]
    table = as_table(("task", "arm", "rounds", "flip", "verdicts"), rows)
    rest = len(found) - FLIPS_UP_TO
    return f"{table}\n\n{rest} more are not listed; `banchu export` has them." if rest > 0 else table


def apart(arms: Sequence[ArmView]) -> str:
    """What is missing, failed, unjudged, cut or without a program, arm by arm, with names."""
    parts = []
    for title, which in _KINDS:
        rows = [(view.arm.name, len(names), _few(names)) for view in arms if (names := [name for name in which(view)])]
        if rows:
            parts.append(f"**{title}**\n\n{as_table(('arm', 'n', 'which'), rows, ('---', '---:', '---'))}")
    return "\n\n".join(parts) or "Nothing: every planned episode ended well, and every attempt was judged and whole."


def name(unit: Unit) -> str:
    """`HumanEval/3`, with its repeat where that is not the first."""
    task_id, repeat = unit
    return task_id if repeat == 0 else f"{task_id} repeat {repeat}"


def _kinds(view: ArmView, unit: Unit, round_: int) -> str:
    attempts = {judged.attempt.round: judged for judged in view.table.episodes[unit].attempts}
    found = (attempts.get(r) for r in (round_ - 1, round_))
    return " → ".join("–" if a is None or a.verdict is None else a.verdict.kind for a in found)


def _not_run(view: ArmView) -> Iterator[str]:
    return (name(unit) for unit in view.table.missing)


def _failed(view: ArmView) -> Iterator[str]:
    return (f"{name(unit)}: {view.table.episodes[unit].error}" for unit in view.table.failed)


def _by_budget(view: ArmView) -> Iterator[str]:
    for unit, episode in view.table.episodes.items():
        if episode.stopped_by == "budget":
            yield f"{name(unit)} after r{episode.attempts[-1].attempt.round}"


def _filtered(view: ArmView) -> Iterator[str]:
    for unit, episode in view.table.episodes.items():
        for call in episode.calls:
            if call.finish_reason == "content_filter":
                yield f"{name(unit)} {call.role} r{call.round}"


def _attempts(holds: Callable[[JudgedAttempt], bool]) -> Callable[[ArmView], Iterator[str]]:
    def of(view: ArmView) -> Iterator[str]:
        for unit, episode in view.table.episodes.items():
            for judged in episode.attempts:
                if holds(judged):
                    yield f"{name(unit)} r{judged.attempt.round}"

    return of


def _other_replies_cut(view: ArmView) -> Iterator[str]:
    for unit, episode in view.table.episodes.items():
        for call in _cut(episode):
            yield f"{name(unit)} {call}"


def _cut(episode: EpisodeRecord) -> list[str]:
    return [f"{c.role} r{c.round}" for c in episode.calls if c.finish_reason == "length" and c.role != "actor"]


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMES_UP_TO} more" if len(names) > NAMES_UP_TO else ""
    return ", ".join(names[:NAMES_UP_TO]) + more


_KINDS: tuple[tuple[str, Callable[[ArmView], Iterator[str]]], ...] = (
    ("Not run: counted as not solved", _not_run),
    ("Ended by a model error: counted as not solved from there", _failed),
    ("Unjudged, because the judge itself failed: left out of the averages", _attempts(lambda j: j.verdict is None)),
    ("Ended by the episode's own budget: the last attempt is the answer", _by_budget),
    ("Replies that a content filter ended", _filtered),
    ("Attempts that were cut by the token limit: judged as they are", _attempts(lambda j: j.attempt.truncated)),
    ("Other replies that were cut by the token limit", _other_replies_cut),
    ("Attempts that held no program: not solved", _attempts(lambda j: j.attempt.code is None)),
)
