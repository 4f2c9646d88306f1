"""Landlock: which files a candidate may open, whatever else lets it see them.

Source: linux/landlock.h; Documentation/userspace-api/landlock.rst.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Mapping

from banchu.sandbox.cell import kernel

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_REMOVE_DIR, _REMOVE_FILE, _MAKE_DIR, _MAKE_REG, _MAKE_SYM = 1 << 4, 1 << 5, 1 << 7, 1 << 8, 1 << 12
MAKE_FIFO = 1 << 10
_REFER, _TRUNCATE = 1 << 13, 1 << 14
READ = READ_FILE | READ_DIR
SCRATCH = READ | WRITE_FILE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG | _MAKE_SYM | _REFER | _TRUNCATE
"""All that a program needs in a folder of its own; no devices, sockets or pipes with a name, no execution."""
_FILE_RIGHTS = EXECUTE | WRITE_FILE | READ_FILE | _TRUNCATE
"""The only ones that a rule about a single file may name."""

LEAST_ALONE = 3
"""The first version that also knows truncate(2): less is no wall where it has to stand alone."""
LEAST_FOR_SIGNALS = 6
"""The first version that keeps signals inside, for programs that may send any."""
_FILE_RIGHTS_KNOWN = {1: 13, 2: 14, 3: 15, 4: 15}
"""Version to number of rights about files; later versions know 16."""
_BIND_AND_CONNECT, _ABSTRACT_SOCKETS_AND_SIGNALS = 3, 3


def version() -> int:
    """0 where the kernel has none."""
    try:
        return kernel.landlock_create(0, 0, 1)
    except OSError:
        return 0


def restrict(allowed: Mapping[str, int]) -> None:
    """Refuse this process and all that it starts what no rule allows, for good. Takes no_new_privs.

    `allowed`: path to rights below it. Raises OSError.
    """
    abi = version()
    known = (1 << _FILE_RIGHTS_KNOWN.get(abi, 16)) - 1
    network = _BIND_AND_CONNECT if abi >= 4 else 0
    scoped = _ABSTRACT_SOCKETS_AND_SIGNALS if abi >= 6 else 0
    size = 24 if abi >= 6 else 16 if abi >= 4 else 8
    attributes = ctypes.create_string_buffer(struct.pack("QQQ", known, network, scoped), 24)
    ruleset = kernel.landlock_create(ctypes.addressof(attributes), size, 0)
    try:
        for path, rights in allowed.items():
            _allow(ruleset, path, rights & known)
        kernel.landlock_restrict(ruleset)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not os.path.isdir(path):
            rights &= _FILE_RIGHTS
        rule = ctypes.create_string_buffer(struct.pack("=Qi", rights, parent), 12)
        kernel.landlock_add_path(ruleset, ctypes.addressof(rule))
    finally:
        os.close(parent)
