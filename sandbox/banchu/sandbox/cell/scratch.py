"""The folder of the candidate's own, empty for each: a tmpfs mounted anew, or a folder swept."""

from __future__ import annotations

import itertools
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from banchu.sandbox.cell import kernel

MAX_INODES = 512


class Scratch(Protocol):
    """What the server needs of it. Methods raise OSError."""

    path: str
    watched: bool
    """Whether its size must be looked after."""

    def renew(self, file_mib: int) -> bool:
        """Make it empty; whether it is another folder now."""

    def overfull(self, file_mib: int) -> bool:
        """Whether a running candidate holds more than it may."""


class MountedScratch:
    """/tmp as a file system of its own, new for each candidate that finds traces of the one before.

    Its methods raise OSError.
    """

    path = "/tmp"
    watched = False
    """The kernel refuses what does not fit."""

    def __init__(self, file_mib: int) -> None:
        self._file_mib = file_mib
        self._mount()

    def renew(self, file_mib: int) -> bool:
        """An empty /tmp of this size; whether it is another one. Unmounting waits, so one left untouched stays."""
        if file_mib == self._file_mib and self._marks() == self._pristine:
            return False
        self._file_mib = file_mib
        kernel.umount(self.path)
        self._mount()
        return True

    def overfull(self, _file_mib: int) -> bool:
        """Never."""
        return False

    def _mount(self) -> None:
        options = f"size={self._file_mib}m,nr_inodes={MAX_INODES},mode=1777"
        kernel.mount("tmpfs", self.path, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC, options)
        self._pristine = self._marks()

    def _marks(self) -> tuple[int, ...]:
        state, usage = Path(self.path).stat(), os.statvfs(self.path)
        return state.st_mode, state.st_ctime_ns, state.st_mtime_ns, usage.f_ffree, usage.f_bfree


class SweptScratch:
    """A folder that somebody else made, swept when a candidate leaves something.

    Args:
        path: the folder.
        as_candidate: runs a function with the candidate's rights, for files that only it may remove.
        watched: whether the folder lies on a shared disk, so that its size must be looked after.
    """

    def __init__(self, path: str, as_candidate: Callable[[Callable[[], None]], None], *, watched: bool) -> None:
        self.path = path
        self._as_candidate = as_candidate
        self.watched = watched

    def renew(self, file_mib: int) -> bool:
        """Raises OSError when something cannot be removed."""
        if os.listdir(self.path):
            self._as_candidate(lambda: sweep(self.path))
            if left := os.listdir(self.path):
                raise OSError(f"{left[0]!r} in the scratch folder cannot be removed")
        return False

    def overfull(self, file_mib: int) -> bool:
        """Whether a running candidate holds more than it may."""
        seen = total = 0
        try:
            for folder, folders, files in os.walk(self.path, onerror=_raise):
                for name in files:
                    total += os.lstat(os.path.join(folder, name)).st_blocks * 512
                seen += len(files) + len(folders)
                if seen > MAX_INODES or total > file_mib << 20:
                    return True
        except FileNotFoundError:  # it removed one just now
            return False
        except (OSError, RecursionError):  # too deep to be looked at, or hidden from the look
            return True
        return False


def _raise(error: OSError) -> None:
    raise error


def sweep(top: str) -> None:
    """Empty a folder. What lies deep is brought to the top, so that no path grows too long. Raises OSError."""
    token, numbers = secrets.token_hex(4), itertools.count()
    while names := os.listdir(top):
        for name in names:
            path = f"{top}/{name}"
            if os.path.islink(path) or not os.path.isdir(path):
                os.unlink(path)
                continue
            os.chmod(path, 0o700)
            for inner in os.listdir(path):
                below = f"{path}/{inner}"
                if os.path.isdir(below) and not os.path.islink(below):
                    os.chmod(below, 0o700)
                    os.rename(below, f"{top}/{token}-{next(numbers)}")
                else:
                    os.unlink(below)
            os.rmdir(path)
