"""Starts a process of the judge: `python boot.py cell|tester ADDRESS`, which says where its line to the app is.

`7`: an open socket; `unix:/path`: a socket to connect to; `stdio`: the process's own standard input and output.

It makes `banchu.sandbox` importable without its contents page: a cell must hold nothing that it does not need, since
every page of its memory is copied for every candidate.
"""

from __future__ import annotations

import os
import sys
import types
from os.path import dirname  # pathlib would be one more thing to copy


def main() -> None:
    role, address = sys.argv[1:3]
    here = dirname(__file__)  # noqa: PTH120
    for name, folder in (("banchu", dirname(here)), ("banchu.sandbox", here)):  # noqa: PTH120
        package = types.ModuleType(name)
        package.__path__ = [folder]
        sys.modules[name] = package
    sys.path.remove(here)
    fd = int(address) if address.isdigit() else _tunnelled() if address == "stdio" else _connected(address)
    if role == "cell":
        _import_random()
        from banchu.sandbox.cell.entry import main as serve
    else:
        from banchu.sandbox.tester.service import main as serve
    serve(fd)


def _import_random() -> None:
    """Without its hook: after every fork it would seed itself from the kernel. A candidate is given its seed."""
    register = os.register_at_fork
    os.register_at_fork = lambda **_hooks: None
    try:
        import random  # noqa: F401
    finally:
        os.register_at_fork = register


def _connected(address: str) -> int:
    import socket

    line = socket.socket(socket.AF_UNIX)
    line.connect(address.removeprefix("unix:"))
    return line.detach()


def _tunnelled() -> int:
    """Stays behind as a relay; what serves is its child, which never holds the stream that others trust."""
    import socket

    ours, theirs = socket.socketpair()
    if os.fork():
        from banchu.sandbox.wire.tunnel import Pipes, Tunnel

        theirs.close()
        Tunnel(Pipes(0, 1), ours).run()
        os._exit(0)
    ours.close()
    nothing = os.open("/dev/null", os.O_RDWR)
    for fd in (0, 1):
        os.dup2(nothing, fd)
    os.close(nothing)
    return theirs.detach()


if __name__ == "__main__":
    main()
