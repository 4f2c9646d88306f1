"""Options that commands take together, as the fields of a dataclass.

typer wants each option as a parameter of its own; `takes_flags` makes them of the fields, so that a command has one
parameter for all of them, a new option is written once, and `--help` shows them under one title.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from copy import copy
from dataclasses import fields, is_dataclass
from typing import Annotated, Any, TypeVar, get_args, get_type_hints

_R = TypeVar("_R")


def takes_flags(command: Callable[..., _R]) -> Callable[..., _R]:
    """A command whose parameters that are dataclasses of flags are taken apart for typer.

    The title of a dataclass in `--help` is its class variable `PANEL`.
    """
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
            inspect.Parameter(
                f.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=f.default,
                annotation=_titled(hints[f.name], groups[name].PANEL),
            )
            for f in fields(groups[name])
        ]

    @functools.wraps(command)
    def taken(**values: Any) -> _R:
        for name, kind in groups.items():
            values[name] = kind(**{f.name: values.pop(f.name) for f in fields(kind)})
        return command(**values)

    taken.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return taken


def _titled(hint: Any, panel: str) -> Any:
    kind, option = get_args(hint)
    option = copy(option)  # the same option may stand under another title elsewhere
    option.rich_help_panel = panel
    return Annotated[kind, option]
