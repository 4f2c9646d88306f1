"""`banchu tasks`: what a benchmark holds, without its tests."""

from __future__ import annotations

from typing import Annotated

import typer


def tasks(
    benchmark: Annotated[
        str, typer.Argument(help="A benchmark (`humaneval`, mbpp:FILE, FILE.jsonl), or one task: humaneval/3.")
    ],
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List a benchmark's tasks, or show one as the model sees it. Sealed tests are never shown.

    Examples: `banchu tasks humaneval` · `banchu tasks humaneval/3`
    """
    from dataclasses import asdict
    from pathlib import Path

    from banchu.benchmarks import load_benchmark, select
    from banchu.cli.output import print_json, print_table

    name, slash, task = benchmark.rpartition("/")
    if not slash or Path(benchmark).exists() or benchmark.endswith((".jsonl", ".jsonl.gz", ".json")):
        loaded = load_benchmark(benchmark)
        if json:
            print_json([asdict(pair.task) for pair in loaded.tasks])
            return
        print_table(
            ("task", "entry point", "prompt lines", "visible examples"),
            [(p.task.id, p.task.entry_point, p.task.prompt.count("\n"), len(p.task.examples)) for p in loaded.tasks],
            title=f"{loaded.name}: {len(loaded.tasks)} tasks, {loaded.licence}, sha256 {loaded.digest[:12]}",
        )
        return
    (pair,) = select(load_benchmark(name), [task], None).tasks
    if json:
        print_json(asdict(pair.task))
        return
    print(f"# {pair.task.id}  entry point: {pair.task.entry_point}")
    print(pair.task.prompt)
