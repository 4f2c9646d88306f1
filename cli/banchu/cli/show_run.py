"""A whole run on one screen: configuration, numbers, and a strip of verdicts for every episode."""

from __future__ import annotations

from dataclasses import asdict

from banchu.analysis.run import summarise_ledger
from banchu.cli.output import console, print_json, print_table
from banchu.cli.runs import check_arm
from banchu.core.episode import EpisodeRecord, JudgedAttempt
from banchu.core.verdict import VerdictKind
from banchu.experiments.ledger import Ledger
from banchu.experiments.rundir import stored_config

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


def run_as_text(ledger: Ledger, arm: str | None, repeat: int | None) -> None:
    from banchu.analysis.tables import print_summary

    config = stored_config(ledger)
    check_arm(config, arm)
    sampling = config.sampling
    print(f"run        {ledger.path.parent}")
    print(f"benchmark  {config.benchmark}, {len(config.tasks)} tasks, sha256 {config.benchmark_digest[:12]}")
    print(f"model      {config.model}, asked in {config.style} style")
    print(
        f"sampling   temperature {sampling.temperature}, top_p {sampling.top_p}, max_tokens {sampling.max_tokens}, "
        f"seed {config.seed}"
    )
    print(f"judge      {config.isolation}" + (f", each attempt {config.confirm} times" if config.confirm > 1 else ""))
    bought = ledger.purchased()
    print(f"bought     {bought.prompt_tokens} prompt + {bought.completion_tokens} completion tokens, each call once")
    print()
    print_summary(summarise_ledger(ledger), console(), detail=True)
    episodes = _wanted(ledger.episodes(), arm, repeat)
    arms = [name for name in config.arms if arm in (None, name)]
    strips: dict[tuple[str, int], dict[str, str]] = {}
    for episode in episodes:
        strips.setdefault((episode.task_id, episode.repeat), {})[episode.arm] = _strip(episode)
    rows = [
        [task if config.repeats == 1 else f"{task} #{n}", *(strip.get(name) for name in arms)]
        for (task, n), strip in strips.items()
    ]
    print_table(("task", *arms), rows, title="Verdicts by round")
    print("; ".join(f"{mark} {kind}" for kind, mark in _MARKS.items()) + "; ? unjudged; ! model error")


def run_as_json(ledger: Ledger, arm: str | None, repeat: int | None) -> None:
    config = stored_config(ledger)
    check_arm(config, arm)
    print_json(
        {
            "folder": str(ledger.path.parent),
            "config": config.to_json(),
            "bought": asdict(ledger.purchased()),
            "summary": summarise_ledger(ledger).to_json(),
            "episodes": [
                {
                    "task_id": e.task_id,
                    "arm": e.arm,
                    "repeat": e.repeat,
                    "status": e.status,
                    "stopped_by": e.stopped_by,
                    "oracle_calls": e.oracle_calls,
                    "error": e.error,
                    "verdicts": [None if a.verdict is None else a.verdict.kind for a in e.attempts],
                }
                for e in _wanted(ledger.episodes(), arm, repeat)
            ],
        }
    )


def _wanted(episodes: list[EpisodeRecord], arm: str | None, repeat: int | None) -> list[EpisodeRecord]:
    return [e for e in episodes if arm in (None, e.arm) and repeat in (None, e.repeat)]


def _strip(episode: EpisodeRecord) -> str:
    marks = "".join(_mark(attempt) for attempt in episode.attempts)
    if episode.status == "failed":
        return marks + "!"
    return marks if episode.stopped_by == "rounds" else f"{marks} ({episode.stopped_by})"


def _mark(attempt: JudgedAttempt) -> str:
    return "?" if attempt.verdict is None else _MARKS[attempt.verdict.kind]
