"""`banchu recipes`: published systems as arms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from banchu.core.recipe import Recipe


def recipes(
    name: Annotated[str | None, typer.Argument(help="One of them, with its source and what differs from it.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List published systems that can be run as arms, or explain one.

    Examples: `banchu recipes` · `banchu recipes reflexion` · `banchu run humaneval --arms reflexion ...`
    """
    from banchu.cli.output import print_json, print_table
    from banchu.core.arm import Arm
    from banchu.core.errors import unknown
    from banchu.core.recipes import RECIPES

    if name is not None and name not in RECIPES:
        raise unknown("recipe", name, RECIPES)
    found = list(RECIPES.values()) if name is None else [RECIPES[name]]
    if json:
        print_json([_facts(recipe) for recipe in found])
    elif name is None:
        print_table(
            ("recipe", "rounds", "what it is, and its arm with what it may claim"),
            [(r.name, r.rounds, f"{r.what}\n{r.arm} ({Arm.parse(r.name).claims})") for r in found],
        )
        print("Rounds that stand in an arm are its own; the others are for --rounds. More: banchu recipes NAME")
    else:
        _explain(RECIPES[name])


def _facts(recipe: Recipe) -> dict[str, Any]:
    """What the recipe says, and what follows from its arm."""
    from dataclasses import asdict

    from banchu.core.arm import Arm
    from banchu.core.controls import missing_controls

    arm = Arm.parse(recipe.name)
    own = arm.rounds is not None
    return {
        **asdict(recipe),
        "claims": arm.claims,
        "kind": arm.kind,
        "realistic": arm.realistic,
        "fair": arm.fair,
        "own_rounds": own,
        "controls": [control.name for control in missing_controls([arm], 0 if own else recipe.rounds)],
    }


def _explain(recipe: Recipe) -> None:
    from textwrap import fill

    facts = _facts(recipe)
    realistic = "realistic" if facts["realistic"] else "not realistic"
    rounds = f"in the arm; {recipe.name}+rounds=N" if facts["own_rounds"] else f"--rounds {recipe.rounds}"
    lines = [
        ("source", recipe.source),
        ("arm", f"{recipe.arm}   ({facts['claims']}; {facts['kind']}, {realistic}, {facts['fair']})"),
        ("rounds", f"{recipe.rounds}   ({rounds})"),
        ("controls", ", ".join(facts["controls"])),
        *([("instead", f"{recipe.instead}   (the same without the hidden tests)")] if recipe.instead else []),
        *(("differs", line) for line in recipe.differs),
    ]
    print(f"{recipe.name}: {recipe.what}")
    for label, text in lines:
        told = fill(text, 110, subsequent_indent=" " * 11, break_long_words=False, break_on_hyphens=False)
        print(f"  {label:<8} {told}")
