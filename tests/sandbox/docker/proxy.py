"""The local daemon's socket served at a TCP address, with or without TLS: a remote daemon, as the app sees it."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
from typing import Self


class Proxy:
    """Passes bytes on, until it is closed and all its connections with it.

    Args:
        target: path of the daemon's socket.
        context: of the server's side of TLS.
    """

    def __init__(self, target: str, context: ssl.SSLContext | None = None) -> None:
        self._target, self._context = target, context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._ends: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.cut()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)

    def cut(self) -> None:
        """Break all connections, as a network does."""
        for end in self._ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                thread = threading.Thread(target=self._pass_on, args=(near,))
                self._threads.append(thread)
                thread.start()

    def _pass_on(self, near: socket.socket) -> None:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as far:
            if self._context is not None:
                near = self._context.wrap_socket(near, server_side=True)
            with near:
                far.connect(self._target)
                self._ends += [near, far]
                pairs = {near: far, far: near}
                while pairs:
                    buffered = [near] if isinstance(near, ssl.SSLSocket) and near.pending() else []
                    for end in buffered or select.select(list(pairs), [], [])[0]:
                        if data := end.recv(2**16):
                            pairs[end].sendall(data)
                        else:
                            _end_sending(pairs.pop(end))
        near.close()


def _end_sending(end: socket.socket) -> None:
    """As far as the kind of line lets it: TLS has no half-closed connections."""
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR if isinstance(end, ssl.SSLSocket) else socket.SHUT_WR)
