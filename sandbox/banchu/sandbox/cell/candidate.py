"""The candidate: a fork of the server that gives up every right. What it does then is in `answering`.

Every line here runs once for each candidate, on memory that must be copied where it is written: what can be prepared
is prepared by the server.
"""

from __future__ import annotations

import os
import random
import resource
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from banchu.sandbox.cell import kernel, seccomp

CHANNEL = 3
OUT_OF_MEMORY = 71
"""Exit code of a candidate that had no memory left even to say so."""
_MAX_FILES = 64
_STACK_BYTES = 64 * 2**20
"""More than the usual 8 MiB, for programs that raise the recursion limit."""


class Confinement:
    """What the server prepared for all candidates.

    Args:
        own_filter: the candidate's second filter.
        drop: gives up the rights that the server still has.
        ready: eventfd to count a candidate that is about to begin.
        work: what a candidate does on its channels, whose first is `CHANNEL`.
    """

    def __init__(
        self, own_filter: seccomp.Program, drop: Callable[[], None], ready: int, work: Callable[..., NoReturn]
    ) -> None:
        self._filter = own_filter  # keeps the memory that the next line points to
        self._install_filter = kernel.filter_installer(own_filter.address)
        self._drop = drop
        self._ready = ready
        self._work = work
        self._most_cpu_s = resource.getrlimit(resource.RLIMIT_CPU)[1]

    def become(self, order: dict[str, Any], channels: Sequence[int], output: int) -> NoReturn:
        """Turn this fork into a candidate and let it work. Never returns into the server."""
        try:
            soft = -int(-order["limits"]["cpu_s"] // 1)
            hard = soft + 1
            if 0 <= self._most_cpu_s < hard:
                soft, hard = min(soft, self._most_cpu_s), self._most_cpu_s
            # Below the hard limit its end is SIGXCPU, which nothing else sends: SIGKILL might be for want of memory.
            resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))
            self._drop()
            self._install_filter()
            if order["seed"]:  # 0 is what the server holds
                random.seed(order["seed"])
            os.eventfd_write(self._ready, 1)
            os.dup2(output, 1)
            os.dup2(output, 2)
            number = CHANNEL
            for channel in channels:  # ascending, so that none covers the next
                os.dup2(channel, number)
                number += 1
            os.closerange(number, 2**30)
            self._work(*range(CHANNEL, number))
        except MemoryError:
            os._exit(OUT_OF_MEMORY)
        finally:
            os._exit(70)


def limit_all(limits: dict[str, Any], base_bytes: int, max_tasks: int) -> None:
    """Limits that are the same for all candidates, on the server itself: they inherit them.

    `base_bytes` is the address space of the server, `max_tasks` threads as the kernel counts them here.
    """
    for kind, most in (
        (resource.RLIMIT_AS, base_bytes + limits["memory_mib"] * 2**20),
        (resource.RLIMIT_FSIZE, limits["file_mib"] * 2**20),
        (resource.RLIMIT_NOFILE, _MAX_FILES),
        (resource.RLIMIT_NPROC, max_tasks),
        (resource.RLIMIT_STACK, _STACK_BYTES),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
    ):
        _limit(kind, most)


def _limit(kind: int, most: int) -> None:
    hard = resource.getrlimit(kind)[1]
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(kind, (most, most))
