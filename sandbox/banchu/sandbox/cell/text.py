"""The interpreter's code in huge pages: a fork takes them over as they are, instead of finding them page by page.

Nothing else changes: the same bytes at the same addresses. Where the kernel gives no huge pages, or forbids that
memory which was written be executed, all stays as it was.
"""

from __future__ import annotations

import ctypes
import errno
import sys
from pathlib import Path

from banchu.sandbox.cell import kernel

_HUGE = 2 << 20


def enlarge() -> None:
    """Needs /proc."""
    start, end = interpreter(Path("/proc/self/maps").read_text())
    start, end = -(-start // _HUGE) * _HUGE, end // _HUGE * _HUGE
    if start >= end:
        return
    try:
        _replace(start, end - start)
    except OSError:
        return


def _replace(start: int, size: int) -> None:
    """Raises OSError."""
    reserved = kernel.map_private(size + _HUGE)
    copy = -(-reserved // _HUGE) * _HUGE
    if copy > reserved:
        kernel.unmap(reserved, copy - reserved)
    if copy < reserved + _HUGE:
        kernel.unmap(copy + size, reserved + _HUGE - copy)
    try:
        kernel.ask_for_huge_pages(copy, size)
        ctypes.memmove(copy, start, size)
        if _huge_bytes(copy) < size:
            raise OSError(errno.ENOMEM, "no huge pages are free")
        kernel.make_executable(copy, size)
        kernel.move_mapping(copy, size, start)
    except OSError:
        kernel.unmap(copy, size)
        raise


def interpreter(maps: str) -> tuple[int, int]:
    """Where its code and constants lie, between which nothing else does; (0, 0): they cannot be told.

    `maps` is text as in /proc/PID/maps.
    """
    path, begin, end, best = "", 0, 0, (0, 0)
    executable = str(Path(sys.executable).resolve())
    for line in maps.splitlines():
        span, rights, _offset, _device, _inode, *name = line.split(maxsplit=5)
        low, high = (int(bound, 16) for bound in span.split("-"))
        file = name[0] if name else ""
        if "w" in rights or not (Path(file).name.startswith("libpython") or file == executable):
            path = ""
            continue
        begin, end = (begin, high) if file == path and low == end else (low, high)
        path = file
        best = max(best, (begin, end), key=lambda span: span[1] - span[0])
    return best


def _huge_bytes(address: int) -> int:
    """Of the mapping that begins there."""
    _, _, found = Path("/proc/self/smaps").read_text().partition(f"\n{address:x}-")
    _, _, said = found.partition("AnonHugePages:")
    return int(said.split(maxsplit=1)[0]) * 1024
