"""Published systems whose attempts follow one another: each revises the last."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from banchu.core.recipe import Recipe

_REFLEXION: Final = "Shinn et al. 2023, Reflexion, arXiv:2303.11366"
_HUANG: Final = "Huang et al. 2024, Large Language Models Cannot Self-Correct Reasoning Yet, arXiv:2310.01798"
_DEBUG: Final = "Chen et al. 2024, Teaching Large Language Models to Self-Debug, arXiv:2304.05128"
_TESTS_DIFFER: Final = (
    "its prompts have few-shot examples, here there are none",
    "it samples among the tests that parse, here the first are kept",
    "its code as released (218cf0e) keeps one test, its paper up to 6; here 6, or tests=1",
)
_DEBUG_DIFFERS: Final = (
    "it shows one of MBPP's scored tests, here the examples in the prompt",
    "its prompts have few-shot examples, here there are none",
)
_BEFORE: Final = "comes before the model is told what running found, here after it"

_EXPLANATION: Final = Recipe(
    "self-debug-explanation",
    "visible_tests+window=0+explain=code",
    9,
    f"{_DEBUG}, feedback UT + Expl",
    "results of the visible tests, and the model's own explanation of its code, line by line",
    (*_DEBUG_DIFFERS, f"its explanation {_BEFORE}"),
)

CHAINS: Final = (
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
        instead="self_tests",
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
    replace(
        _EXPLANATION,
        name="self-debug",
        what="the paper's rubber duck, self-debug-explanation: the tests' results and the model's account of its code",
    ),
    Recipe(
        "self-debug-simple",
        "visible_tests+window=0+show=verdict",
        9,
        f"{_DEBUG}, simple feedback",
        "one sentence, right or wrong by the visible tests, until they pass",
        _DEBUG_DIFFERS,
    ),
    Recipe(
        "self-debug-unit-test",
        "visible_tests+window=0",
        9,
        f"{_DEBUG}, feedback UT",
        "results of the visible tests, until they pass",
        _DEBUG_DIFFERS,
    ),
    _EXPLANATION,
    Recipe(
        "self-debug-trace",
        "visible_tests+window=0+explain=trace",
        9,
        f"{_DEBUG}, feedback UT + Trace",
        "results of the visible tests, and a trace that the model itself writes, without running anything",
        (*_DEBUG_DIFFERS, f"its trace {_BEFORE}, and is of the first test that failed"),
    ),
    Recipe(
        "ldb",
        "visible_tests+window=0+explain=blocks",
        10,
        "Zhong et al. 2024, Debug like a Human (LDB), arXiv:2402.16906; code 49ac191",
        "a verdict on each basic block of a real run of a failed visible test, by the values before and after it",
        (
            "it takes one of the failed tests at random, here the first; neither looks at more than ten blocks",
            "its conversation keeps all earlier programs with their blocks, here the last alone",
            "it repairs programs made beforehand, here the model's own first attempt, which all arms share",
            "its best rows repair Reflexion's log, which the hidden tests had sorted: they inherit that oracle",
            "one of MBPP's three scored tests is visible to it in each task, here the examples in the prompt",
        ),
    ),
    Recipe(
        "critic",
        "execution+stop=same+window=0+same=3+explain=critique",
        4,
        "Gou et al. 2024, CRITIC, arXiv:2305.11738; code of its mathematical programs, ProphetNet 5cf70eb",
        "a critique that has seen what running the program gave, without any test; over when one answer came 3 times",
        (
            "its programs set one variable to the answer, here a function is called as the prompt's examples call it",
            "three equal answers end it, here three equal programs, since a function has no single answer",
            "it makes all 4 corrections and leaves out those behind the end when it counts, here they are not made",
            "an answer of None is passed over for the one before, here the last attempt is always the one revised",
            "critique and correction are one completion with few-shot examples, here two calls without",
            "it reports a variant that corrects wrong answers only, an oracle's stop; here critic+stop=oracle",
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
        instead="intrinsic+valence=leading+review=turns",
    ),
)
