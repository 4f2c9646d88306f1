"""`banchu recipes`: published systems as arms."""

from __future__ import annotations

from typing import Annotated

import typer


def recipes(
    name: Annotated[str | None, typer.Argument(help="One of them, with its source and what differs from it.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List published systems that can be run as arms, or explain one.

    Examples: `banchu recipes` · `banchu recipes reflexion` · `banchu run humaneval --arms reflexion ...`
    """
    from dataclasses import asdict

    from banchu.cli.output import print_json, print_table
    from banchu.core.arm import Arm
    from banchu.core.errors import unknown
    from banchu.core.recipes import RECIPES

    if name is not None and name not in RECIPES:
        raise unknown("recipe", name, RECIPES)
    found = list(RECIPES.values()) if name is None else [RECIPES[name]]
    if json:
        print_json([{**asdict(recipe), "claims": Arm.parse(recipe.name).claims} for recipe in found])
        return
    if name is None:
        print_table(
            ("recipe", "arm", "rounds", "what it is", "claims"),
            [(r.name, r.arm, r.rounds, r.what, Arm.parse(r.name).claims) for r in found],
        )
        return
    (recipe,) = found
    arm = Arm.parse(recipe.name)
    print(f"{recipe.name}: {recipe.what}")
    print(f"  source   {recipe.source}")
    print(f"  arm      {recipe.arm}   ({arm.claims}; {'realistic' if arm.realistic else 'not realistic'}, {arm.fair})")
    print(f"  rounds   {recipe.rounds}   (--rounds {recipe.rounds})")
    for line in recipe.differs:
        print(f"  differs  {line}")
