"""One record of a log: what every reader makes of it, and how its fields are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from banchu.core.errors import DataError
from banchu.experiments.samples import Form


@dataclass(frozen=True, slots=True)
class Written:
    """One attempt as it stands in the log."""

    round: int
    """From 0. Logs that keep the last attempt only start later."""
    text: str | None
    claimed: bool | None = None
    """Whether the log says that it solves the task; None: it does not say."""
    form: Form = "continuation"
    """What the text is. Whole functions are continuations too: the prompt's imports and helpers come before them."""


@dataclass(frozen=True, slots=True)
class Row:
    """One task of a log, before anybody knows whether the benchmark has it."""

    name: str
    """The task, as the log writes it."""
    attempts: tuple[Written, ...]
    """By round. None at all where the log says that the task was worked on and keeps no program."""
    reflections: int = 0
    """How many reflections the log holds."""
    tests: str = ""
    """Source that holds the tests which the loop ran, as asserts."""
    few_shots: tuple[str, ...] = ()
    """Texts that were shown to the model before the task."""
    hidden: str = ""
    """The hidden tests that the log says it was judged by."""
    accuracy: float | None = None
    """The log's own running accuracy, as a fraction."""
    repeat: int | None = None
    """Which of several independent runs of the task this is, from 0; None: the log does not say."""


def shown(text: str) -> str:
    """Text of a log as a person may be shown it: nothing in it that a terminal obeys, or that cannot be written."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)


class Fields:
    """One object of a log, asked field by field.

    Args:
        row: the object.
        where: file and line, for errors.
        expects: what the format of the log calls for, for errors.
    """

    def __init__(self, row: dict[str, Any], where: str, expects: str) -> None:
        self.where = where
        self._row = row
        self._expects = expects

    def __contains__(self, field: str) -> bool:
        return field in self._row

    def text(self, *fields: str) -> str:
        """The first of the fields that is there, which must be a string or a whole number. Raises DataError."""
        for field in fields:
            if field in self._row:
                value = self._row[field]
                if isinstance(value, str | int) and not isinstance(value, bool):
                    return str(value)
                raise self.wrong(field, "a string")
        raise self.wrong(fields[0], "a string")

    def optional_text(self, field: str) -> str | None:
        """None where it is missing or null. Raises DataError for another type."""
        value = self._row.get(field)
        if value is not None and not isinstance(value, str):
            raise self.wrong(field, "a string or null")
        return value

    def texts(self, field: str) -> list[str | None]:
        """A list of strings or nulls; empty where it is missing or null. Raises DataError for another type."""
        value = self._row.get(field)
        if value is None:
            return []
        if not isinstance(value, list) or not all(each is None or isinstance(each, str) for each in value):
            raise self.wrong(field, "a list of strings")
        return value

    def flag(self, field: str) -> bool | None:
        """None where it is missing or null. Raises DataError for another type."""
        value = self._row.get(field)
        if value is not None and not isinstance(value, bool):
            raise self.wrong(field, "true or false")
        return value

    def share(self, field: str) -> float | None:
        """A number from 0 to 1; None where it is missing or null. Raises DataError for anything else."""
        value = self._row.get(field)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise self.wrong(field, "a number from 0 to 1")
        return float(value)

    def count(self, field: str) -> int | None:
        """A whole number from 0; None where it is missing or null. Raises DataError for anything else."""
        value = self._row.get(field)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
            raise self.wrong(field, "a whole number from 0")
        return value

    def raw(self, field: str) -> Any:
        """As it is; None where it is missing."""
        return self._row.get(field)

    def wrong(self, field: str, wanted: str) -> DataError:
        """The error for a field that cannot be used."""
        found = f"is {type(self._row[field]).__name__}" if field in self._row else "is missing"
        return DataError(f"{self.where}: field {field!r} {found}, and must be {wanted}. {self._expects}")
