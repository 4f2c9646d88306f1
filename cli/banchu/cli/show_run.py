"""A whole run on one screen: configuration, numbers, and a strip of verdicts for every episode."""

from __future__ import annotations

from dataclasses import asdict

from banchu.analysis.null import guess_null
from banchu.analysis.report.provenance import spent_note
from banchu.analysis.run import summarise_ledger
from banchu.analysis.summary import RunSummary
from banchu.analysis.tool_use import tools_line
from banchu.cli.output import console, print_json, print_table
from banchu.cli.runs import check_arm
from banchu.core.episode import EpisodeRecord, JudgedAttempt
from banchu.core.verdict import VerdictKind
from banchu.experiments.config import RunConfig
from banchu.experiments.ledger import Ledger
from banchu.experiments.rundir import stored_config
from banchu.experiments.split import split_of

_MARKS: dict[VerdictKind, str] = {
    "passed": "+",
    "wrong_answer": "w",
    "raised": "r",
    "timed_out": "t",
    "out_of_memory": "m",
    "output_limit": "o",
    "forbidden": "f",
    "no_answer": "-",
    "flaky": "~",
}


def run_as_text(ledger: Ledger, arm: str | None, repeat: int | None, answers: int | None = None) -> None:
    from banchu.analysis.edits import arm_edits
    from banchu.analysis.quality_tables import edit_table
    from banchu.analysis.tables import print_summary, print_wide

    config = stored_config(ledger)
    check_arm(config, arm)
    summary = summarise_ledger(ledger)
    nulls = _guess_nulls(summary, answers)
    sampling = config.sampling
    print(f"run        {ledger.path.parent}")
    print(f"benchmark  {config.benchmark}, {len(config.tasks)} tasks, sha256 {config.benchmark_digest[:12]}")
    print(f"model      {config.model}, asked in {config.style} style")
    for part in ("critic", "reflector"):
        if other := getattr(config, part):
            print(f"{part:<9}  {other}")
    if line := tools_line(config.tools):
        print(f"tools      {line}")
    print(
        f"sampling   temperature {sampling.temperature}, top_p {sampling.top_p}, max_tokens {sampling.max_tokens}, "
        f"seed {config.seed}"
    )
    print(f"judge      {config.isolation}" + (f", each attempt {config.confirm} times" if config.confirm > 1 else ""))
    bought = ledger.purchased()
    thought = f" ({bought.reasoning_tokens} of reasoning)" if bought.reasoning_tokens else ""
    completion = f"{bought.completion_tokens} completion tokens{thought}"
    if (split := split_of(config)).train:
        print(f"memory     {len(split.train)} tasks write lessons (train), {len(split.test)} are measured")
    if config.memory_file or config.embedder:
        file = f", from a file, sha256 {config.memory_file[:12]}" if config.memory_file else ""
        print(f"lessons    found by {f'words and {config.embedder}' if config.embedder else 'words'}{file}")
    if config.episode_budget:
        print(f"episode    at most {config.episode_budget}")
    print(f"bought     {bought.prompt_tokens} prompt + {completion}, each call once")
    if spent := spent_note(ledger):
        print(f"stopped    {spent}")
    print()
    print_summary(summary, console(), detail=True)
    for name, null in nulls.items():
        reached = ", ".join(f"r{round_} {100 * value:.1f} %" for round_, value in enumerate(null))
        print(
            f"{name}: guessing among {answers} answers under its oracle, after its own first answers: {reached} "
            f"(less where a first answer was none of them; the arm `random` shows how much)"
        )
    every = ledger.episodes()
    measured = [episode for episode in every if episode.task_id in split.test]
    print_wide(console(), edit_table([arm_edits(name, measured) for name in config.arms]))
    episodes = _wanted(every, arm, repeat)
    arms = [name for name in config.arms if arm in (None, name)]
    strips: dict[tuple[str, int], dict[str, str]] = {}
    for episode in episodes:
        strips.setdefault((episode.task_id, episode.repeat), {})[episode.arm] = _strip(episode)
    rows = [[_label(task, n, config), *(strip.get(name) for name in arms)] for (task, n), strip in strips.items()]
    print_table(("task", *arms), rows, title="Verdicts by round")
    marks = [f"{mark} {kind}" for kind, mark in _MARKS.items()]
    print("; ".join([*marks, "? unjudged", "! model error", "→ the attempt chosen"]))


def run_as_json(ledger: Ledger, arm: str | None, repeat: int | None, answers: int | None = None) -> None:
    from banchu.analysis.edits import arm_edits

    config = stored_config(ledger)
    check_arm(config, arm)
    every, summary, train = ledger.episodes(), summarise_ledger(ledger), split_of(config).train
    measured = [episode for episode in every if episode.task_id not in train]
    print_json(
        {
            "folder": str(ledger.path.parent),
            "config": config.to_json(),
            "spent_budget": ledger.meta("spent"),
            "bought": asdict(ledger.purchased()),
            "summary": summary.to_json(),
            "guess_null": _guess_nulls(summary, answers),
            "edits": [asdict(arm_edits(name, measured)) for name in config.arms],
            "episodes": [
                {
                    "task_id": e.task_id,
                    "arm": e.arm,
                    "repeat": e.repeat,
                    **({"split": "train"} if e.task_id in train else {}),
                    "status": e.status,
                    "stopped_by": e.stopped_by,
                    "oracle_calls": e.oracle_calls,
                    "error": e.error,
                    "accepts": list(e.accepts),
                    "self_tests": [asdict(test) for test in e.self_tests],
                    "verdicts": [None if a.verdict is None else a.verdict.kind for a in e.attempts],
                }
                for e in _wanted(every, arm, repeat)
            ],
        }
    )


def _label(task: str, repeat: int, config: RunConfig) -> str:
    train = " (train)" if task in split_of(config).train else ""
    return f"{task}{train}" if config.repeats == 1 else f"{task}{train} #{repeat}"


def _guess_nulls(summary: RunSummary, answers: int | None) -> dict[str, tuple[float, ...]]:
    """By arm that an oracle stops: the accuracy by round of somebody who guesses where its first answer was wrong."""
    if answers is None:
        return {}
    first = {arm.arm: arm.accuracy[0].value for arm in summary.arms if arm.oracle_stops}
    return {name: guess_null(value, answers, summary.rounds) for name, value in first.items() if value is not None}


def _wanted(episodes: list[EpisodeRecord], arm: str | None, repeat: int | None) -> list[EpisodeRecord]:
    return [e for e in episodes if arm in (None, e.arm) and repeat in (None, e.repeat)]


def _strip(episode: EpisodeRecord) -> str:
    marks = "".join(_mark(attempt) for attempt in episode.attempts)
    if episode.status == "failed":
        return marks + "!"
    if episode.choices:
        marks += f" → {episode.answers[-1].attempt.round}"
    return marks if episode.stopped_by == "rounds" else f"{marks} ({episode.stopped_by})"


def _mark(attempt: JudgedAttempt) -> str:
    return "?" if attempt.verdict is None else _MARKS[attempt.verdict.kind]
