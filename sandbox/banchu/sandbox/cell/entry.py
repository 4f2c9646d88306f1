"""Where a cell begins: with its first message, which says what it is to be."""

from __future__ import annotations

import json
import os
import socket
from typing import NoReturn

from banchu.sandbox.wire.frames import receive_with_fds


def main(fd: int) -> NoReturn:
    """Build the cell and serve until the app hangs up."""
    control = socket.socket(fileno=fd)
    message = receive_with_fds(control)
    if message is None:
        os._exit(0)
    config = json.loads(message[0])
    if config["profile"] != "command":  # which forks nothing that runs Python
        from banchu.sandbox.cell import density, stdlib

        stdlib.load()
        density.fill_pools()
    from banchu.sandbox.cell.server import start

    start(control, config)
