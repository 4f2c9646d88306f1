"""The tester against answers that chance made: no frame makes it pass, raise, hang or say what cannot be passed on."""

from __future__ import annotations

import json
import random
import socket
import threading
import time
from typing import Any

import pytest

from banchu.sandbox.tester.service import run
from banchu.sandbox.wire.codec import dumps, encode
from banchu.sandbox.wire.frames import read_frame, write_frame

PLANNED = """
def check(candidate):
    assert candidate(2) == 77349128374611
    assert sorted(candidate(3)) == [88123490812341]
"""
STEPWISE = """
TABLE = {71: 5}
def check(candidate):
    for value in (2, 3):
        try:
            assert TABLE[candidate(value)] == 77349128374611
        except TypeError:
            assert candidate(candidate(value)) == 77349128374611
"""
_HANGS_S = 20.0

_VALUES: list[Any] = [
    *(1, "text", [1, 2.5, None, True], {"a": (1, {2}), 3: b"bytes"}, 10**6000, range(9), 2j, frozenset("ab"), {}, []),
]
_ATOMS: list[Any] = [
    *(None, True, 0, -1, 1e308, "", "value", "error", "too_large", "\ud800", "9" * 30, 2**70, float("nan"), [], {}),
    *({"i": "0x" + "f" * 4000}, {"D": "1e999999"}, {"D": "sNaN"}, {"F": [1, 0]}, {"?": "x"}, {"I": [1, 2]}, {"q": []}),
    *({"t": [[]]}, {"d": [1]}, {"s": [{"s": []}]}, {"b": "zz"}, {"r": [0, 10**30, 1]}, {"c": [1, 2]}, {"m": [1, 2]}),
]
_ATOMS += [{"h": ["X", 1]}, {"h": ["X", -1]}, {"h": ["X", True]}, {"h": [1, 1]}, {"h": ["X"]}, {"h": ["\ud800", 2**70]}]
_FAILURE = {"type": "E", "builtin": "ValueError", "message": "m", "trace": "t", "denied": False}
_BUILTINS = [
    "StopIteration",
    "SystemExit",
    "MemoryError",
    "exec",
    "UnicodeDecodeError",
    "\ud800",
    "KeyError",
    "__name__",
]


def _answers(chance: random.Random, count: int) -> list[Any]:
    made: list[Any] = []
    for _ in range(count):
        kind = chance.random()
        if kind < 0.7:
            made.append(["value", encode(chance.choice(_VALUES))])
        elif kind < 0.9:
            made.append(["error", {**_FAILURE, "builtin": chance.choice(_BUILTINS)}])
        else:
            made.append(["too_large", chance.choice([5, -1, "x", 2**80])])
        if chance.random() < 0.1:  # as deep as can just be read, where whoever handles it cannot go as deep
            deep = _buried(0, chance.randrange(800, 1000))
            made[-1] = chance.choice([["error", {**_FAILURE, "more": deep}], ["too_large", deep], ["value", deep]])
    return made


def _changed(chance: random.Random, data: Any) -> Any:
    """The data with a part of it exchanged, repeated, dropped or buried."""
    if chance.random() < 0.2 or not isinstance(data, list | dict) or not data:
        kind = chance.random()
        if kind < 0.6:
            return chance.choice(_ATOMS)
        return [data] * chance.randrange(4) if kind < 0.9 else _buried(data, chance.choice([90, 101, 400]))
    copy: Any = dict(data) if isinstance(data, dict) else list(data)
    place = chance.choice(list(copy)) if isinstance(copy, dict) else chance.randrange(len(copy))
    if chance.random() < 0.1:
        del copy[place]
    elif isinstance(copy, dict) and chance.random() < 0.2:
        copy[chance.choice("itdsfqDFI?")] = copy.pop(place)
    else:
        copy[place] = _changed(chance, copy[place])
    return copy


def _buried(data: Any, depth: int) -> Any:
    for _ in range(depth):
        data = [data]
    return data


def _frame(chance: random.Random, request_id: str, count: int) -> bytes:
    answers = _answers(chance, count)
    for _ in range(chance.choice([0, 1, 2])):  # mostly inside, since outside nothing else is looked at
        answer = chance.choice(answers)
        answer[1] = _changed(chance, answer[1])
    reply: Any = [request_id, answers]
    if chance.random() < 0.15:
        reply = _changed(chance, reply)
    try:
        body = bytearray(dumps(reply))
    except RecursionError:
        body = bytearray(b"[" * 900 + b"]" * 900)
    for _ in range(chance.choice([0] * 9 + [1, 4])):
        if body:
            body[chance.randrange(len(body))] = chance.randrange(256)
    return bytes(body)


def _peer(channel: socket.socket, chance: random.Random, planned: int) -> None:
    with channel:
        try:
            count = 1 + planned
            while (request := read_frame(channel.fileno())) is not None:
                request_id = json.loads(request.decode("utf-8", "surrogatepass"))[0]
                write_frame(channel.fileno(), _frame(chance, request_id, count))
                if chance.random() < 0.05:
                    return
                count = 1
        except OSError:
            return


def _report(seed: int) -> dict[str, Any]:
    chance = random.Random(seed)
    check, planned = (PLANNED, 2) if chance.random() < 0.5 else (STEPWISE, 0)
    ours, theirs = socket.socketpair()
    peer = threading.Thread(target=_peer, args=(theirs, chance, planned))
    peer.start()
    try:
        with ours:
            job = {
                "check": check,
                "context": "",
                "entry_point": "f",
                "code": "",
                "seed": 0,
                "stepwise": False,
                "borrowed": [],
            }
            return run(job, ours)
    finally:
        peer.join(_HANGS_S)
        assert not peer.is_alive()


def _look_at(seed: int) -> None:
    start = time.monotonic()
    report = _report(seed)
    assert time.monotonic() - start < _HANGS_S
    assert report.get("failure"), (seed, report)
    assert _depth(report) < 8, seed
    json.loads(json.dumps(report))


def _depth(value: Any) -> int:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(_depth, parts), default=0)


@pytest.mark.parametrize("first", [0, 1000])
def test_no_frame_passes_or_breaks_the_tester(first: int) -> None:
    for seed in range(first, first + 1000):
        _look_at(seed)


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.timeout(300)
def test_no_frame_of_many_does() -> None:
    start = time.monotonic()
    seed = random.SystemRandom().randrange(10**9)
    while time.monotonic() - start < 60:
        seed += 1
        _look_at(seed)
