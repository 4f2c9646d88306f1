"""What the problems are made of: predicates of an integer, and aggregates of a list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Predicate:
    """A property of one integer."""

    key: str
    kind: str
    """Predicates that differ in a number only are of one kind, and a kind is never on both sides of the split."""
    holds: str
    """Python expression in `x`."""
    plurals: tuple[str, ...]
    """Ways to speak of the integers that have it; `{n}` is a noun."""
    edges: tuple[int, ...]
    """Integers at which a near miss of the predicate differs from it."""


@dataclass(frozen=True, slots=True)
class Aggregate:
    """What is made of those integers of a list that have the property."""

    key: str
    names: tuple[str, ...]
    """Of the function; `{key}` is the predicate's."""
    body: str
    """Lines of the reference; `{xs}` is the list, `{p}` the predicate's expression in `x`."""
    sentences: tuple[str, ...]
    """`{which}` are the integers that have the property, `{xs}` is the list."""
    returns: str
    """Annotation."""


def _above(k: int) -> Predicate:
    plurals = (f"{{n}} greater than {k}", f"{{n}} that are greater than {k}")
    return Predicate(f"greater_than_{k}", "above", f"x > {k}", plurals, (k, k + 1, -k - 1))


def _multiple(k: int) -> Predicate:
    plurals = (f"{{n}} divisible by {k}", f"{{n}} that are multiples of {k}")
    return Predicate(f"divisible_by_{k}", "multiple", f"x % {k} == 0", plurals, (k, -k, k - 1, k // 2, k * k))


def _below(k: int) -> Predicate:
    plurals = (f"{{n}} less than {k}", f"{{n}} that are less than {k}")
    return Predicate(f"less_than_{k}", "below", f"x < {k}", plurals, (k - 1, k, -k))


def _at_least(k: int) -> Predicate:
    plurals = (f"{{n}} that are at least {k}", f"{{n}} greater than or equal to {k}")
    return Predicate(f"at_least_{k}", "at least", f"x >= {k}", plurals, (k, k - 1, -k))


PREDICATES: Final = (
    *map(_above, (3, 5, 10, 50, 100)),
    *map(_multiple, (3, 4, 5, 7, 10)),
    *map(_below, (2, 6, 20, 50)),
    *map(_at_least, (7, 15)),
    Predicate("even", "even", "x % 2 == 0", ("even {n}", "{n} that are even"), (2, 3, -2, -3)),
    Predicate("odd", "odd", "x % 2 == 1", ("odd {n}", "{n} that are odd"), (1, 4, -1, -4)),
    Predicate("positive", "positive", "x > 0", ("positive {n}", "{n} greater than zero"), (1, 0, -1)),
    Predicate("negative", "negative", "x < 0", ("negative {n}", "{n} less than zero"), (-1, 0, 1)),
)

AGGREGATES: Final = (
    Aggregate(
        "sum",
        ("sum_of_{key}", "sum_{key}"),
        "return sum(x for x in {xs} if {p})",
        ("Return the sum of the {which} in {xs}.", "Add up all {which} in {xs}."),
        "int",
    ),
    Aggregate(
        "keep",
        ("{key}_only", "keep_{key}"),
        "return [x for x in {xs} if {p}]",
        ("Return a list of the {which} in {xs}.", "Keep only the {which} in {xs}, in their order."),
        "list[int]",
    ),
    Aggregate(
        "all",
        ("all_{key}",),
        "return all({p} for x in {xs})",
        (
            "Return True if all elements of {xs} are {which}.",
            "Check whether all elements of {xs} are {which}; for the empty list, return True.",
        ),
        "bool",
    ),
    Aggregate(
        "any",
        ("any_{key}", "has_{key}"),
        "return any({p} for x in {xs})",
        ("Return True if any of the elements of {xs} are {which}.", "Check whether there are any {which} in {xs}."),
        "bool",
    ),
    Aggregate(
        "doubles",
        ("double_{key}", "doubles_of_{key}"),
        "return [2 * x for x in {xs} if {p}]",
        ("Return a list of the {which} in {xs}, each multiplied by 2.", "Keep the {which} in {xs} and double them."),
        "list[int]",
    ),
    Aggregate(
        "strings",
        ("strings_of_{key}", "{key}_as_strings"),
        "return [str(x) for x in {xs} if {p}]",
        ("Return a list of the {which} in {xs} as strings.", "Turn the {which} in {xs} into a list of strings."),
        "list[str]",
    ),
    Aggregate(
        "count",
        ("count_{key}", "how_many_{key}"),
        "return sum(1 for x in {xs} if {p})",
        ("Return how many {which} there are in {xs}.", "Count the {which} in {xs}."),
        "int",
    ),
    Aggregate(
        "squares",
        ("squares_of_{key}", "square_{key}"),
        "return [x * x for x in {xs} if {p}]",
        ("Return a list of the squares of the {which} in {xs}.", "Keep the {which} in {xs} and square them."),
        "list[int]",
    ),
    Aggregate(
        "sorted",
        ("sorted_{key}", "sort_{key}"),
        "return sorted(x for x in {xs} if {p})",
        ("Return a sorted list of the {which} in {xs}.", "Sort the {which} in {xs} in ascending order."),
        "list[int]",
    ),
    Aggregate(
        "largest",
        ("largest_{key}", "max_{key}"),
        "return max((x for x in {xs} if {p}), default=None)",
        (
            "Return the largest of the {which} in {xs}, or None if there are none.",
            "Find the maximum of the {which} in {xs}; return None if there are none.",
        ),
        "int | None",
    ),
    Aggregate(
        "product",
        ("product_of_{key}", "multiply_{key}"),
        "result = 1\nfor x in {xs}:\n    if {p}:\n        result *= x\nreturn result",
        (
            "Return the product of the {which} in {xs}, or 1 if there are none.",
            "Multiply all {which} in {xs}; return 1 if there are none.",
        ),
        "int",
    ),
    Aggregate(
        "distinct",
        ("distinct_{key}", "unique_{key}"),
        "return sorted(set(x for x in {xs} if {p}))",
        (
            "Return a sorted list of the distinct {which} in {xs}.",
            "Return the {which} in {xs} without duplicates, in ascending order.",
        ),
        "list[int]",
    ),
    Aggregate(
        "positions",
        ("indices_of_{key}", "positions_of_{key}"),
        "return [i for i, x in enumerate({xs}) if {p}]",
        ("Return a list of the indices of the {which} in {xs}.", "List the positions (from 0) of the {which} in {xs}."),
        "list[int]",
    ),
    Aggregate(
        "cubes",
        ("cubes_of_{key}", "cube_{key}"),
        "return [x**3 for x in {xs} if {p}]",
        ("Return a list of the cubes of the {which} in {xs}.", "Keep the {which} in {xs} and cube them."),
        "list[int]",
    ),
    Aggregate(
        "first",
        ("first_{key}", "find_{key}"),
        "for x in {xs}:\n    if {p}:\n        return x\nreturn None",
        (
            "Return the first of the {which} in {xs}, or None if there are none.",
            "Find the first of the {which} in {xs}; return None if there are none.",
        ),
        "int | None",
    ),
    Aggregate(
        "reversed",
        ("reversed_{key}", "reverse_{key}"),
        "return [x for x in {xs} if {p}][::-1]",
        ("Return a list of the {which} in {xs} in reverse order.", "List the {which} in {xs}, the last one first."),
        "list[int]",
    ),
)
