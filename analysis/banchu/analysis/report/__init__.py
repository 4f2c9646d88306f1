"""`write_report`: a run as one Markdown file with figures beside it. The same ledger gives the same bytes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from banchu.analysis.figures import FIGURES, ArmView, Drawing, need_matplotlib, render, views, why_nothing
from banchu.analysis.report.apart import apart, flip_list
from banchu.analysis.report.markdown import Recorder, cell, from_rich, inline
from banchu.analysis.report.provenance import command, settings, spent_note
from banchu.analysis.report.words import in_plain_words
from banchu.analysis.run import summarise_ledger
from banchu.analysis.summary import RunSummary
from banchu.analysis.tables import print_summary
from banchu.core.errors import StorageError
from banchu.experiments.ledger import Ledger
from banchu.experiments.rundir import stored_config

__all__ = ["Report", "write_report"]

FORMS = ("png", "svg")


@dataclass(frozen=True, slots=True)
class Report:
    """What was written."""

    path: Path
    figures: tuple[Path, ...]


def write_report(ledger: Ledger, out: Path, *, figures: bool = True) -> Report:
    """Write `report.md`, and `figures/` unless they are not wanted, into the folder `out`, which is made.

    Raises:
        ConfigError: figures are wanted and matplotlib is not installed.
        DataError: the ledger holds no run, or an episode twice.
        StorageError: a file cannot be written.
    """
    if figures:
        need_matplotlib()
    config = stored_config(ledger)
    summary = summarise_ledger(ledger)
    arms = views(summary, ledger.episodes(), config.parsed_arms, config.tasks)
    drawings = {name: draw(arms) for name, draw in FIGURES.items()} if figures and not why_nothing(arms) else {}
    try:
        out.mkdir(parents=True, exist_ok=True)
        written = [_write_figure(out / "figures", name, drawing) for name, drawing in drawings.items()]
        report = out / "report.md"
        text = _compose(ledger, summary, arms, drawings, wanted=figures)
        _replace(report, text.encode("utf-8", "replace"))
    except OSError as error:
        raise StorageError(
            f"cannot write the report in {str(out)!r}: {error.strerror or error}; choose a folder with --out"
        ) from None
    return Report(report, tuple(path for paths in written for path in paths))


def _compose(
    ledger: Ledger, summary: RunSummary, arms: tuple[ArmView, ...], drawings: dict[str, Drawing], *, wanted: bool
) -> str:
    config = stored_config(ledger)
    run = ledger.path.resolve().parent.name
    words = in_plain_words(config, summary, arms, spent_note(ledger))
    sections = [
        f"# {cell(run)}",
        "## In plain words",
        words,
        "## Numbers",
        _numbers(summary, told=words),
    ]
    if wanted:
        sections += ["## Figures", _figures(drawings) or why_nothing(arms)]
    sections += ["## Each flip", flip_list(arms), "## Counted apart", apart(arms)]
    sections += ["## How it was run", settings(ledger, config), "## How to make it again", _again(ledger, run)]
    return "\n\n".join(sections) + "\n"


def _numbers(summary: RunSummary, told: str) -> str:
    """Everything that `banchu show` prints of a run in figures; lines that stand above already are left out."""
    recorder = Recorder()
    print_summary(summary, recorder, detail=True)
    parts: list[str] = []
    for seen in recorder.seen:
        if isinstance(seen, Table):
            parts += [from_rich(seen), ""]
            continue
        line = f"- {inline(seen.removeprefix('• '))}"
        if line not in told.splitlines():
            parts.append(line)
    text = "\n".join(parts)
    # A list ends before the next table begins.
    return text.replace("\n### ", "\n\n### ").replace("\n\n\n", "\n\n").strip()


def _figures(drawings: dict[str, Drawing]) -> str:
    return "\n\n".join(
        f"![{inline(drawing.title)}](figures/{name}.png)\n\n{inline(drawing.caption)} ([SVG](figures/{name}.svg))"
        for name, drawing in drawings.items()
    )


def _again(ledger: Ledger, run: str) -> str:
    known = command(ledger)
    started = f"```sh\n{known}\n```" if known else "The run was started from code, with the configuration above."
    return (
        f"{started}\n\nThe same command finds this run and goes on with it; `--fresh` starts another beside it. "
        f"`banchu report {run}` writes this file, `banchu show {run}` has each episode, `banchu export {run}` the data."
    )


def _write_figure(folder: Path, name: str, drawing: Drawing) -> list[Path]:
    folder.mkdir(exist_ok=True)
    paths = [folder / f"{name}.{form}" for form in FORMS]
    for path, form in zip(paths, FORMS, strict=True):
        _replace(path, render(drawing, form))
    return paths


def _replace(path: Path, content: bytes) -> None:
    """Whole or not at all: a reader never meets half a file."""
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(content)
    part.replace(path)
