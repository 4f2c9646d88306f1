"""The recorded run that `banchu demo` replays: what it is, and what is said of it.

Its tasks are picked because something happens in them, so it shows what banchu prints and measures nothing; the words
below say so. It holds the answers of a real model. When a prompt changes, the answers that were recorded fit no longer,
and `python perf/record_demo.py` records them again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from banchu.analysis.summary import RunSummary
    from banchu.experiments.digest import LedgerDigest
    from banchu.experiments.launch import Invocation
    from banchu.experiments.ledger import Ledger

FILE: Final = "demo.jsonl.gz"
DIGEST: Final = "demo.digest.json"
# Also chosen so that what their programs raise is worded alike by Python 3.11 to 3.13: it is in the prompts and in the
# verdicts, and perf/replay_elsewhere.py compares the whole ledger.
TASKS: Final = (
    "squares_odd",
    "keep_odd",
    "strings_divisible_by_10",
    "cubes_odd",
    "strings_divisible_by_5",
    "sum_greater_than_3",
    "distinct_divisible_by_4",
    "any_greater_than_10",
)
ARMS: Final = ("none", "intrinsic", "self_tests", "oracle_trace")

INTRODUCTION: Final = f"""\
A recorded run, replayed: SmolLM2-135M-Instruct on {len(TASKS)} tasks of the benchmark `easy`, which were picked because
something happens in them. It is a demonstration and not a measurement. What the model said is in the recording; its
programs are run and judged here, now. No model, key or network is used.
"""


@contextmanager
def recorded() -> Iterator[Path]:
    """The recording that came with banchu, as a file."""
    with as_file(files("banchu.cli") / FILE) as path:
        yield path


def recorded_digest() -> LedgerDigest:
    """Of the ledger that was written when the recording was made."""
    from banchu.experiments.digest import read_digest

    with as_file(files("banchu.cli") / DIGEST) as path:
        return read_digest(path)


def invocation(isolation: str = "namespaces") -> Invocation:
    """What was run when the recording was made, and is run again."""
    from banchu.experiments.launch import Invocation

    return Invocation(
        benchmark="easy",
        model="smollm2",
        arms=",".join(ARMS),
        rounds=2,
        tasks=tuple(f"easy/{name}" for name in TASKS),
        temperature=0.4,
        max_tokens=96,
        isolation=isolation,
    )


@dataclass(frozen=True, slots=True)
class Flip:
    """An answer that changed from incorrect to correct (i→c), or back (c→i)."""

    task: str
    round: int
    """Of the later attempt."""
    arm: str
    change: str


def flips_of(ledger: Ledger, summary: RunSummary) -> list[Flip]:
    """Every flip between neighbouring rounds, task by task."""
    from banchu.analysis.figures.tasks import flips
    from banchu.analysis.figures.views import views
    from banchu.experiments.rundir import stored_config

    config = stored_config(ledger)
    tasks = config.tasks
    found = [
        Flip(unit[0], round_, view.arm.name, change)
        for view in views(summary, ledger.episodes(), config.parsed_arms, tasks)
        for (unit, round_), change in flips(view).items()
    ]
    return sorted(found, key=lambda flip: (tasks.index(flip.task), ARMS.index(flip.arm), flip.round))


def print_flips(flips: list[Flip]) -> None:
    """One a line, under a heading that says what they are."""
    print("Flips: answers that went from incorrect to correct (i→c), or from correct to incorrect (c→i)\n")
    for flip in flips:
        print(f"  {flip.task:<32} {flip.arm:<13} r{flip.round - 1} → r{flip.round}   {flip.change}")
    print("" if flips else "  none\n")


@dataclass(frozen=True, slots=True)
class Likeness:
    """A replay's ledger beside that of the recorded run."""

    sha256: str
    same: bool
    differs: dict[str, list[str]]
    """Table to columns."""

    def __str__(self) -> str:
        if self.same:
            return f"the same as that of the recorded run, times aside: sha256 {self.sha256}"
        where = "; ".join(f"{table} ({', '.join(columns)})" for table, columns in self.differs.items())
        return f"not that of the recorded run, it differs in {where}: sha256 {self.sha256}"


def likeness_of(here: LedgerDigest) -> Likeness:
    """Whether what happened here is what happened when the recording was made."""
    from banchu.experiments.digest import differing

    differs = differing(here, recorded_digest())
    return Likeness(here.sha256, not differs, differs)


def print_next(folder: Path, report: Path, flips: list[Flip], likeness: Likeness) -> None:
    """What the reader has seen, and what to try."""
    # An episode that was told something is worth more to read than one of fresh samples.
    telling = max(flips, key=lambda flip: (flip.arm != "none", flip.change == "i→c"), default=None)
    episode = f"{telling.task} --arm {telling.arm}" if telling else f"easy/{TASKS[0]}"
    print(
        f"""\
What you see: the accuracy of the last attempt after each round, and how many answers were mended and broken on the
way. A loop is worth what it mends less what it breaks. `none` is fresh samples, so what flips there is chance.
`oracle_trace` was shown the sealed tests and stopped by them, and is labelled so. {len(TASKS)} tasks can show very
little, which the comparisons say too.

report: {report}
run folder: {folder}
ledger: {likeness}
next: banchu show {folder} {episode}
          an episode in full: prompts, programs, verdicts, feedback
      banchu show {folder}
          every table, and a strip of verdicts for each episode
      banchu run easy --model smollm2 --limit 12
          a run of your own; `banchu models` says what can answer here, `banchu doctor` what works
      banchu run humaneval --model openai:NAME --base-url http://127.0.0.1:8000/v1 --record answers.jsonl
          any OpenAI-compatible server; with --replay answers.jsonl the same run needs none"""
    )
