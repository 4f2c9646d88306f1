from __future__ import annotations

import json
from typing import Any


def test_recipes_are_listed_and_explained(banchu: Any) -> None:
    listed = banchu("recipes")
    assert listed.returncode == 0
    assert "huang-intrinsic" in listed.stdout
    one = banchu("recipes", "reflexion-oracle")
    assert "oracle stop" in one.stdout
    assert "not realistic" in one.stdout
    found = json.loads(banchu("recipes", "--json").stdout)
    assert {recipe["name"]: recipe["claims"] for recipe in found}["reflexion-oracle"] == "oracle stop"


def test_an_unknown_recipe_is_one_line(banchu: Any) -> None:
    done = banchu("recipes", "reflection")
    assert done.returncode == 2
    assert "unknown recipe 'reflection'" in done.stderr
    assert "Traceback" not in done.stderr
