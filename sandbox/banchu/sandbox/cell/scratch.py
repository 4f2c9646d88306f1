"""The folder of the candidate's own, empty for each: a tmpfs of the cell's, or a folder of somebody else's."""

from __future__ import annotations

import itertools
import os
import secrets
import stat
from collections.abc import Callable

from banchu.sandbox.cell import kernel

MAX_INODES = 512
_MODE = 0o1777


def mount(file_mib: int, inodes: int = MAX_INODES, flags: int = kernel.MS_NOEXEC) -> None:
    """A /tmp of this size and of few files. Raises OSError."""
    options = f"size={file_mib}m,nr_inodes={inodes},mode={_MODE:o}"
    kernel.mount("tmpfs", "/tmp", "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV | flags, options)


class Scratch:
    """A folder, swept when a candidate leaves something.

    Args:
        path: the folder.
        as_candidate: runs a function with the candidate's rights, for files that only it may remove.
        file_mib: what a candidate may hold there.
        watched: whether the folder lies on a shared disk, so that its size must be looked after.
    """

    max_inodes = MAX_INODES

    def __init__(
        self, path: str, as_candidate: Callable[[Callable[[], None]], None], file_mib: int, *, watched: bool
    ) -> None:
        self.path = path
        self.watched = watched
        self._as_candidate = as_candidate
        self._file_mib = file_mib
        self._mode = stat.S_IMODE(os.stat(path).st_mode)

    def renew(self) -> None:
        """Make it as if no candidate had been there. Raises OSError when something cannot be removed."""
        if stat.S_IMODE(os.stat(self.path).st_mode) != self._mode:
            self._as_candidate(lambda: os.chmod(self.path, self._mode))
        if os.listdir(self.path):
            self._as_candidate(lambda: sweep(self.path))
            if left := os.listdir(self.path):
                raise OSError(f"{left[0]!r} in the scratch folder cannot be removed")

    def overfull(self) -> bool:
        """Whether a running candidate holds more than it may."""
        seen = total = 0
        try:
            for folder, folders, files in os.walk(self.path, onerror=_raise):
                for name in files:
                    total += os.lstat(os.path.join(folder, name)).st_blocks * 512
                seen += len(files) + len(folders)
                if seen > self.max_inodes or total > self._file_mib << 20:
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
