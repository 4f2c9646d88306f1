"""From the family to a benchmark: the split, the prompt, the sealed tests of every problem."""

from __future__ import annotations

import hashlib
import textwrap
from random import Random
from typing import Any, Final

from banchu.benchmarks.benchmark import Benchmark, BenchmarkTask
from banchu.benchmarks.easy.cases import sealed_inputs, shown_input
from banchu.benchmarks.easy.family import AGGREGATES, PREDICATES, Aggregate, Predicate
from banchu.core.errors import unknown
from banchu.core.sealed import SealedTests, TestSuite
from banchu.core.task import Task

SPLITS: Final = ("test", "train")
_DEFAULT: Final = "test"
_NOUNS: Final = ("numbers", "integers")
_ARGUMENTS: Final = ("numbers", "nums", "values", "xs")


def load_easy(spec: str = "easy") -> Benchmark:
    """The split that `easy` or `easy+split=train` names. Raises ConfigError."""
    split = _split(spec)
    tasks = tuple(_task(aggregate, predicate, _name(split)) for aggregate, predicate in _problems(split))
    return Benchmark(
        name=_name(split),
        tasks=tasks,
        source=f"made by banchu.benchmarks.easy, split {split}",
        digest=_digest(tasks),
        licence="Apache-2.0",
    )


def _split(spec: str) -> str:
    split = _DEFAULT
    for part in spec.split("+")[1:]:
        name, _, value = part.partition("=")
        if name != "split":
            raise unknown("option of easy", name, ("split",))
        if value not in SPLITS:
            raise unknown("split of easy", value, SPLITS)
        split = value
    return split


def _name(split: str) -> str:
    return "easy" if split == _DEFAULT else f"easy+split={split}"


def _problems(split: str) -> list[tuple[Aggregate, Predicate]]:
    """A third of the (kind, aggregate) pairs is `test`, laid out so that every kind and every aggregate is in both.

    In an order of no meaning, so that the first tasks of a split are a fair part of it.
    """
    kinds = list(dict.fromkeys(predicate.kind for predicate in PREDICATES))
    chosen = [
        (aggregate, predicate)
        for column, aggregate in enumerate(AGGREGATES)
        for predicate in PREDICATES
        if ((kinds.index(predicate.kind) + column) % 3 == 0) == (split == "test")
    ]
    return sorted(chosen, key=lambda pair: hashlib.sha256(_key(*pair).encode()).digest())


def _key(aggregate: Aggregate, predicate: Predicate) -> str:
    return f"{aggregate.key}_{predicate.key}"


def _task(aggregate: Aggregate, predicate: Predicate, benchmark: str) -> BenchmarkTask:
    key = _key(aggregate, predicate)
    random = Random(f"easy 1 {key}")  # seeding by a string does not depend on the process
    name = random.choice(aggregate.names).format(key=predicate.key)
    argument = random.choice(_ARGUMENTS)
    head = random.choice((f"def {name}({argument}):", f"def {name}({argument}: list[int]) -> {aggregate.returns}:"))
    which = random.choice(predicate.plurals).format(n=random.choice(_NOUNS))
    sentence = random.choice(aggregate.sentences).format(which=which, xs=argument)
    body = textwrap.indent(aggregate.body.format(xs=argument, p=predicate.holds), "    ") + "\n"
    inputs = sealed_inputs(predicate, random)
    shown = shown_input(predicate, random, inputs)
    expected, value = _answers(f"{head}\n{body}", name, [*inputs, shown])
    asserts = "".join(
        f"    assert candidate({xs!r}) == {answer}\n" for xs, answer in zip(inputs, expected, strict=False)
    )
    prompt = f'{head}\n    """{sentence}\n\n    >>> {name}({shown!r})\n    {value}\n    """\n'
    suite = TestSuite(f"def check(candidate):\n{asserts}", name, context=prompt, reference=prompt + body)
    task = Task(f"easy/{key}", benchmark, prompt, name, (f"assert {name}({shown!r}) == {value}",))
    return BenchmarkTask(task, SealedTests(suite))


def _answers(reference: str, name: str, inputs: list[list[int]]) -> tuple[list[str], str]:
    """What the reference returns, as Python source: for all inputs but the last, and for the last."""
    scope: dict[str, Any] = {}
    exec(reference, scope)  # text of this package
    *expected, shown = (repr(scope[name](list(xs))) for xs in inputs)
    return expected, shown


def _digest(tasks: tuple[BenchmarkTask, ...]) -> str:
    """There is no file, so the digest is of the problems: prompts, sealed tests and references."""
    text = "".join(f"{each.task.id}\0{each.task.prompt}\0{each.sealed.digest}\0" for each in tasks)
    return hashlib.sha256(text.encode()).hexdigest()
