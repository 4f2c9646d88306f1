"""Published systems that choose: among independent samples, or which attempt of a tree to revise.

Their number of attempts is part of what they are, and stands in the arm: a run's `--rounds` does not change it.
"""

from __future__ import annotations

from typing import Final

from banchu.core.recipe import Recipe

SEARCHES: Final = (
    Recipe(
        "self-consistency",
        "none+choose=majority+rounds=39",
        39,
        "Wang et al. 2023, Self-Consistency, arXiv:2203.11171",
        "40 samples; the answer is the one that most of them agree with",
        (
            "final answers of chains of thought are counted, here programs that give the same on probe inputs",
            "its prompts have few-shot chains of thought, here they are the first prompt that all arms share",
            "it samples at a temperature of 0.7 or 0.5 and averages 10 runs, here --temperature and --repeats say",
        ),
    ),
    Recipe(
        "best-of-n",
        "none+gate=self_tests+choose=best+rounds=99",
        99,
        "Chen et al. 2023, CodeT, arXiv:2207.10397; code 35f54d6",
        "100 samples; the answer is the first of those that pass the most tests of the model's own",
        (
            "it weighs the tests that a program passes with the number of programs that pass the same ones "
            "(dual execution agreement), here the tests alone count",
            "it asks for tests 100 times, without the prompt's examples, and keeps up to 5 of each reply; "
            "here once, with them, and up to 6; or tests=N",
            "it draws all 100, here one that passes all tests is the last, since none behind it could take its place",
            "it samples at a temperature of 0.8, here --temperature says",
        ),
    ),
    Recipe(
        "self-repair",
        "oracle_trace+search=repair+width=10+rounds=19",
        19,
        "Olausson et al. 2024, Is Self-Repair a Silver Bullet for Code Generation?, arXiv:2306.09896; code fcda7a1",
        "a tree of n_p = 10 programs and n_fr = 1 repair of each, told by the full test suite: an oracle, as they say",
        (
            "one model writes feedback and repair in one completion, here the reflector writes the feedback first; "
            "--reflector MODEL is the paper's feedback by a stronger one",
            "it draws the whole tree and asks whether any program passes, here one attempt follows another until one "
            "does: the same rate for fewer calls",
            "it estimates from 50 programs and 25 repairs of each, resampled 1000 times; here --repeats draws trees",
            "its prompts have one example, and a temperature of 0.8; here none, and --temperature says",
        ),
        instead="self_tests+search=repair+width=10+rounds=19",
    ),
    Recipe(
        "lats",
        "self_tests+window=8+tests=4+search=tree+rounds=40",
        40,
        "Zhou et al. 2024, Language Agent Tree Search, arXiv:2310.04406; code of its programming part, 853d816",
        "tree search over attempts, 8 iterations of 5 revisions, by tests of its own; the hidden tests end nothing",
        (
            "in each iteration its code runs the hidden tests on the first program that passes its own tests, in the "
            "last on its first program in any case: a pass ends the search, a failure does not. That is an oracle's "
            "stop over up to 8 programs, though its paper has them run once, at the end; here the first program that "
            "passes its own tests ends it, right or wrong",
            "where nothing ended it its code answers with the root's child of the highest sum of rewards, here the "
            "first attempt that passed the most tests is the answer",
            "its code puts a text where a list is meant, so that its prompts show one letter of each earlier program; "
            "here they show the program to revise, and the lessons of the path to it",
            "it makes 5 revisions before it chooses again, here the way down is chosen anew before each",
            "it writes new tests in each iteration, here once; 4 are its paper's, its scripts have 2 and 4",
            "its paper values a node by the model's own score and self-consistency as well; its code for programs, and "
            "this, by the share of tests that pass",
        ),
    ),
)
