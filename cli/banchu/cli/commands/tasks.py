"""`banchu tasks`: what a benchmark holds, without its tests; and how much of it another text holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from banchu.cli.commands.options import BENCHMARK_HELP

if TYPE_CHECKING:
    from banchu.benchmarks import Benchmark


def tasks(
    benchmark: Annotated[str, typer.Argument(help=f"A benchmark: {BENCHMARK_HELP} Or one task of it: `humaneval/3`.")],
    overlap: Annotated[
        Path | None,
        typer.Option(help="A text, such as few-shot examples: say which tasks it holds pieces of. No test is shown."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List a benchmark's tasks, or show one as the model sees it. Sealed tests are never shown.

    Examples: `banchu tasks humaneval` · `banchu tasks humaneval/3` · `banchu tasks humaneval --overlap shots.txt`
    """
    from dataclasses import asdict

    from banchu.benchmarks import load_benchmark, select
    from banchu.cli.output import print_json, print_table

    name, slash, task = benchmark.rpartition("/")
    whole = not slash or Path(benchmark).exists() or benchmark.endswith((".jsonl", ".jsonl.gz", ".json"))
    loaded = load_benchmark(benchmark) if whole else select(load_benchmark(name), [task], None)
    if overlap is not None:
        _overlap(overlap, loaded, as_json=json)
        return
    if whole:
        if json:
            print_json([asdict(pair.task) for pair in loaded.tasks])
            return
        finite = any(p.task.answers for p in loaded.tasks)
        print_table(
            ("task", "entry point", "prompt lines", "visible examples", *(["answers"] if finite else [])),
            [
                (p.task.id, p.task.entry_point, p.task.prompt.count("\n"), len(p.task.examples))
                + ((", ".join(p.task.answers) or None,) if finite else ())
                for p in loaded.tasks
            ],
            title=f"{loaded.name}: {len(loaded.tasks)} tasks, {loaded.licence}, sha256 {loaded.digest[:12]}",
        )
        return
    (pair,) = loaded.tasks
    if json:
        print_json(asdict(pair.task))
        return
    answers = f"  answers: {', '.join(pair.task.answers)}" if pair.task.answers else ""
    print(f"# {pair.task.id}  entry point: {pair.task.entry_point}{answers}")
    print(pair.task.prompt)


def _overlap(path: Path, benchmark: Benchmark, *, as_json: bool) -> None:
    from dataclasses import asdict

    from banchu.benchmarks.overlap import N, overlaps
    from banchu.benchmarks.reading import decoded, read_bytes
    from banchu.cli.output import print_json, print_table

    text = decoded(read_bytes(path, remedy="check the path and its permissions"), str(path))
    found = overlaps(text, benchmark)
    if as_json:
        print_json([asdict(each) for each in found])
        return
    if not found:
        print(f"{path} has no {N} tokens in a row in common with the {len(benchmark.tasks)} tasks of {benchmark.name}")
        return
    print_table(
        ("task", "part", f"share of {N}-grams", "longest run"),
        [(each.task_id, each.part, f"{each.share:.0%}", f"{each.longest} tokens") for each in found],
    )
    held = len({each.task_id for each in found})
    print(
        f"warning: {path} overlaps {held} of the {len(benchmark.tasks)} tasks of {benchmark.name}; a prompt that holds "
        f"it shows the model what it is tested on. Leave it out, or leave these tasks out."
    )
