"""Published systems as arms: each a configuration of the same graph, with its source and what differs from it.

A recipe's name may stand wherever an arm may, options included: `reflexion+window=3`. What follows wins over what the
recipe says. The ledger holds the arm that it stands for.
"""

from __future__ import annotations

from typing import Final

from banchu.core.recipe import Recipe
from banchu.core.recipe_chains import CHAINS
from banchu.core.recipe_searches import SEARCHES

RECIPES: Final[dict[str, Recipe]] = {recipe.name: recipe for recipe in (*CHAINS, *SEARCHES)}
