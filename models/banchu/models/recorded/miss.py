"""What to say of a request that a recording does not hold: the nearest one that it does hold, and what differs."""

from __future__ import annotations

import difflib
import heapq
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from banchu.core.chat import Request
from banchu.core.errors import ModelError
from banchu.models.recorded.codec import Entry, Plain, plain

_CLOSEST: Final = 40
"""Calls whose texts are compared in full."""
_LINES: Final = 24
"""Of a diff that is shown."""
_WIDTH: Final = 160


def miss(path: Path, model: str, request: Request, entries: Iterable[Entry], hint: str = "") -> ModelError:
    """The error for a request that is not recorded. Fatal: a replay that goes on would be another experiment."""
    asked = plain(request)
    near = nearest(model, asked, entries)
    who = f"{request.role}, round {request.round}"
    said = f"{str(path)!r} holds no answer to this request ({who}, model {model}), and a replay buys none"
    if near is None:
        said += "; it holds no calls at all"
    else:
        said += "\n" + "\n".join(explained(model, asked, near))
    said += f"\n{hint}" if hint else ""
    remedy = "replay with the banchu, options and prompts of the recording, or ask for what is missing with --record"
    return ModelError(f"{said}\n{remedy}", fatal=True)


def nearest(model: str, asked: Plain, entries: Iterable[Entry]) -> Entry | None:
    """The recorded call that is most like a request.

    A seed names a task, a repeat, a role and a round, so a call with the same seed is the same place in the experiment;
    then role and round, then the text.
    """
    lines = set(prompt_lines(asked))

    def rank(entry: Entry) -> tuple[float, ...]:
        other = entry.request
        theirs = set(prompt_lines(other))
        return (
            entry.model == model,
            _seed(other) == _seed(asked),
            other.get("role") == asked.get("role"),
            other.get("round") == asked.get("round"),
            len(lines & theirs) / max(1, len(lines | theirs)),
        )

    ranked = heapq.nlargest(_CLOSEST, ((rank(entry), -i, entry) for i, entry in enumerate(entries)))
    if not ranked:
        return None
    best = ranked[0][0][:4]
    alike = [entry for place, _, entry in ranked if place[:4] == best]
    return max(alike, key=lambda entry: _likeness(asked, entry.request))


def explained(model: str, asked: Plain, near: Entry) -> Iterator[str]:
    """Lines that say what differs between a request and a recorded one."""
    recorded = near.request
    place = f"{recorded.get('role')}, round {recorded.get('round')}"
    before, now = prompt_lines(recorded), prompt_lines(asked)
    others = [] if near.model == model else [f"model: {near.model} recorded, {model} asked"]
    others += _differences(_rest(recorded), _rest(asked))
    if recorded.get("prompt") == asked.get("prompt"):
        if others:
            yield f"the nearest that it holds ({place}) has the same prompt, and differs in:"
        else:
            yield f"it holds the same request ({place}) under another key: it was made by a banchu that names them so"
    else:
        yield f"the nearest that it holds is of {place}; what differs in the prompt:"
        diff = list(difflib.unified_diff(before, now, "recorded", "asked", lineterm="", n=1))
        yield from (f"  {_shown(line)}" for line in diff[:_LINES])
        if len(diff) > _LINES:
            yield f"  ... {len(diff) - _LINES} lines more"
        if others:
            yield "and beside the prompt:"
    yield from (f"  {_shown(line)}" for line in others)


def prompt_lines(request: Plain) -> list[str]:
    """A prompt as lines of text, each message of a chat under its role, and all else that it holds as JSON."""
    prompt = request.get("prompt", "")
    if isinstance(prompt, str):
        return prompt.split("\n")
    lines = []
    for message in prompt:
        lines += [f"[{message.get('role')}]", *str(message.get("content", "")).split("\n")]
        lines += [f"{name}: {json.dumps(value)}" for name, value in message.items() if name not in ("role", "content")]
    return lines


def _likeness(asked: Plain, recorded: Plain) -> float:
    return difflib.SequenceMatcher(None, prompt_lines(asked), prompt_lines(recorded), autojunk=False).ratio()


def _seed(request: Plain) -> Any:
    sampling = request.get("sampling")
    return sampling.get("seed") if isinstance(sampling, dict) else None


def _rest(request: Plain) -> Plain:
    """All but the prompt, and but role and round, which do not enter the key."""
    return {name: value for name, value in request.items() if name not in ("prompt", "role", "round")}


def _differences(recorded: Any, asked: Any, name: str = "") -> Iterator[str]:
    if isinstance(recorded, dict) and isinstance(asked, dict):
        for member in dict.fromkeys((*recorded, *asked)):
            yield from _differences(recorded.get(member), asked.get(member), f"{name}.{member}" if name else member)
    elif recorded != asked:
        yield f"{name}: {_value(recorded)} recorded, {_value(asked)} asked"


def _value(value: Any) -> str:
    text = "not set" if value is None else json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _shown(line: str) -> str:
    """A line that a terminal may print: no control characters, no halves of surrogate pairs, not endless."""
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)
    return text if len(text) <= _WIDTH else text[: _WIDTH - 3] + "..."
