"""What may be said of a model on the command line: options that commands take together, as the fields of a dataclass.

typer wants each option as a parameter of its own; `takes_flags` makes them of the fields, so that a command has one
parameter for all of them, and a new option is written once.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, get_type_hints

import typer

from banchu.cli.commands.options import (
    BaseUrl,
    MaxConnections,
    MaxRpm,
    MaxTpm,
    Omit,
    Patience,
    Style,
    Workers,
)

if TYPE_CHECKING:
    from banchu.models.registry import ModelOptions

_R = TypeVar("_R")

Device = Annotated[
    str | None, typer.Option(metavar="DEVICE", help="Of a local model: cpu, cuda or cuda:N. Default: a GPU, if any.")
]
Dtype = Annotated[
    str | None,
    typer.Option(
        metavar="DTYPE",
        help="Numbers of a local model: float32, bfloat16, float16. Default: float32 on a CPU, 16 bits on a GPU.",
    ),
]
Quantize = Annotated[
    str | None, typer.Option(metavar="INT", help="Weights of a local model in int8 or int4 (bitsandbytes).")
]
Adapter = Annotated[
    str | None, typer.Option(metavar="FOLDER", help="A PEFT adapter for a local model, such as LoRA's.")
]
FitCheck = Annotated[bool, typer.Option(help="Refuse a local model that does not fit into free memory.")]


@dataclass(frozen=True, slots=True)
class MachineFlags:
    """How a local model runs on this machine: what may differ when a run goes on elsewhere."""

    workers: Workers = None
    device: Device = None
    dtype: Dtype = None
    adapter: Adapter = None
    fit_check: FitCheck = True

    def said(self) -> dict[str, Any]:
        """Those that were said, as fields of `ModelOptions`."""
        return {name: v for name, v in asdict(self).items() if v is not None and (name, v) != ("fit_check", True)}


@dataclass(frozen=True, slots=True)
class TryFlags:
    """Where a model is and how it is loaded."""

    base_url: BaseUrl = None
    style: Style = None
    workers: Workers = None
    device: Device = None
    dtype: Dtype = None
    quantize: Quantize = None
    adapter: Adapter = None
    fit_check: FitCheck = True

    def options(self) -> ModelOptions:
        """As `open_model` takes them. Raises ConfigError."""
        from banchu.cli.styles import prompt_style
        from banchu.models.registry import ModelOptions

        said = {name: value for name, value in asdict(self).items() if value is not None}
        if "patience" in said:
            said["patience_s"] = said.pop("patience")
        return ModelOptions(**(said | {"style": prompt_style(self.style)}))


@dataclass(frozen=True, slots=True)
class ModelFlags(TryFlags):
    """The same, and how an API is asked over hours."""

    max_rpm: MaxRpm = None
    max_tpm: MaxTpm = None
    max_connections: MaxConnections = 256
    patience: Patience = 1800.0
    omit: Omit = ""


def takes_flags(command: Callable[..., _R]) -> Callable[..., _R]:
    """A command whose parameters that are dataclasses of flags are taken apart for typer."""
    signature = inspect.signature(command, eval_str=True)
    groups: dict[str, Any] = {
        name: p.annotation for name, p in signature.parameters.items() if is_dataclass(p.annotation)
    }
    parameters: list[inspect.Parameter] = []
    for name, parameter in signature.parameters.items():
        if name not in groups:
            parameters.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))
            continue
        hints = get_type_hints(groups[name], include_extras=True)
        parameters += [
            inspect.Parameter(f.name, inspect.Parameter.KEYWORD_ONLY, default=f.default, annotation=hints[f.name])
            for f in fields(groups[name])
        ]

    @functools.wraps(command)
    def taken(**values: Any) -> _R:
        for name, kind in groups.items():
            values[name] = kind(**{f.name: values.pop(f.name) for f in fields(kind)})
        return command(**values)

    taken.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return taken
