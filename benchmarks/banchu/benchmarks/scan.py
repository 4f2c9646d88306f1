"""Looks for sealed assertions in text that goes to a model: the second proof of the wall, run on every prompt.

What counts as found: the tested expression of a hidden assertion (`f(1, 2) == 3`, with any spacing and quotes, under
the name `candidate` or the entry point's), its two sides the other way round, or its call followed by its expected
value as people write it (`f(1, 2) -> 3`, `f(1, 2) returned 4, expected 3`, a doctest). An assertion in a loop is
searched as it is written there. Strings of JSON and of `repr` are read as what they say, three deep.

What is not found: a paraphrase, the arguments or the expected value alone, a value computed in another way, text in
another encoding, assertions shorter than 10 characters, and the reference solution, which a right answer may equal. An
assertion that the prompt itself shows is public and not searched for. A hit says that the text is there, not how it
came: a model that has learned the benchmark by heart, or guesses the same example, writes it too.

Where a task lists its answers, all of them are public: a program that returns one, or a test of the model's own that
asserts one, is an answer and no leak, and is often right. There an assertion counts only as nobody but a judge writes
it: on `candidate`, or with its expected value behind it (`f() == 'C'`, `Expected: 'C'`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, NoReturn

from banchu.benchmarks.needles import Needle, hidden_assertions, normalise, readings
from banchu.core.sealed import SealedTests, unseal
from banchu.core.task import Task

_PUNCTUATION: Final = r"[\s`'*_.,:;#=<>()\-–—➞→⇒|]*"
_WORDS: Final = (
    r"(?:(?:should|must|shall|will|would|to|return|returns|returned|be|is|are|equal|equals|evaluate|evaluates|give"
    r"|gives|produce|produces|output|outputs|result|results|value|expected|expects|expect|want|wanted|answer|correct"
    r"|right|in|the|a|an|it|and|but|was|has)\b" + _PUNCTUATION + r"){0,8}"
)
_FAR: Final = r"(?:.{0,300}?\b(?:expect|expected|expects|should|must|want|wanted|correct)\b)?"
_GAP: Final = re.compile(_FAR + _PUNCTUATION + _WORDS, re.DOTALL)
"""What may stand between a call and its expected value, with or without the actual value in between."""
_CANDIDATE: Final = "candidate"
"""What a check calls the function under test."""
_WINDOW: Final = 400
"""Characters behind a call in which its expected value is looked for."""


class SealedScan:
    """Searches texts for the sealed assertions of one task. Built once for a task, then called for every prompt."""

    def __init__(self, sealed: SealedTests, task: Task) -> None:
        suite = unseal(sealed)
        self._names = re.compile(r"\bcandidate\b")
        self._entry_point = _CANDIDATE if task.answers else suite.entry_point
        public = self._read("\n".join((task.prompt, *task.examples)))
        needles = hidden_assertions(suite.check, self._entry_point)
        if task.answers:
            needles = tuple(_of_choice(needle, suite.entry_point) for needle in needles)
        self._needles = tuple(needle for needle in needles if not _in_any(needle, public))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a scan holds sealed text and is not serialised; build it again from the sealed tests")

    def __len__(self) -> int:
        """How many distinct assertions are searched for."""
        return len(self._needles)

    def hits(self, text: str) -> int:
        """How many distinct sealed assertions occur in `text`."""
        texts = self._read(text)
        return sum(_in_any(needle, texts) for needle in self._needles)

    def _read(self, text: str) -> list[str]:
        """Normalised, in each way in which it can be read."""
        named = self._names.sub(self._entry_point, text) if _CANDIDATE in text else text
        return [normalise(each) for each in readings(named)]


def _of_choice(needle: Needle, entry_point: str) -> Needle:
    """The assertion on `candidate`; and the one that the model may know, as an oracle's feedback goes on behind it."""
    known = needle.forms[0].replace(_CANDIDATE, entry_point, 1)
    told = (normalise(f"{known}\nExpected: {expected}") for _, expected in needle.pairs)
    return Needle((*needle.forms, *told), ())


def _in_any(needle: Needle, texts: Sequence[str]) -> bool:
    return any(_occurs(needle, text) for text in texts)


def _occurs(needle: Needle, text: str) -> bool:
    return any(_stands(form, text) for form in needle.forms) or any(
        _paired(call, expected, text) for call, expected in needle.pairs
    )


def _stands(form: str, text: str) -> bool:
    return next(_places(form, text), None) is not None


def _paired(call: str, expected: str, text: str) -> bool:
    return any(_follows(expected, text, end) for end in _places(call, text))


def _follows(expected: str, text: str, end: int) -> bool:
    """Whether the expected value comes next, behind nothing but what `_GAP` allows."""
    window = text[end : end + _WINDOW + len(expected)].lower()  # prompts write `true` for True
    return any(_GAP.fullmatch(window, 0, after - len(expected)) for after in _places(expected.lower(), window))


def _places(form: str, text: str) -> Iterator[int]:
    """Where `form` ends, each time it occurs as a whole: `f(1)==1` is not in `f(1)==10`, `f(1)==1.5` or `gf(1)==1`."""
    start = text.find(form)
    while start >= 0:
        end = start + len(form)
        before, after = text[start - 1 : start] if start else "", text[end : end + 2]
        glued_before = _is_word(form[0]) and _is_word(before)
        glued_after = _is_word(form[-1]) and (_is_word(after[:1]) or (after[:1] == "." and after[1:].isdecimal()))
        if not glued_before and not glued_after:
            yield end
        start = text.find(form, start + 1)


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"
