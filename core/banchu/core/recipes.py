"""Published systems as arms: each a configuration of the same graph, with its source and what differs from it.

A recipe's name may stand wherever an arm may, options included: `reflexion+window=3`. The ledger holds the arm that it
stands for. Systems whose search is no chain of attempts (trees, votes over samples) are not here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Recipe:
    """One published system."""

    name: str
    arm: str
    """The arm's spelling."""
    rounds: int
    """Revisions in the source, for `--rounds`."""
    source: str
    what: str
    differs: tuple[str, ...]
    """What the source does otherwise."""


_REFLEXION = "Shinn et al. 2023, Reflexion, arXiv:2303.11366"
_HUANG = "Huang et al. 2024, Large Language Models Cannot Self-Correct Reasoning Yet, arXiv:2310.01798"
_TESTS_DIFFER = (
    "its prompts have few-shot examples, here there are none",
    "it samples among the tests that parse, here the first are kept",
    "its code as released (218cf0e) keeps one test, its paper up to 6; here 6, or tests=1",
)

RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            "reflexion",
            "self_tests",
            4,
            _REFLEXION,
            "tests of its own decide when to stop and what to reflect on; the last reflection is kept",
            _TESTS_DIFFER,
        ),
        Recipe(
            "reflexion-oracle",
            "self_tests+stop=oracle",
            9,
            f"{_REFLEXION}; its released HumanEval log of 91 %, as far as the log tells",
            "the hidden tests decide which tasks are reflected on at all; an oracle arm, whatever it was called",
            (
                *_TESTS_DIFFER,
                "after the first attempt its loop was left by its own tests, here the hidden ones stop every round",
            ),
        ),
        Recipe(
            "self-refine",
            "intrinsic+stop=accepted+window=0+valence=presupposing",
            4,
            "Madaan et al. 2023, Self-Refine, arXiv:2303.17651",
            "feedback and refinement by the same model until the feedback is content",
            (
                "its prompts differ by task and have few-shot examples; presupposing is how it asks on GSM8K",
                "it shows all earlier answers with their feedback, here the last",
                "its GSM8K evaluation counts any right attempt so far, here the last attempt counts",
            ),
        ),
        Recipe(
            "self-debug-unit-test",
            "visible_tests+window=0",
            9,
            "Chen et al. 2023, Teaching Large Language Models to Self-Debug, arXiv:2304.05128, feedback UT",
            "results of the visible tests, until they pass",
            (
                "it shows one of MBPP's scored tests, here the examples in the prompt",
                "its prompts have few-shot examples",
                "without the model's explanation of its code, and without its trace of it",
            ),
        ),
        Recipe(
            "huang-intrinsic",
            "intrinsic+valence=leading+review=turns",
            2,
            f"{_HUANG}, tables 3 and 4",
            "answer, review, improvement in one conversation, with nobody's help",
            ("its last sentence asks for a number in a box, here for a function",),
        ),
        Recipe(
            "huang-oracle",
            "intrinsic+stop=oracle+valence=leading+review=turns",
            2,
            f"{_HUANG}, table 2",
            "the same, but a right answer is left alone because the gold label says so",
            ("its last sentence asks for a number in a box, here for a function",),
        ),
    )
}
