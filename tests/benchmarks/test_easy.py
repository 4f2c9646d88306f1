"""The built-in benchmark: what is in it, that its tests tell neighbours apart, and that the judge agrees."""

from __future__ import annotations

import ast
import math
import random
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from banchu.benchmarks import Benchmark, BenchmarkTask, SealedScan, load_benchmark, select
from banchu.benchmarks.easy.family import AGGREGATES, PREDICATES
from banchu.core.errors import ConfigError
from banchu.core.sealed import unseal
from banchu.sandbox import Judge
from banchu.sandbox.tester.plan import plan

TEST_DIGEST = "987d7734967aa7d63ee0e0c82c7ce4f643c0557ffe0b5810312fd48e645b1247"
TRAIN_DIGEST = "005834c5a48b9b8b5f90a9890c96d2ee4c05c0269b5e38fb58bb6cf3f550c2c9"

Function = Callable[[list[int]], Any]
Cases = list[tuple[list[int], Any]]


@pytest.fixture(scope="module")
def splits() -> dict[str, Benchmark]:
    return {"test": load_benchmark("easy"), "train": load_benchmark("easy+split=train")}


@pytest.fixture(scope="module")
def everything(splits: dict[str, Benchmark]) -> list[BenchmarkTask]:
    return [each for benchmark in splits.values() for each in benchmark.tasks]


def function_of(source: str, name: str) -> Function:
    scope: dict[str, Any] = {}
    exec(source, scope)  # our own reference
    found: Function = scope[name]
    return found


def reference_of(each: BenchmarkTask) -> Function:
    return function_of(unseal(each.sealed).reference, each.task.entry_point)


def cases_of(each: BenchmarkTask) -> Cases:
    """(input, expected) of each sealed assertion, which must be plain."""
    (check,) = ast.parse(unseal(each.sealed).check).body
    assert isinstance(check, ast.FunctionDef)
    cases = []
    for statement in check.body:
        match statement:
            case ast.Assert(ast.Compare(ast.Call(ast.Name("candidate"), [xs]), [ast.Eq()], [expected])):
                cases.append((ast.literal_eval(xs), ast.literal_eval(expected)))
            case _:
                raise AssertionError(ast.unparse(statement))
    return cases


def passes(function: Function, cases: Cases) -> bool:
    try:
        return all(function(list(xs)) == expected for xs, expected in cases)
    except (IndexError, ValueError, TypeError):
        return False


def test_the_splits_are_what_was_measured(splits: dict[str, Benchmark]) -> None:
    assert {name: len(each.tasks) for name, each in splits.items()} == {"test": 108, "train": 212}
    assert (splits["test"].digest, splits["train"].digest) == (TEST_DIGEST, TRAIN_DIGEST)
    assert splits["test"].name == "easy"
    assert splits["train"].name == "easy+split=train"
    assert {each.task.benchmark for each in splits["train"].tasks} == {"easy+split=train"}


def test_a_second_load_is_the_same(splits: dict[str, Benchmark]) -> None:
    again = load_benchmark("easy")
    assert [each.task for each in again.tasks] == [each.task for each in splits["test"].tasks]
    assert [each.sealed.digest for each in again.tasks] == [each.sealed.digest for each in splits["test"].tasks]
    assert load_benchmark("EASY+split=test").digest == again.digest


def test_no_combination_is_in_both_splits_and_every_part_is(splits: dict[str, Benchmark]) -> None:
    kinds = {predicate.key: predicate.kind for predicate in PREDICATES}
    pairs = {
        name: {(key.split("_", 1)[0], kinds[key.split("_", 1)[1]]) for key in _keys(each)}
        for name, each in splits.items()
    }
    assert not pairs["test"] & pairs["train"]
    for pair in pairs.values():
        assert {aggregate for aggregate, _ in pair} == {aggregate.key for aggregate in AGGREGATES}
        assert {kind for _, kind in pair} == set(kinds.values())


def _keys(benchmark: Benchmark) -> list[str]:
    return [task_id.removeprefix("easy/") for task_id in benchmark.ids]


def test_prompts_differ(everything: list[BenchmarkTask]) -> None:
    assert len({each.task.prompt for each in everything}) == len(everything)
    patterns = {_pattern(each) for each in everything}
    assert len(patterns) > 100  # the wording without numbers and names


def _pattern(each: BenchmarkTask) -> str:
    sentence = each.task.prompt.split('"""')[1].split("\n")[0]
    return re.sub(r"\b(numbers|nums|values|xs|integers|-?\d+)\b", "_", sentence)


def test_the_example_is_true_shown_and_not_sealed(everything: list[BenchmarkTask]) -> None:
    for each in everything:
        (example,) = each.task.examples
        scope = {each.task.entry_point: reference_of(each)}
        exec(example, scope)
        call, _, value = example.removeprefix("assert ").partition(" == ")
        assert f"    >>> {call}\n    {value}\n" in each.task.prompt
        shown = ast.literal_eval(call[len(each.task.entry_point) + 1 : -1])
        assert shown not in [xs for xs, _ in cases_of(each)]


def test_no_prompt_shows_a_sealed_assertion(everything: list[BenchmarkTask]) -> None:
    for each in everything[::10]:
        scan = SealedScan(each.sealed, each.task)
        assert len(scan) == len(cases_of(each))
        assert scan.hits(each.task.prompt) == 0


def test_sealed_inputs_reach_the_corners(everything: list[BenchmarkTask]) -> None:
    for each in everything:
        inputs = [xs for xs, _ in cases_of(each)]
        assert 12 <= len(inputs) <= 18
        assert [] in inputs
        assert any(len(set(xs)) < len(xs) > 4 for xs in inputs)  # duplicates
        assert any(max(xs, default=0) >= 10**11 for xs in inputs)
        assert any(min(xs, default=0) < -(10**6) for xs in inputs)
        assert any(0 in xs for xs in inputs)


def test_the_judge_asks_everything_at_once(everything: list[BenchmarkTask]) -> None:
    for each in everything:
        suite = unseal(each.sealed)
        found = plan(suite.check, suite.context, suite.entry_point)
        assert found
        assert found.only_values


_HAS: dict[str, Callable[[int, int], bool]] = {
    "greater than": lambda x, k: x - k > 0,
    "less than": lambda x, k: x - k < 0,
    "at least": lambda x, k: not x < k,
    "divisible by": lambda x, k: abs(x) // k * k == abs(x),
    "even": lambda x, _: str(x)[-1] in "02468",
    "odd": lambda x, _: str(x)[-1] in "13579",
    "positive": lambda x, _: x not in (0, -abs(x)),
    "negative": lambda x, _: x not in (0, abs(x)),
}
_MAKES: dict[str, Callable[[list[int], list[int], list[int]], Any]] = {  # hits, all, where the hits are
    "sum": lambda hits, _all, _at: sum(hits),
    "keep": lambda hits, _all, _at: hits,
    "all": lambda hits, all_, _at: len(hits) == len(all_),
    "any": lambda hits, _all, _at: len(hits) > 0,
    "doubles": lambda hits, _all, _at: [x + x for x in hits],
    "strings": lambda hits, _all, _at: [f"{x}" for x in hits],
    "count": lambda hits, _all, _at: len(hits),
    "squares": lambda hits, _all, _at: [x**2 for x in hits],
    "sorted": lambda hits, _all, _at: sorted(hits),
    "largest": lambda hits, _all, _at: sorted(hits)[-1] if hits else None,
    "product": lambda hits, _all, _at: math.prod(hits),
    "distinct": lambda hits, _all, _at: sorted(dict.fromkeys(hits)),
    "positions": lambda _hits, _all, at: at,
    "cubes": lambda hits, _all, _at: [x * x * x for x in hits],
    "first": lambda hits, _all, _at: next(iter(hits), None),
    "reversed": lambda hits, _all, _at: [*reversed(hits)],
}


def test_expected_values_are_what_the_words_say(everything: list[BenchmarkTask]) -> None:
    for each in everything:
        aggregate, words = each.task.id.removeprefix("easy/").replace("_", " ").split(" ", 1)
        name, number = words.rstrip("0123456789").strip(), re.search(r"\d+$", words)
        k = int(number[0]) if number else 0
        for xs, expected in cases_of(each):
            at = [place for place, x in enumerate(xs) if _HAS[name](x, k)]
            value = _MAKES[aggregate]([xs[place] for place in at], xs, at)
            assert (type(value), value) == (type(expected), expected), (each.task.id, xs)


def test_every_other_problem_fails(everything: list[BenchmarkTask]) -> None:
    references = {each.task.id: reference_of(each) for each in everything}
    for each in everything:
        cases = cases_of(each)
        assert [name for name, other in references.items() if passes(other, cases)] == [each.task.id]


def slips(each: BenchmarkTask) -> Iterator[tuple[str, str]]:
    """(what it is, source) of near misses of the reference; some are right all the same."""
    source = unseal(each.sealed).reference
    head, _, body = source.rpartition('"""\n')
    predicate = each.task.id.removeprefix("easy/").split("_", 1)[1]
    holds = next(p.holds for p in PREDICATES if p.key == predicate)
    xs = re.search(r"\((\w+)", each.task.prompt)
    assert xs
    changes = {
        "strictness": holds.replace(">=", "§").replace(">", ">=").replace("§", ">"),
        "strictness below": holds.replace("<", "<="),
        "one more": re.sub(r"(?<=[<>=] )\d+$", lambda n: str(int(n[0]) + 1), holds),
        "one less": re.sub(r"(?<=[<>=] )\d+$", lambda n: str(int(n[0]) - 1), holds),
        "other divisor": re.sub(r"% (\d+)", lambda n: f"% {int(n[1]) + 1}", holds),
        "negation": f"not ({holds})",
        "everything": "True",
        "size": holds.replace("x", "abs(x)"),
        "positives only": f"x > 0 and {holds}",
        "no zero": f"x != 0 and {holds}",
        "no big ones": f"abs(x) < 1000 and {holds}",
    }
    for name, change in changes.items():
        if change != holds:
            yield name, head + '"""\n' + body.replace(holds, change)
    yield "once each", head + f'"""\n    {xs[1]} = list(dict.fromkeys({xs[1]}))\n' + body
    yield "sorted first", head + f'"""\n    {xs[1]} = sorted({xs[1]})\n' + body
    yield "without the first", head + f'"""\n    {xs[1]} = {xs[1]}[1:]\n' + body
    yield "without the last", head + f'"""\n    {xs[1]} = {xs[1]}[:-1]\n' + body
    for value in ("None", "0", "[]", "False", "True", "1"):
        yield f"{value} for nothing", head + f'"""\n    if not {xs[1]}:\n        return {value}\n' + body
    yield "0 where none has it", source.replace("default=None", "default=0").replace("return None", "return 0")
    yield "the example only", head + '"""\n    return ' + each.task.examples[0].partition(" == ")[2] + "\n"


def test_near_misses_fail_unless_they_are_right(everything: list[BenchmarkTask]) -> None:
    generator = random.Random(1)
    near = [*range(-16, 17), 49, 50, 51, 99, 100, 101, -50, -100, 10**6, -(10**6) - 1]
    pool = [[], *([value] for value in near)]
    pool += [generator.choices(near, k=generator.randint(1, 7)) for _ in range(150)]
    caught: dict[str, int] = {}
    missed = []
    for each in everything:
        right, cases = reference_of(each), cases_of(each)
        truth: Cases = [(xs, right(list(xs))) for xs in pool]
        for name, source in slips(each):
            slip = function_of(source, each.task.entry_point)
            if passes(slip, truth):
                continue  # the same function in other words
            caught[name] = caught.get(name, 0) + 1
            if passes(slip, cases):
                missed.append((each.task.id, name))
    assert missed == []
    assert min(caught.values()) > 4, caught
    assert sum(caught.values()) > 3000


def test_options_and_ids(splits: dict[str, Benchmark]) -> None:
    with pytest.raises(ConfigError, match=r"unknown split of easy 'trian'.*Did you mean 'train'"):
        load_benchmark("easy+split=trian")
    with pytest.raises(ConfigError, match="unknown option of easy 'visible'"):
        load_benchmark("easy+visible=2")
    (found,) = select(splits["test"], [splits["test"].ids[0].removeprefix("easy/")]).tasks
    assert found.task.id == splits["test"].ids[0]


def _judge(tasks: list[BenchmarkTask]) -> None:
    with Judge(slots=1) as judge:
        for each in tasks:
            suite = unseal(each.sealed)
            assert judge.judge_sync(each, suite.reference).passed, each.task.id
            wrong = f"{each.task.prompt}    return None\n"
            assert not judge.judge_sync(each, wrong).passed, each.task.id


def test_references_pass_the_judge(everything: list[BenchmarkTask]) -> None:
    _judge(everything[::16])


@pytest.mark.slow
def test_all_references_pass_the_judge(everything: list[BenchmarkTask]) -> None:
    _judge(everything)
