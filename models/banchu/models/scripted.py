"""The scripted model: a fake for tests and benchmarks, deterministic, and called so everywhere."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from banchu.core.chat import CallRole, Completion, Request, Usage
from banchu.core.errors import ConfigError, ModelError
from banchu.models.protocol import PromptStyle


class ScriptedModel:
    """Answers by a function of the request. Counts its calls; tokens are words."""

    def __init__(
        self, replies: Callable[[Request], str], *, id: str = "scripted", prompt_style: PromptStyle = "chat"
    ) -> None:
        self._replies = replies
        self._id = id
        self._style: PromptStyle = prompt_style
        self.calls = 0

    @property
    def id(self) -> str:
        return self._id

    @property
    def prompt_style(self) -> PromptStyle:
        return self._style

    async def complete(self, request: Request) -> Completion:
        self.calls += 1
        return scripted_completion(request, self._replies(request))

    async def aclose(self) -> None:
        """Nothing to release."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a script: what it matches, and what it answers."""

    reply: str
    match: re.Pattern[str]
    role: CallRole | None = None
    round: int | None = None
    delay_s: float = 0.0

    def answers(self, request: Request) -> bool:
        return (
            self.role in (None, request.role)
            and self.round in (None, request.round)
            and self.match.search(request.prompt_text) is not None
        )


class ScriptFile:
    """`scripted:FILE.jsonl`: the first row that matches answers.

    A row is {"reply": TEXT} and, each optional, "match": a regular expression searched in the prompt, "role" (actor,
    critic, reflector, tester), "round" (from 0), "delay_s" (seconds).

    Raises:
        ConfigError: the file cannot be read; names file, line and field.
    """

    def __init__(self, path: Path, prompt_style: PromptStyle = "chat") -> None:
        self._path = path
        self._rows, digest = _read(path)
        self._id = f"scripted:{path.name}@{digest[:12]}"
        self._style: PromptStyle = prompt_style

    @property
    def id(self) -> str:
        return self._id

    @property
    def prompt_style(self) -> PromptStyle:
        return self._style

    async def complete(self, request: Request) -> Completion:
        row = next((row for row in self._rows if row.answers(request)), None)
        if row is None:
            first = request.prompt_text.strip().partition("\n")[0][:80]
            raise ModelError(
                f"scripted model: no row of {str(self._path)!r} matches the {request.role}'s prompt of round "
                f'{request.round}, {first!r}; add a last row with "match": "."'
            )
        if row.delay_s:
            await asyncio.sleep(row.delay_s)
        return scripted_completion(request, row.reply)

    async def aclose(self) -> None:
        """Nothing to release."""


def scripted_completion(request: Request, reply: str) -> Completion:
    """A reply as a model would give it: cut at the first stop text and at max_tokens words."""
    cuts = [at for stop in request.sampling.stop if (at := reply.find(stop)) >= 0]
    text = reply[: min(cuts)] if cuts else reply
    words = list(re.finditer(r"\S+", text))
    limit = request.sampling.max_tokens
    truncated = len(words) > limit
    if truncated:
        text = text[: words[limit - 1].end()]
    usage = Usage(len(request.prompt_text.split()), min(len(words), limit))
    return Completion(text, usage, "length" if truncated else "stop")


def _read(path: Path) -> tuple[tuple[Row, ...], str]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"--model scripted:{path}: cannot read the script: {error.strerror}") from None
    rows = []
    # Not splitlines: a JSON text may hold U+2028 and other separators as they are.
    for number, line in enumerate(content.decode("utf-8", "replace").split("\n"), 1):
        if line.strip():
            rows.append(_row(path, number, line))
    if not rows:
        raise ConfigError(f"--model scripted:{path}: the script has no rows; write one JSON object a line")
    return tuple(rows), hashlib.sha256(content).hexdigest()


def _row(path: Path, number: int, line: str) -> Row:
    where = f"--model scripted:{path}, line {number}"
    try:
        values: Any = json.loads(line)
    except ValueError as error:
        raise ConfigError(f"{where}: not JSON ({error})") from None
    if not isinstance(values, dict) or not isinstance(values.get("reply"), str):
        raise ConfigError(f'{where}: a row is an object with a text "reply" and optionally {", ".join(_FIELDS)}')
    for name, value in values.items():
        if name not in {"reply", *_FIELDS}:
            raise ConfigError(f"{where}: unknown field {name!r}; known: reply, {', '.join(_FIELDS)}")
        if name in _FIELDS and value is not None and not _FIELDS[name](value):
            raise ConfigError(f"{where}: {name} {value!r} cannot be used; {_REMEDIES[name]}")
    try:
        match = re.compile(values.get("match") or "", re.DOTALL)
    except re.error as error:
        raise ConfigError(f"{where}: match {values['match']!r} is not a regular expression ({error})") from None
    return Row(values["reply"], match, values.get("role"), values.get("round"), float(values.get("delay_s") or 0))


_FIELDS: dict[str, Callable[[Any], bool]] = {
    "match": lambda value: isinstance(value, str),
    "role": lambda value: value in get_args(CallRole),
    "round": lambda value: type(value) is int and value >= 0,
    "delay_s": lambda value: type(value) in (int, float) and 0 <= value < float("inf"),
}
"""The optional fields of a row, and what each may hold."""

_REMEDIES = {
    "match": "write a regular expression as a text",
    "role": f"write one of {', '.join(get_args(CallRole))}",
    "round": "write a whole number from 0",
    "delay_s": "write seconds from 0",
}
