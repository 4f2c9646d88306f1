"""JSON as models write it: read, never run.

Beyond JSON it takes what small models do to it: trailing commas, single quotes, Python's `True`, `False` and `None`,
names without quotes, comments, line breaks inside strings, strings in three quotes, and brackets that are still open at
the end of the text. What it cannot make sense of it refuses; it never guesses at a value. Every text that JSON takes
gives what `json.loads` gives, but for `NaN` and infinities, numbers of over 400 digits and values nested deeper than
64. A text is read once, from left to right, so its cost grows with its length and with nothing else.
"""

from __future__ import annotations

import re
from typing import Any, Final

DEEPEST: Final = 64
_DIGITS: Final = 400
_SPACE: Final = re.compile(r"(?:[\s\ufeff]+|//[^\n]*|#[^\n]*|/\*.*?\*/)*", re.DOTALL)
_NUMBER: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_WORD: Final = re.compile(r"[A-Za-z_$][\w$-]*")
_WORDS: Final = {"true": True, "false": False, "null": None, "True": True, "False": False, "None": None}
_QUOTES: Final = re.compile(r'"""|\'\'\'|"|\'')
_PLAIN: Final = {quote: re.compile(rf"[^\\{quote[0]}]+") for quote in ('"', "'")}
_ESCAPES: Final = {'"': '"', "'": "'", "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_HEX: Final = re.compile(r"[0-9a-fA-F]{4}")
_PAIR: Final = re.compile(r"([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")
"""One character above U+FFFF, as JSON escapes it."""


class Unreadable(ValueError):
    """No value can be read; the message says why and where, for whoever wrote it."""


def read_value(text: str, start: int = 0, *, complete: bool = False) -> tuple[Any, int]:
    """The value that begins at `start`, behind any space, and where it ends.

    Args:
        complete: refuse brackets that are still open at the end.

    Raises:
        Unreadable: there is none.
    """
    reader = _Reader(text, start, complete)
    value = reader.value(0)
    return value, reader.at


def read_whole(text: str) -> Any:
    """The one value that a text holds. Raises Unreadable."""
    reader = _Reader(text, 0, complete=False)
    value = reader.value(0)
    reader.space()
    if reader.at < len(text):
        raise reader.wrong("more text behind the value")
    return value


class _Reader:
    def __init__(self, text: str, at: int, complete: bool) -> None:
        self.text = text
        self.at = at
        self._complete = complete

    def wrong(self, why: str) -> Unreadable:
        line = self.text.count("\n", 0, self.at) + 1
        column = self.at - self.text.rfind("\n", 0, self.at)
        return Unreadable(f"{why}, at line {line}, column {column}")

    def space(self) -> None:
        found = _SPACE.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def value(self, depth: int) -> Any:
        if depth > DEEPEST:
            raise self.wrong(f"nested deeper than {DEEPEST}")
        self.space()
        first = self.text[self.at : self.at + 1]
        if first == "{":
            return self._object(depth)
        if first == "[":
            return self._array(depth)
        if first in ('"', "'") and first:
            return self._string()
        if found := _NUMBER.match(self.text, self.at):
            return self._number(found)
        if (found := _WORD.match(self.text, self.at)) and found[0] in _WORDS:
            self.at = found.end()
            return _WORDS[found[0]]
        raise self.wrong("a value was expected" if first else "the text ends where a value was expected")

    def _object(self, depth: int) -> dict[str, Any]:
        members: dict[str, Any] = {}
        self.at += 1
        while not self._closes("}"):
            name = self._name()
            self.space()
            if self.text[self.at : self.at + 1] != ":":
                raise self.wrong(f"a colon was expected behind {name[:40]!r}")
            self.at += 1
            members[name] = self.value(depth + 1)
            self._separated("}")
        return members

    def _array(self, depth: int) -> list[Any]:
        items = []
        self.at += 1
        while not self._closes("]"):
            items.append(self.value(depth + 1))
            self._separated("]")
        return items

    def _closes(self, bracket: str) -> bool:
        """Whether the bracket ends here, by itself or with the text."""
        self.space()
        if self.at >= len(self.text):
            if self._complete:
                raise self.wrong(f"a {bracket!r} is missing")
            return True
        if self.text[self.at] != bracket:
            return False
        self.at += 1
        return True

    def _separated(self, bracket: str) -> None:
        self.space()
        following = self.text[self.at : self.at + 1]
        if following == ",":
            self.at += 1
        elif following not in (bracket, ""):
            raise self.wrong(f"a comma or {bracket!r} was expected")

    def _name(self) -> str:
        self.space()
        if self.text[self.at : self.at + 1] in ('"', "'"):
            return self._string()
        if found := _WORD.match(self.text, self.at):
            self.at = found.end()
            return found[0]
        raise self.wrong("a name was expected")

    def _number(self, found: re.Match[str]) -> int | float:
        written = found[0]
        if len(written) > _DIGITS:
            raise self.wrong(f"a number of more than {_DIGITS} digits")
        self.at = found.end()
        number = int(written) if re.fullmatch(r"[+-]?\d+", written) else float(written)
        if number in (float("inf"), float("-inf")):
            raise self.wrong("a number too large")
        return number

    def _string(self) -> str:
        opening = _QUOTES.match(self.text, self.at)
        assert opening
        quote = opening[0]
        self.at += len(quote)
        parts: list[str] = []
        while self.at < len(self.text):
            if self.text.startswith(quote, self.at):
                self.at += len(quote)
                return "".join(parts)
            if self.text[self.at] == "\\":
                parts.append(self._escape())
            elif found := _PLAIN[quote[0]].match(self.text, self.at):
                parts.append(found[0])
                self.at = found.end()
            else:  # one of the quotes inside three
                parts.append(self.text[self.at])
                self.at += 1
        raise self.wrong("a string does not end")

    def _escape(self) -> str:
        letter = self.text[self.at + 1 : self.at + 2]
        self.at += 2
        if letter in _ESCAPES:
            return _ESCAPES[letter]
        if letter == "u" and (pair := _PAIR.match(self.text, self.at)):
            self.at = pair.end()
            high, low = int(pair[1], 16) - 0xD800, int(pair[2], 16) - 0xDC00
            return chr(0x10000 + high * 0x400 + low)
        if letter == "u" and (found := _HEX.match(self.text, self.at)):
            self.at = found.end()
            return chr(int(found[0], 16))
        return "" if letter == "\n" else f"\\{letter}"  # a pattern's `\d`, which JSON would have doubled
