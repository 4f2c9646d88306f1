"""`banchu models`: what can answer on this machine, and whether one does."""

from __future__ import annotations

from typing import Annotated

import typer

from banchu.cli.flags import takes_flags
from banchu.cli.model_flags import TryFlags


@takes_flags
def models(
    flags: TryFlags,
    action: Annotated[str | None, typer.Argument(help="`try` asks a model for one small function.")] = None,
    model: Annotated[str | None, typer.Argument(help="As in `banchu run --model`.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the kinds of models and what each still needs here, or try one.

    Examples: `banchu models` · `banchu models try smollm2` · `banchu models try my_model.py:make`
    """
    from dataclasses import asdict

    from banchu.cli.output import print_json, print_table
    from banchu.core.errors import ConfigError, unknown
    from banchu.models.registry import list_models

    if action is not None:
        from banchu.cli.try_model import try_model

        if action != "try":
            raise unknown("action", action, ("try",))
        if model is None:
            raise ConfigError("`banchu models try` needs a model, such as `banchu models try smollm2`")
        try_model(model, flags.options(), as_json=json)
        return
    found = list_models()
    if json:
        print_json([asdict(info) for info in found])
        return
    print_table(
        ("--model", "what it is", "here", "to do"),
        [(i.spec, i.description, "ready" if i.usable else "not yet", i.remedy or None) for i in found],
    )
