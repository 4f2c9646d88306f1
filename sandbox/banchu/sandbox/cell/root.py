"""The candidate's file system: an empty, read-only root with Python's own files, three devices and a small /tmp."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from banchu.sandbox.cell import kernel, landlock

_DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom")
_SCAFFOLD = ("/tmp", "/var/tmp", "/mnt", "/run")
_LINKED = ("/lib", "/lib64")
HIDDEN = ("site-packages", "dist-packages")
"""Folders of other people's Python."""


def build(mapped: Iterable[str], more: Sequence[str] = (), furnish: Callable[[str], None] = lambda _top: None) -> None:
    """Make the new root and move into it.

    Args:
        mapped: the shared libraries in use.
        more: further files, folders and devices.
        furnish: what else is done to the new root, whose place it is told, while it can still be written.

    Raises:
        OSError: the kernel refuses a step.
    """
    kernel.mount("none", "/", "", kernel.MS_REC | kernel.MS_PRIVATE)
    paths = outermost([*_python(), *_libraries(mapped), *_DEVICES, *more])
    if hidden := [path for path in paths if path.startswith("/tmp/")]:
        raise OSError(errno.ENOTSUP, f"Python lies in /tmp ({hidden[0]}), which is the candidate's own folder")
    # Handles, because the new root may be mounted over the folder that holds a source.
    sources = {path: os.open(path, os.O_PATH) for path in paths}
    links = {link: str(Path(link).readlink()) for link in _LINKED if Path(link).is_symlink()}
    top = next(folder for folder in _SCAFFOLD if Path(folder).is_dir())
    kernel.mount("tmpfs", top, "tmpfs", kernel.MS_NOSUID, "size=1m,mode=755")
    for path, source in sources.items():
        _bind(f"/proc/self/fd/{source}", Path(top + path), device=path.startswith("/dev/"))
        os.close(source)
    for link, target in links.items():
        if not Path(top + link).exists():
            Path(top + link).symlink_to(target)
    Path(top, "tmp").mkdir(exist_ok=True)
    furnish(top)
    os.chdir(top)
    kernel.pivot_root_here()
    kernel.umount(".")
    os.chdir("/")
    kernel.mount("none", "/", "", _READ_ONLY | kernel.MS_BIND | kernel.MS_NOEXEC)


def outermost(paths: Sequence[str]) -> list[str]:
    """Without those that lie in another."""
    return [path for path in dict.fromkeys(paths) if not any(path.startswith(f"{other}/") for other in paths)]


def readable(mapped: Iterable[str]) -> Iterable[tuple[str, int]]:
    """The same files as Landlock's rules, where there is no root to build. Packages stay out of them.

    The names in Python's folder can be listed (imports take that), what is not its own cannot be opened.
    """
    for folder in _python():
        yield folder, landlock.READ_DIR
        for entry in sorted(os.listdir(folder)):
            if entry not in HIDDEN and Path(folder, entry).exists():
                yield f"{folder}/{entry}", landlock.READ
    for path in _libraries(mapped):
        yield path, landlock.READ


_READ_ONLY = kernel.MS_REMOUNT | kernel.MS_RDONLY | kernel.MS_NOSUID | kernel.MS_NODEV


def mapped_libraries() -> list[str]:
    """Shared libraries that this process has in memory."""
    lines = Path("/proc/self/maps").read_text().splitlines()
    paths = {line.split(maxsplit=5)[5] for line in lines if "/" in line and ".so" in line}
    return sorted(path for path in paths if path.startswith("/"))


def _python() -> list[str]:
    folders = [os.path.realpath(os.path.dirname(os.__file__))]  # a path, not yet a file system
    folders += [path for entry in sys.path if (path := os.path.realpath(entry)).endswith("lib-dynload")]
    return [path for path in folders if not any(path.startswith(f"{other}/") for other in folders)]


def _libraries(mapped: Iterable[str]) -> list[str]:
    """The folders of the libraries; where a folder also holds Python's, its site-packages stay out: single files."""
    python = _python()
    wanted: set[str] = set()
    for folder in {os.path.realpath(os.path.dirname(path)) for path in mapped}:
        if any(f"{folder}/".startswith(f"{own}/") for own in python):
            continue
        if any(own.startswith(f"{folder}/") for own in python):
            wanted.update(str(file) for file in Path(folder).glob("*.so*") if file.is_file())
        else:
            wanted.add(folder)
    return sorted(wanted)


def _bind(source: str, target: Path, *, device: bool) -> None:
    if Path(source).is_dir():
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    kernel.mount(source, str(target), "", kernel.MS_BIND)
    flags = (_READ_ONLY & ~kernel.MS_NODEV | kernel.MS_NOEXEC) if device else _READ_ONLY
    kernel.mount("none", str(target), "", flags | kernel.MS_BIND | _locked(target))
    for name in HIDDEN:
        if (target / name).is_dir():
            hidden = str(target / name)
            kernel.mount("tmpfs", hidden, "tmpfs", kernel.MS_RDONLY | kernel.MS_NOSUID | kernel.MS_NODEV, "size=4k")


def _locked(path: Path) -> int:
    """Flags of the source's mount. A user namespace may add to them and take none away."""
    present = os.statvfs(path).f_flag
    return sum(flag for flag in (kernel.MS_NOSUID, kernel.MS_NODEV, kernel.MS_NOEXEC) if present & flag)
