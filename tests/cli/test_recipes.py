from __future__ import annotations

import json
from typing import Any

from banchu.core.recipes import RECIPES


def test_recipes_are_listed_and_explained(banchu: Any) -> None:
    listed = banchu("recipes")
    assert listed.returncode == 0
    lines = [" ".join(line.split()) for line in listed.stdout.splitlines()]
    for recipe in RECIPES.values():
        assert any(line.startswith(f"{recipe.name} {recipe.rounds} ") for line in lines), recipe.name
        assert any(line.startswith(f"{recipe.arm} (") for line in lines), f"{recipe.arm} is broken"
    one = banchu("recipes", "reflexion-oracle")
    assert "oracle stop" in one.stdout
    assert "not realistic" in one.stdout
    assert "instead  self_tests " in one.stdout
    assert "--rounds 9" in one.stdout


def test_a_tree_says_that_its_rounds_are_its_own_and_what_it_must_beat(banchu: Any) -> None:
    one = banchu("recipes", "lats").stdout
    assert "lats+rounds=N" in one
    assert "--rounds" not in one
    assert "controls none+tests=4+gate=self_tests+choose=best" in one
    assert one.count("  differs ") == len(RECIPES["lats"].differs)


def test_recipes_are_told_to_programs(banchu: Any) -> None:
    found = {recipe["name"]: recipe for recipe in json.loads(banchu("recipes", "--json").stdout)}
    assert [*found] == [*RECIPES]
    assert found["reflexion-oracle"]["claims"] == "oracle stop"
    assert (found["self-repair"]["realistic"], found["self-repair"]["kind"]) == (False, "oracle")
    assert (found["lats"]["own_rounds"], found["lats"]["rounds"]) == (True, 40)
    assert found["self-consistency"]["controls"] == ["none+rounds=39"]
    (one,) = json.loads(banchu("recipes", "ldb", "--json").stdout)
    assert one == found["ldb"]


def test_an_unknown_recipe_is_one_line(banchu: Any) -> None:
    done = banchu("recipes", "reflection")
    assert done.returncode == 2
    assert "unknown recipe 'reflection'" in done.stderr
    assert "Traceback" not in done.stderr
