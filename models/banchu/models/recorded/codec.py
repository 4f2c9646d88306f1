"""A recorded call as one line of JSON, and back.

Requests are kept as plain JSON, for people and for diffs: what finds an answer is `Request.key`. Answers come back as
the types they were, whatever fields those types have by then: a field that a later version adds is read with its
default from older lines. Lone surrogates, which a model may well say, are written as UTF-8 would encode them, so every
text that Python can hold comes back as it was; a file is valid UTF-8 where its texts are Unicode.
"""

from __future__ import annotations

import functools
import json
import types
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from typing import Any, Final, Literal, Union, cast, get_args, get_origin, get_type_hints

from banchu.core.chat import Completion, Request
from banchu.core.errors import ContextOverflow, ModelError

Plain = dict[str, Any]
KEY_START: Final = b'{"key":"'
"""How the line of a call begins, and no other."""
REFUSAL_START: Final = b'","refusal":'
"""What follows the key where the call failed."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One call: what was asked, and what came of it."""

    key: str
    """`Request.key(model)`: 64 hexadecimal digits."""
    model: str
    """The model's id."""
    request: Plain
    """The whole request, role and round included."""
    outcome: Completion | ModelError

    @property
    def final(self) -> bool:
        """Whether asking again is of no use: an answer, or a refusal that every try would meet."""
        return isinstance(self.outcome, Completion) or not self.outcome.retryable

    def result(self) -> Completion:
        """The answer. Raises ModelError or ContextOverflow, as the call did, where there was none."""
        if isinstance(self.outcome, ModelError):
            raise _refusal(_plain_refusal(self.outcome))  # a new one each time: a raised exception keeps its trace
        return self.outcome


def entry_of(model: str, request: Request, outcome: Completion | ModelError) -> Entry:
    """The entry of a call that was just made."""
    return Entry(request.key(model), model, plain(request), outcome)


def plain(value: Any) -> Any:
    """Dataclasses as JSON, without fields that are not set, so a field more changes no older recording."""
    if is_dataclass(value):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value) if not _unset(f, getattr(value, f.name))}
    if isinstance(value, Mapping):
        return {str(name): plain(member) for name, member in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


def _unset(field: Field[Any], value: Any) -> bool:
    """Whether a field says nothing: None, empty or false, by default. Numbers are always written."""
    return field.default is not MISSING and value == field.default and not value and type(value) not in (int, float)


def encode(entry: Entry) -> bytes:
    """One line, key first and then the outcome, so that a file can be indexed without reading its JSON."""
    outcome = entry.outcome
    said = {"refusal": _plain_refusal(outcome)} if isinstance(outcome, ModelError) else {"answer": plain(outcome)}
    return line_of({"key": entry.key, **said, "model": entry.model, "request": entry.request})


def line_of(values: Plain) -> bytes:
    """JSON on one line, with its end."""
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass") + b"\n"


def values_of(line: bytes) -> Plain:
    """The object on a line. Raises ValueError."""
    values = json.loads(line.decode("utf-8", "surrogatepass"))
    if not isinstance(values, dict):
        raise ValueError("not an object")
    return values


def decode(line: bytes) -> Entry:
    """What `encode` wrote. Raises ValueError that says what is wrong with the line."""
    values = values_of(line)
    key, model, request, refusal = (values.get(name) for name in ("key", "model", "request", "refusal"))
    if not (isinstance(key, str) and isinstance(model, str) and isinstance(request, dict)):
        raise ValueError("lacks key, model or request")
    if "answer" in values:
        return Entry(key, model, request, build(Completion, values["answer"]))
    if not (isinstance(refusal, dict) and isinstance(refusal.get("message"), str)):
        raise ValueError("holds neither an answer nor a refusal")
    return Entry(key, model, request, _refusal(refusal))


def _plain_refusal(error: ModelError) -> Plain:
    kind = "overflow" if isinstance(error, ContextOverflow) else "error"
    return {"kind": kind, "message": str(error), "retryable": error.retryable, "status": error.status}


def _refusal(values: Plain) -> ModelError:
    kind = ContextOverflow if values.get("kind") == "overflow" else ModelError
    return kind(values["message"], retryable=bool(values.get("retryable")), status=values.get("status"))


def build(kind: Any, value: Any) -> Any:
    """A value of type `kind` out of JSON: dataclasses, tuples, literals, unions and plain values.

    Raises:
        ValueError: it is not of that type, or holds a field that the type lacks.
    """
    origin, arguments = get_origin(kind), get_args(kind)
    if is_dataclass(kind):
        return _build_dataclass(cast(type, kind), value)
    if origin in (Union, types.UnionType):
        return _build_union(arguments, value)
    if origin is Literal:
        return _checked(value, value in arguments, kind)
    if origin in (tuple, list, Sequence):
        _checked(value, isinstance(value, list), kind)
        if origin is tuple and Ellipsis not in arguments:
            _checked(value, len(value) == len(arguments), kind)
            return tuple(build(member, item) for member, item in zip(arguments, value, strict=True))
        return (list if origin is list else tuple)(build(arguments[0], item) for item in value)
    if origin in (dict, Mapping):
        _checked(value, isinstance(value, dict), kind)
        return {name: build(arguments[1], member) for name, member in value.items()}
    if kind is float:
        return float(_checked(value, type(value) in (int, float), kind))
    if kind in (Any, object):
        return value
    return _checked(value, type(value) is (type(None) if kind is None else kind), kind)


def _build_dataclass(kind: type, value: Any) -> Any:
    _checked(value, isinstance(value, dict), kind)
    hints = _hints(kind)
    if more := value.keys() - {f.name for f in fields(kind)}:
        raise ValueError(f"holds {', '.join(sorted(more))}, which this banchu does not know")
    try:
        return kind(**{name: build(hints[name], member) for name, member in value.items()})
    except TypeError as error:  # a field without a default is missing
        raise ValueError(str(error)) from None


_hints = functools.cache(get_type_hints)


def _build_union(kinds: tuple[Any, ...], value: Any) -> Any:
    for kind in kinds:
        try:
            return build(kind, value)
        except ValueError:
            continue
    raise ValueError(f"{value!r:.60} is none of {', '.join(str(kind) for kind in kinds)}")


def _checked(value: Any, fits: bool, kind: Any) -> Any:
    if not fits:
        raise ValueError(f"{value!r:.60} is not {getattr(kind, '__name__', kind)}")
    return value
