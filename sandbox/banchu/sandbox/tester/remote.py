"""The stand-in that the tests call: each call goes to the cell and comes back as a value or an exception."""

from __future__ import annotations

import builtins
import os
import secrets
import socket
from typing import Any

from banchu.sandbox.wire.codec import TooLarge, Unreadable, decode, dumps, encode, loads
from banchu.sandbox.wire.frames import Broken, Truncated, read_frame, write_frame
from banchu.sandbox.wire.opaque import Opaque

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


class Remote:
    """One candidate. Raises Lost for good once the channel has failed."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self.lost: Lost | None = None
        self.uncrossable: Uncrossable | None = None
        self.raised: list[tuple[BaseException, Failure]] = []
        """Exceptions that came from the candidate, with what it said of them."""
        self.calls = 0
        self.last_arguments: tuple[tuple[Any, ...], dict[str, Any]] = ((), {})
        self.last_value: object = None

    def wait_until_ready(self) -> bool:
        """Whether the candidate's process came up: before this its code has not run, after this it answers for all."""
        return self._receive() == b"ready"

    def define(self, code: str, entry_point: str) -> None:
        """Hand over the program. Raises what its module raises."""
        self._ask("define", code, entry_point)

    def __call__(self, *positional: Any, **named: Any) -> Any:
        self.calls += 1
        self.last_arguments = (positional, named)
        body = [_crossing(self, positional), _crossing(self, named)]
        self.last_value = self._ask("call", *body)
        return self.last_value

    def failure_of(self, error: BaseException) -> Failure | None:
        """What the candidate said of this exception, if it is the candidate's."""
        return next((failure for raised, failure in self.raised if raised is error), None)

    def _ask(self, *request: Any) -> Any:
        if self.lost:
            raise self.lost
        try:
            request_id = secrets.token_hex(8)
            self._send(dumps([request_id, *request]))
            kind, body = _reply(self._receive(), request_id)
            if kind == "value":
                return decode(body)
            if kind == "too_large":
                raise Lost("too_large", f"{body} bytes")
            error = _exception(body)
        except TooLarge as large:
            self.lost = Lost("too_large", str(large))
            raise self.lost from None
        except (Unreadable, Broken) as bad:
            self.lost = Lost("malformed", str(bad))
            raise self.lost from None
        except Lost as lost:
            self.lost = lost
            raise
        self.raised.append((error, body))
        raise error

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


def _crossing(remote: Remote, value: object) -> Any:
    data = encode(value)
    if _has_opaque(decode(data)):
        remote.uncrossable = Uncrossable(f"the tests pass what is no plain value: {repr(value)[:200]}")
        raise remote.uncrossable
    return data


def _has_opaque(value: object) -> bool:
    if isinstance(value, Opaque):
        return True
    if isinstance(value, dict):
        return any(_has_opaque(part) for pair in value.items() for part in pair)
    if isinstance(value, (list, tuple, set, frozenset)):
        return any(_has_opaque(part) for part in value)
    return False


def _reply(frame: bytes, request_id: str) -> tuple[str, Any]:
    reply = loads(frame)
    if type(reply) is not list or len(reply) != 3 or reply[0] != request_id:
        raise Unreadable("an answer to no call")
    _, kind, body = reply
    if kind == "error" and not _is_failure(body):
        raise Unreadable("an exception without its parts")
    if kind not in ("value", "error", "too_large"):
        raise Unreadable("an answer of no kind")
    return kind, body


def _is_failure(body: Any) -> bool:
    texts = ("type", "builtin", "message", "trace")
    return type(body) is dict and all(type(body.get(key)) is str and len(body[key]) < 4096 for key in texts)


def _exception(failure: Failure) -> BaseException:
    """A built-in exception of that name; tests may expect it. Anything else is a plain Exception."""
    kind = getattr(builtins, failure["builtin"], None)
    if not (isinstance(kind, type) and issubclass(kind, BaseException)):
        kind = Exception
    try:
        return kind(failure["message"])
    except TypeError:  # UnicodeDecodeError and its like take other arguments
        return ValueError(failure["message"]) if issubclass(kind, ValueError) else Exception(failure["message"])
