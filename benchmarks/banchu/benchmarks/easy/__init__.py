"""The built-in benchmark `easy`: short list functions that a very small model can sometimes write. No data file.

HumanEval is a floor for a model of 135M parameters (9 of 164), so nothing can be compared on it. `easy` is a family for
such models: one predicate ("greater than 10"), one aggregate ("the sum of"), a sentence, a doctest. It tells whether an
experiment works; it says little about programming, and a larger model is expected to solve nearly all of it.
SmolLM2-135M-Instruct solves 15 of the 108 problems of `test` when it is greedy (13.9 %, interval 9 to 22).

How it came to be that hard, because a benchmark that was made with a look at a model should say so: of a first draft
the model solved 5 of 115 (4.3 %). The draft named functions `f` and `solve` and asked for ranges, last digits, "not
divisible" and "at most". Trials on 340 other prompts, some about the same pairs of predicate and aggregate, showed that
names and plain wording matter most. So names became words, those four kinds of predicate went, and strings and cubes
replaced "smallest" and "replaced by 0". That was done once, before any two arms were compared.

`easy` is the split `test`; `easy+split=train` holds other problems, for training and for choosing prompts. The split is
by (kind of predicate, aggregate): "sum, greater than 5" and "sum, greater than 10" lie on the same side, while every
kind of predicate and every aggregate is on both. So `test` asks for new combinations of known parts, and no more.
"""

from banchu.benchmarks.easy.loading import SPLITS, load_easy

__all__ = ["SPLITS", "load_easy"]
