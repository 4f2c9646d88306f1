from __future__ import annotations

import re
from pathlib import Path

import pytest

from banchu.core.arm import Arm, parse_arms
from banchu.core.errors import BanchuError, ConfigError
from banchu.core.recipes import RECIPES

GUIDE = (Path(__file__).parents[2] / "docs/recipes.md").read_text()

SELF_DEBUG = ["self-debug", *(f"self-debug-{way}" for way in ("simple", "unit-test", "explanation", "trace"))]
OTHERS = ["reflexion", "reflexion-oracle", "self-refine", "ldb", "huang-intrinsic", "huang-oracle", "critic"]
SEARCHES = ["self-consistency", "best-of-n", "self-repair", "lats"]


def test_every_system_that_was_asked_for_is_there() -> None:
    assert sorted(RECIPES) == sorted([*SELF_DEBUG, *OTHERS, *SEARCHES])


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_the_arm_that_it_says(name: str) -> None:
    recipe = RECIPES[name]
    assert name == recipe.name
    assert Arm.parse(name) == Arm.parse(recipe.arm)
    assert Arm.parse(name).name == recipe.arm  # the shortest spelling
    assert recipe.differs
    assert re.search(r"arXiv:\d{4}\.\d{5}\b", recipe.source)


def test_votes_and_trees_bring_their_rounds_and_chains_do_not() -> None:
    own = {name: Arm.parse(name).rounds for name in RECIPES if Arm.parse(name).rounds is not None}
    assert own == {"self-consistency": 39, "best-of-n": 99, "self-repair": 19, "lats": 40}
    assert own == {name: RECIPES[name].rounds for name in own}
    assert SEARCHES == [*own] == [name for name in RECIPES if Arm.parse(name).searches or Arm.parse(name).chooses]


def test_the_published_numbers_are_in_the_arms() -> None:
    lats, repair = Arm.parse("lats"), Arm.parse("self-repair")
    assert lats.rounds == 8 * lats.width == 8 * 5  # iterations, revisions in each
    assert lats.window == 8  # a path is no longer than the iterations, so that all lessons on it are kept
    assert repair.rounds == repair.width + repair.width * 1 - 1  # n_p + n_p n_fr, less the first


def test_what_a_recipe_may_claim_comes_from_its_arm() -> None:
    oracles = [name for name in RECIPES if Arm.parse(name).uses_oracle]
    assert oracles == ["reflexion-oracle", "huang-oracle", "self-repair"]
    assert Arm.parse("reflexion").window == 1
    assert Arm.parse("reflexion").tests == 6


def test_an_oracle_recipe_says_what_to_run_without_an_oracle() -> None:
    assert {name for name in RECIPES if RECIPES[name].instead} == {n for n in RECIPES if Arm.parse(n).uses_oracle}
    for recipe in RECIPES.values():
        if recipe.instead:
            instead = Arm.parse(recipe.instead)
            assert instead.realistic
            assert instead.name == recipe.instead
            assert (instead.search, instead.width, instead.rounds) == (
                Arm.parse(recipe.arm).search,
                Arm.parse(recipe.arm).width,
                Arm.parse(recipe.arm).rounds,
            )


def test_options_change_a_recipe_as_they_change_an_arm() -> None:
    assert Arm.parse("reflexion+window=3") == Arm.parse("self_tests+window=3")
    assert Arm.parse("huang-oracle+stop=rounds") == Arm.parse("huang-intrinsic")
    assert Arm.parse("lats+rounds=8").rounds == 8
    assert Arm.parse("lats+rounds=8+width=2").name == "self_tests+window=8+tests=4+search=tree+width=2+rounds=8"
    assert Arm.parse("critic+stop=oracle").claims == "oracle stop"


def test_a_recipe_beside_its_own_arm_is_one_arm_twice() -> None:
    with pytest.raises(ConfigError, match="self_tests twice"):
        parse_arms("reflexion,self_tests")
    with pytest.raises(ConfigError, match="twice"):
        parse_arms("self-debug,self-debug-explanation")


def test_an_unknown_name_is_answered_with_recipes_too() -> None:
    with pytest.raises(ConfigError, match="reflexion"):
        Arm.parse("reflexoin")


def test_the_guide_has_the_table_of_the_code() -> None:
    """Paste what the failure shows between the marks."""
    rows = ["| recipe | arm | rounds | may claim | source |", "| --- | --- | --- | --- | --- |"]
    for recipe in RECIPES.values():
        own = "" if Arm.parse(recipe.arm).rounds is None else ", its own"
        claims = Arm.parse(recipe.arm).claims
        rows.append(f"| `{recipe.name}` | `{recipe.arm}` | {recipe.rounds}{own} | {claims} | {recipe.source} |")
    assert GUIDE.split("<!-- table -->\n")[1] == "\n".join(rows) + "\n"


def test_the_guide_names_only_arms_that_there_are() -> None:
    named = re.findall(r"--arms (\S+?)(?=[\s`])", GUIDE)
    assert len(named) >= 6
    for arms in named:
        parse_arms(arms)
    for text in re.findall(r"`([a-z_-]+(?:\+[a-z]+=\w+)+)`", GUIDE):
        try:
            Arm.parse(text)
        except BanchuError as error:
            pytest.fail(f"{text}: {error}")
