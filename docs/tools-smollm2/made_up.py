"""Tools that do not exist, for teach.py: names, arguments, and results as they might look."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any, Final

_SYLLABLES: Final = ["ba", "ko", "mi", "ru", "te", "zo", "la", "vi", "ne", "su", "pa", "do"]


@dataclass(frozen=True, slots=True)
class Made:
    """A tool that does nothing."""

    name: str
    about: str
    parameters: dict[str, tuple[str, list[Any]]]
    """By name: a type of JSON Schema, and values to call it with."""
    results: list[str]

    def offer(self) -> dict[str, Any]:
        """As chat templates and APIs want it."""
        schema = {
            "properties": {name: {"type": kind} for name, (kind, _) in self.parameters.items()},
            "required": list(self.parameters),
            "type": "object",
        }
        told = {"name": self.name, "description": self.about, "parameters": schema}
        return {"type": "function", "function": told}

    def arguments(self, random: random.Random) -> dict[str, Any]:
        """A call."""
        chosen = {name: random.choice(values) for name, (_, values) in self.parameters.items()}
        return {"name": self.name, "arguments": chosen}


def made_up(random: random.Random) -> tuple[list[dict[str, Any]], Made]:
    """One to three tools on offer, and the one to call. Half have nonsense for names, so that names must be copied."""
    chosen = [_renamed(each, random) for each in random.sample(MADE, random.randint(1, 3))]
    return [each.offer() for each in chosen], random.choice(chosen)


def _renamed(made: Made, random: random.Random) -> Made:
    if random.random() >= 0.5:
        return made
    words = ["".join(random.choices(_SYLLABLES, k=random.randint(1, 3))) for _ in range(random.randint(1, 3))]
    parameters = {
        ("".join(random.choices(_SYLLABLES, k=2)) if random.random() < 0.5 else name): values
        for name, values in made.parameters.items()
    }
    return Made("_".join(words), made.about, parameters, made.results)


def _texts(*values: str) -> tuple[str, list[Any]]:
    return "string", list(values)


MADE: Final = [
    Made(
        "count_lines",
        "How many lines a text has.",
        {"text": _texts("a\nb", "one line", "def f(xs):\n    return xs")},
        ["2", "1"],
    ),
    Made(
        "reverse_text",
        "A text from its end to its beginning.",
        {"text": _texts("abc", "evens", "total")},
        ["cba", "snevE"],
    ),
    Made("is_prime", "Whether a whole number is a prime.", {"number": ("integer", [7, 10, 31])}, ["true", "false"]),
    Made(
        "convert_length",
        "A length in another unit.",
        {
            "value": ("number", [1.5, 20, 3]),
            "source_unit": _texts("km", "mile"),
            "target_unit": _texts("m", "foot"),
        },
        ["1500", "0.93"],
    ),
    Made(
        "get_weather",
        "The weather in a city now.",
        {"city": _texts("Berlin", "Seoul", "Lagos")},
        ["sunny, 21 degrees", "rain"],
    ),
    Made(
        "sunrise",
        "When the sun rises somewhere today.",
        {"place": _texts("Asia/Seoul", "Europe/Berlin", "America/Lima")},
        ["06:12", "05:58"],
    ),
    Made(
        "define_word",
        "What a word means.",
        {"word": _texts("even", "median", "predicate")},
        ["divisible by two", "the middle value"],
    ),
    Made("stock_price", "The price of a share.", {"symbol": _texts("ABC", "XYZ")}, ["12.30", "7.05"]),
    Made("add_numbers", "The sum of numbers.", {"values": ("array", [[1, 2, 3], [4, 5], [10, -1]])}, ["6", "9"]),
    Made(
        "search_notes",
        "Search the notes for something.",
        {"query": _texts("sum of a list", "greater than", "list comprehension")},
        ["[x for x in xs if x > 3]", "nothing found"],
    ),
    Made(
        "check_style",
        "Look for faults in Python code.",
        {"source": _texts("def f(xs):\n    return sum(xs)", "x = 1")},
        ["no faults", "line 1: name is unused"],
    ),
    Made(
        "random_integer",
        "A random whole number in a range.",
        {"low": ("integer", [0, 1]), "high": ("integer", [6, 100])},
        ["4", "57"],
    ),
    Made(
        "translate",
        "A text in another language.",
        {"text": _texts("the sum", "greater than 5"), "language": _texts("German", "Korean")},
        ["die Summe"],
    ),
    Made(
        "days_between",
        "Days between two dates.",
        {"first": _texts("2024-01-01"), "second": _texts("2024-03-01")},
        ["60"],
    ),
    Made("uppercase", "A text in capital letters.", {"text": _texts("abc", "odd squares")}, ["ABC", "ODD SQUARES"]),
    Made(
        "time_zone",
        "The time zone of a city.",
        {"city": _texts("Paris", "Tokyo", "Quito")},
        ["Europe/Paris", "Asia/Tokyo"],
    ),
    Made(
        "round_number",
        "A number with fewer digits.",
        {"value": ("number", [3.14159, 2.5]), "digits": ("integer", [2, 0])},
        ["3.14", "2"],
    ),
    Made(
        "find_function",
        "Search the standard library for a function.",
        {"what": _texts("sum", "max", "sorted")},
        ["sum(iterable)", "max(iterable)"],
    ),
    Made("word_length", "How many letters a word has.", {"word": _texts("count", "even", "squares")}, ["5", "4"]),
    Made(
        "currency_rate",
        "What one currency costs in another.",
        {"base": _texts("EUR"), "quote": _texts("USD", "KRW")},
        ["1.09"],
    ),
]
