from __future__ import annotations

import pytest

from banchu.core.arm import Arm, parse_arms
from banchu.core.errors import ConfigError
from banchu.core.recipes import RECIPES


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_the_arm_that_it_says(name: str) -> None:
    recipe = RECIPES[name]
    assert name == recipe.name
    assert Arm.parse(name) == Arm.parse(recipe.arm)
    assert Arm.parse(name).name == recipe.arm  # the shortest spelling
    assert recipe.differs
    assert "arXiv" in recipe.source


def test_what_a_recipe_may_claim_comes_from_its_arm() -> None:
    assert [name for name in RECIPES if Arm.parse(name).uses_oracle] == ["reflexion-oracle", "huang-oracle"]
    assert Arm.parse("reflexion").window == 1
    assert Arm.parse("reflexion").tests == 6


def test_options_change_a_recipe_as_they_change_an_arm() -> None:
    assert Arm.parse("reflexion+window=3") == Arm.parse("self_tests+window=3")
    assert Arm.parse("huang-oracle+stop=rounds") == Arm.parse("huang-intrinsic")


def test_a_recipe_beside_its_own_arm_is_one_arm_twice() -> None:
    with pytest.raises(ConfigError, match="self_tests twice"):
        parse_arms("reflexion,self_tests")


def test_an_unknown_name_is_answered_with_recipes_too() -> None:
    with pytest.raises(ConfigError, match="reflexion"):
        Arm.parse("reflexoin")
