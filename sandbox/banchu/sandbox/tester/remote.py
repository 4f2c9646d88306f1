"""The stand-in that the tests call: each call goes to the cell and comes back as a value or an exception."""

from __future__ import annotations

import builtins
import itertools
import os
import secrets
import socket
from dataclasses import dataclass
from typing import Any

from banchu.sandbox.tester.handles import Handle
from banchu.sandbox.tester.plan import Plan
from banchu.sandbox.wire.codec import TOO_DEEP, TooLarge, Unreadable, decode, dumps, encode, loads
from banchu.sandbox.wire.frames import Broken, Truncated, read_frame, write_frame
from banchu.sandbox.wire.opaque import Opaque, number_of

Failure = dict[str, Any]
"""What `banchu.sandbox.cell.failure.describe` made: type, builtin, message, trace, denied. Hostile, but plain."""


class Lost(BaseException):  # named for what happened; BaseException, so that no test swallows it by accident
    """The candidate can answer no more calls: `gone`, `malformed` or `too_large`."""

    def __init__(self, kind: str, detail: str = "") -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind
        self.detail = detail


class Uncrossable(BaseException):  # as above
    """The tests pass something that is no plain value. The judge's limit, not the candidate's doing."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan, and its calls as they are sent."""

    plan: Plan
    text: str
    plain: bool
    """Whether the arguments are sent as they are, being nothing that JSON does not know."""

    @property
    def count(self) -> int:
        return sum(map(len, self.plan.calls))


class Remote:
    """One candidate. Raises Lost for good once the channel has failed."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._planned: list[list[Any]] | None = None
        """Answers to the calls of each assert, by its number."""
        self.was_last = False
        """Whether the candidate was told that no more will be asked."""
        self.incomplete = False
        """The planned calls brought no answers: which of them failed shows only call by call."""
        self.site = 0
        """Number of the assert that runs."""
        self.lost: Lost | None = None
        self.uncrossable: Uncrossable | None = None
        self.raised: list[tuple[BaseException, Failure]] = []
        """Exceptions that came from the candidate, with what it said of them."""
        self.borrowed = False
        """Whether the tests took names or objects from it."""
        self.calls = 0
        self.last_arguments: tuple[tuple[Any, ...], dict[str, Any]] = ((), {})
        self.last_value: object = None

    def define(self, code: str, entry_point: str, planned: Planned | None = None) -> None:
        """Hand over the program, with the calls that are known already. Raises what its module raises."""
        self.was_last = planned is not None and planned.plan.only_values
        calls = f"{planned.text},{text(planned.plain)}" if planned else "[],true"
        request = f'"program",{text(code)},{text(entry_point)},{calls},{text(self.was_last)}'
        try:
            loaded, *answers = self._ask(request, planned.count if planned else 0)
            if planned is not None:
                rest = iter(answers)
                self._planned = [list(itertools.islice(rest, len(calls))) for calls in planned.plan.calls]
            self._value(loaded)
        except Lost:
            self.incomplete = planned is not None
            raise

    def __call__(self, *positional: Any, **named: Any) -> Any:
        self.calls += 1
        self.last_arguments = (positional, named)
        if self._planned is not None:
            answer = self._planned[self.site].pop(0)
        else:
            (answer,) = self._ask(f'"call",{self._crossing(positional)},{self._crossing(named)}')
        self.last_value = self._value(answer)
        return self.last_value

    def named(self, name: str) -> Any:
        """What the candidate's module holds under a name that the tests take from it. Raises what that raises."""
        return self._request("name", name)

    def on_object(self, what: str, handle: Opaque, *arguments: Any) -> Any:
        """See `Asks`."""
        return self._request("invoke" if what == "call" else what, number_of(handle), *arguments)

    def _request(self, kind: str, target: Any, *arguments: Any) -> Any:
        self.borrowed = True
        parts = ",".join([text(kind), text(target), *map(self._crossing, arguments)])
        (answer,) = self._ask(parts)
        return self._value(answer)

    def _take(self, type_name: str, number: int) -> Handle:
        return Handle(self, type_name, number)

    def failure_of(self, error: BaseException) -> Failure | None:
        """What the candidate said of this exception, if it is the candidate's."""
        return next((failure for raised, failure in self.raised if raised is error), None)

    def _ask(self, request: str, planned: int = 0) -> list[Any]:
        """The answers to a request: one, and one for each planned call if the first is no failure. Raises Lost."""
        if self.lost:
            raise self.lost
        request_id = secrets.token_hex(8)
        try:
            self._send(f'["{request_id}",{request}]'.encode("utf-8", "surrogatepass"))
            return _answers(self._receive(), request_id, planned)
        except (Unreadable, Broken, Lost) as error:
            raise self._lose(error) from None

    def _value(self, answer: Any) -> Any:
        """What an answer says: a value, or the candidate's exception, raised. Raises Lost."""
        if self.lost:
            raise self.lost
        try:
            kind, body = _answer(answer)
            if kind == "value":
                return decode(body, self._take)
            if kind == "too_large":
                raise Lost("too_large", f"{body} bytes")
        except (Unreadable, Broken, Lost) as error:
            raise self._lose(error) from None
        raised = _exception(body)
        self.raised.append((raised, body))
        raise raised

    def _lose(self, error: Unreadable | Broken | Lost) -> Lost:
        """Whatever fails between here and the candidate is the end of its answers."""
        if not isinstance(error, Lost):
            error = Lost("too_large" if isinstance(error, TooLarge) else "malformed", str(error))
        self.lost = error
        return error

    def _crossing(self, value: object) -> str:
        try:
            return crossing(value)
        except Uncrossable as error:
            self.uncrossable = error
            raise

    def _send(self, frame: bytes) -> None:
        try:
            write_frame(self._channel.fileno(), frame)
        except OSError as gone:
            raise Lost("gone", os.strerror(gone.errno or 0)) from None

    def _receive(self) -> bytes:
        try:
            frame = read_frame(self._channel.fileno())
        except OSError as gone:
            raise Lost("gone", os.strerror(gone.errno or 0)) from None
        except Truncated:
            raise Lost("gone", "in the middle of an answer") from None
        if frame is None:
            raise Lost("gone")
        return frame


def text(value: object) -> str:
    """JSON of plain data, as text."""
    return dumps(value).decode("utf-8", "surrogatepass")


def is_plain(value: object) -> bool:
    """Whether JSON gives a value back as it was."""
    kind = type(value)
    if kind is int:
        return abs(value) < 2**64  # type: ignore[arg-type]
    if kind is list:
        return all(map(is_plain, value))  # type: ignore[call-overload]
    return value is None or kind in (bool, float, str)


def crossing(value: object) -> str:
    """A value of the tests as it is sent. Raises Uncrossable; TypeError where it is the candidate's own doing."""
    if _lost(value):
        raise TypeError("the tests hand back an object that the candidate did not keep")
    data = encode(value)
    if _too_deep(data):  # an answer of that depth, which is one deeper as an argument
        raise TypeError("the tests hand back a value that is nested too deeply")
    if _lost(decode(data)):
        raise Uncrossable(f"the tests pass what is no plain value: {repr(value)[:200]}")
    return text(data)


def _too_deep(data: Any) -> bool:
    if type(data) is list:
        return any(map(_too_deep, data))
    return type(data) is dict and (data == TOO_DEEP or any(map(_too_deep, data.values())))


def _lost(value: object) -> bool:
    """Whether it holds what stands for an object that is nowhere."""
    if isinstance(value, Opaque):
        return number_of(value) is None
    if isinstance(value, dict):
        return any(_lost(part) for pair in value.items() for part in pair)
    if isinstance(value, (list, tuple, set, frozenset)):
        return any(_lost(part) for part in value)
    return False


def _answers(frame: bytes, request_id: str, planned: int) -> list[Any]:
    reply = loads(frame)
    if type(reply) is not list or len(reply) != 2 or reply[0] != request_id:
        raise Unreadable("an answer to no call")
    answers = reply[1]
    if type(answers) is not list or not answers:
        raise Unreadable("no answer to a call")
    if len(answers) != 1 + planned and (len(answers) != 1 or _answer(answers[0])[0] == "value"):
        raise Unreadable(f"{len(answers)} answers to {1 + planned} requests")
    return answers


def _answer(answer: Any) -> tuple[str, Any]:
    if type(answer) is not list or len(answer) != 2:
        raise Unreadable("an answer that is no pair")
    kind, body = answer
    match kind:
        case "value":
            return kind, body
        case "too_large" if type(body) is int and 0 < body < 2**64:
            return kind, body
        case "error":
            return kind, _failure(body)
    raise Unreadable("an answer of no kind")


def _failure(body: Any) -> Failure:
    """Nothing but the parts that are known, each as it must be."""
    texts = ("type", "builtin", "message", "trace")
    if type(body) is not dict or not all(type(body.get(key)) is str and len(body[key]) < 4096 for key in texts):
        raise Unreadable("an exception without its parts")
    return {**{key: body[key] for key in texts}, "denied": body.get("denied") is True}


_ENDING = (StopIteration, StopAsyncIteration, GeneratorExit)
"""In the tests' own `map` or `all` these would end the loop as if all had been seen (PEP 479)."""


def _exception(failure: Failure) -> BaseException:
    """A built-in exception of that name; tests may expect it. Anything else is a plain Exception."""
    kind = getattr(builtins, failure["builtin"], None)
    if not (isinstance(kind, type) and issubclass(kind, BaseException)):
        kind = Exception
    if issubclass(kind, _ENDING):
        kind = RuntimeError
    try:
        return kind(failure["message"])
    except TypeError:  # UnicodeDecodeError and its like take other arguments
        return ValueError(failure["message"]) if issubclass(kind, ValueError) else Exception(failure["message"])
