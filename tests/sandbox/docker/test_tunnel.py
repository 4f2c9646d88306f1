"""Two relays and one stream between them, with a stand-in for the server at the far end."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from banchu.sandbox.wire.frames import receive_with_fds, send_with_fds
from banchu.sandbox.wire.tunnel import _DATA, _END, _HEAD, _MAX_BODY, _OPEN, WINDOW, Pipes, Tunnel


class Ends:
    """The app's control socket, the server's, and the stream between the relays."""

    def __init__(self) -> None:
        self.app, near = socket.socketpair()
        self.server, far = socket.socketpair()
        self.streams = socket.socketpair()
        self.relays = [
            threading.Thread(target=Tunnel(Pipes(fd, fd), control).run)
            for fd, control in zip((end.detach() for end in self.streams), (near, far), strict=True)
        ]
        for relay in self.relays:
            relay.start()

    def open(self, payload: bytes = b"run") -> tuple[socket.socket, socket.socket]:
        """(the tests' end of a new channel, the candidate's)."""
        ours, theirs = socket.socketpair()
        with theirs:
            send_with_fds(self.app, payload, [theirs.fileno()])
        received = receive_with_fds(self.server)
        assert received is not None
        assert received[0] == payload
        (fd,) = received[1]
        candidate = socket.socket(fileno=fd)
        for end in (ours, candidate):
            end.settimeout(10)
        return ours, candidate


@pytest.fixture
def ends() -> Iterator[Ends]:
    ends = Ends()
    yield ends
    ends.app.close()
    ends.server.close()
    for relay in ends.relays:
        relay.join(10)
        assert not relay.is_alive()


def told(end: socket.socket) -> bytes | None:
    received = receive_with_fds(end)
    return None if received is None else received[0]


def all_of(end: socket.socket) -> bytes:
    return b"".join(iter(lambda: end.recv(2**16), b""))


def test_messages_and_a_channel_cross_both_ways(ends: Ends) -> None:
    send_with_fds(ends.app, b"setup")
    assert told(ends.server) == b"setup"
    send_with_fds(ends.server, b"ready")
    assert told(ends.app) == b"ready"
    tests, candidate = ends.open()
    with tests, candidate:
        tests.sendall(b"call")
        assert candidate.recv(100) == b"call"
        candidate.sendall(b"answer")
        assert tests.recv(100) == b"answer"


@pytest.mark.parametrize("who", [0, 1])
def test_an_end_that_closes_is_an_end_at_the_other(ends: Ends, who: int) -> None:
    pair = ends.open()
    pair[who].sendall(b"the last word")
    pair[who].close()
    assert all_of(pair[1 - who]) == b"the last word"
    pair[1 - who].close()


def test_megabytes_both_ways_at_once_arrive_whole_whatever_the_pieces(ends: Ends) -> None:
    chance = random.Random(7)
    texts = [chance.randbytes(3_000_000), chance.randbytes(2_000_000)]
    pair = ends.open()

    def write(end: socket.socket, text: bytes) -> None:
        at = 0
        while at < len(text):
            size = chance.choice([1, 17, 4096, 300_000])
            end.sendall(text[at : at + size])
            at += size
        end.shutdown(socket.SHUT_WR)

    writers = [threading.Thread(target=write, args=job) for job in zip(pair, texts, strict=True)]
    got: list[bytes] = [b"", b""]

    def read(which: int) -> None:
        got[which] = all_of(pair[which])

    readers = [threading.Thread(target=read, args=(which,)) for which in (0, 1)]
    for thread in (*writers, *readers):
        thread.start()
    for thread in (*writers, *readers):
        thread.join(30)
    assert got == [texts[1], texts[0]]
    for end in pair:
        end.close()


def test_a_flood_that_nobody_reads_stops_and_messages_pass_it(ends: Ends) -> None:
    tests, candidate = ends.open()
    candidate.settimeout(0.5)
    sent = 0
    with tests, candidate, contextlib.suppress(TimeoutError):
        while sent < 100 * WINDOW:
            sent += candidate.send(b"x" * 2**16)
    assert sent < 4 * WINDOW  # the credit, and what sockets hold
    send_with_fds(ends.app, b"end")
    assert told(ends.server) == b"end"
    send_with_fds(ends.server, b"ended")
    assert told(ends.app) == b"ended"


def test_what_a_candidate_writes_is_never_a_message(ends: Ends) -> None:
    tests, candidate = ends.open()
    with tests, candidate:
        forged = b"".join(_HEAD.pack(kind, 1, 4) + b"fake" for kind in range(6)) + (4).to_bytes(4, "big") + b"fake"
        candidate.sendall(forged)
        candidate.shutdown(socket.SHUT_WR)
        assert all_of(tests) == forged
    send_with_fds(ends.server, b"ended")
    assert told(ends.app) == b"ended"


def test_bytes_of_a_channel_that_is_over_reach_no_later_one() -> None:
    with _one_relay() as (app, stream):
        channels = [_opened(app, stream) for _ in range(2)]
        for number, data in ((1, b"old"), (2, b"new"), (3, b"none")):
            stream.sendall(_HEAD.pack(_DATA, number, len(data)) + data)
        stream.sendall(_HEAD.pack(_END, 2, 0))
        assert all_of(channels[1]) == b"new"
        assert all_of(channels[0]) == b""
        for channel in channels:
            channel.close()


def test_what_was_said_before_a_hang_up_is_passed_on_to_a_slow_reader() -> None:
    with _one_relay() as (app, stream):
        send_with_fds(app, message := b"x" * 200_000)  # more than the stream takes at once, less than the relay holds
        app.close()
        time.sleep(0.2)
        assert all_of(stream) == _HEAD.pack(0, 0, len(message)) + message


@contextlib.contextmanager
def _one_relay() -> Iterator[tuple[socket.socket, socket.socket]]:
    """(the app's control socket, the stream's far end)."""
    (app, near), (stream, far) = socket.socketpair(), socket.socketpair()
    far.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2**15)
    relay = threading.Thread(target=Tunnel(Pipes(far.fileno(), far.detach()), near).run)
    relay.start()
    with app, stream:
        stream.settimeout(10)
        yield app, stream
    relay.join(10)
    assert not relay.is_alive()


def _opened(app: socket.socket, stream: socket.socket) -> socket.socket:
    """The tests' end of a new channel, which the relay knows of."""
    ours, theirs = socket.socketpair()
    with theirs:
        send_with_fds(app, b"run", [theirs.fileno()])
    kind, _number, length = _HEAD.unpack(stream.recv(_HEAD.size, socket.MSG_WAITALL))
    assert (kind, stream.recv(length)) == (_OPEN, b"run")
    ours.settimeout(10)
    return ours


def test_a_candidate_that_dies_with_megabytes_unread_holds_nobody_up(ends: Ends) -> None:
    tests, candidate = ends.open()
    with tests:
        writer = threading.Thread(target=_send_all, args=(tests, b"x" * 5_000_000))
        writer.start()
        candidate.close()
        writer.join(10)
        assert not writer.is_alive()
        assert tests.recv(100) == b""


def _send_all(end: socket.socket, data: bytes) -> None:
    with contextlib.suppress(OSError):
        end.sendall(data)


@pytest.mark.parametrize("side", ["app", "server"])
def test_a_hang_up_at_one_end_is_one_at_the_other_and_of_the_channel(ends: Ends, side: str) -> None:
    tests, candidate = ends.open()
    send_with_fds(getattr(ends, side), b"my last word")
    getattr(ends, side).close()
    other = ends.server if side == "app" else ends.app
    assert told(other) == b"my last word"
    assert told(other) is None
    with tests, candidate:
        assert (tests.recv(10), candidate.recv(10)) == (b"", b"")


@pytest.mark.parametrize(
    "frame",
    [
        _HEAD.pack(_DATA, 1, _MAX_BODY + 1),
        (_HEAD.pack(_DATA, 1, 2**16) + bytes(2**16)) * (WINDOW // 2**16 + 9),
    ],
    ids=["too long", "more than its credit"],
)
def test_a_far_end_that_breaks_the_rules_is_hung_up_on(frame: bytes) -> None:
    with _one_relay() as (app, stream), _opened(app, stream):  # nobody reads this channel
        _send_all(stream, frame)
        assert receive_with_fds(app) is None


def test_a_frame_that_is_cut_off_is_the_end() -> None:
    with _one_relay() as (app, stream):
        stream.sendall(_HEAD.pack(_OPEN, 1, 3))
        stream.close()
        assert receive_with_fds(app) is None
