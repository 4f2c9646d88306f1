"""Keeps what candidates write close together: each page that one of them writes is first copied for it.

New objects go into whatever holes the allocators have, and after a hundred modules those lie all over the memory. Here
the holes are filled, for good, so that what is made from then on has pages of its own.
"""

from __future__ import annotations

import ctypes

_POOL_BYTES, _POOL_HEADER = 1 << 14, 48
"""Of CPython's allocator for small objects, from 3.10 on."""
_LARGEST, _STEP = 512, 16
"""Bytes of an object that it takes, and how its size classes differ."""
_BYTES_OVERHEAD = 33
_MOST_BLOCKS = 8192
"""Of one size: an end where the allocator is another one."""
_HEAP_PROBE = 100_000
_HEAP_SIZES = (*(1 << bits for bits in range(16, 10, -1)), *range(1408, 8, -_STEP))

_fillers: list[object] = []


def fill_pools() -> None:
    """Of the allocator for small objects: until each size class begins a pool that nothing else is in."""
    for size in range(_STEP, _LARGEST + 1, _STEP):
        first = 0
        for _ in range(_MOST_BLOCKS):
            filler = _object_of(size)
            _fillers.append(filler)
            if first and id(filler) == first + size:
                break
            first = id(filler) if id(filler) % _POOL_BYTES == _POOL_HEADER else 0


def _object_of(size: int) -> object:
    if size == _STEP:
        return object()
    # Neither the empty bytes nor those of length 1 are made anew.
    return bytes(size - _BYTES_OVERHEAD) if size > _BYTES_OVERHEAD + 1 else float(str(size))


def fill_heap() -> None:
    """Of the C library's, for larger ones: until all sizes come from the end of the heap. Nothing where it has none."""
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "gnu_get_libc_version"):  # others order their memory otherwise
        return
    malloc, free = libc.malloc, libc.free
    malloc.restype, malloc.argtypes, free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]
    end = malloc(_HEAP_PROBE)
    if end is None:
        return
    for size in _HEAP_SIZES:
        for _ in range(_MOST_BLOCKS):
            block = malloc(size)
            if block is None or block > end:
                free(block)
                break
    free(end)
