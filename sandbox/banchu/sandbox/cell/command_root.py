"""What a command sees of the machine: its programs and libraries, a few files of /etc; nobody's packages or data."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence

from banchu.sandbox.cell import kernel, landlock
from banchu.sandbox.cell.namespaces import INSIDE_ID
from banchu.sandbox.cell.root import HIDDEN

_TOP = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_FOLDERS = (
    *(f"/{name}" for name in _TOP),
    *(f"/usr/{name}" for name in (*_TOP, "libexec", "include", "share")),
    # Not /usr/local/share, nor /usr/src: there people keep data and projects.
    *(f"/usr/local/{name}" for name in (*_TOP, "libexec", "include")),
)
_ETC = ("alternatives", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime")
_DEVICES = ("/dev/full", "/dev/random")
_DEVICE_LINKS = {"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1"}
_DEVICE_LINKS |= {"stderr": "/proc/self/fd/2", "shm": "/tmp"}
_MADE_UP = {
    "passwd": f"user:x:{INSIDE_ID}:{INSIDE_ID}::/tmp:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n",
    "group": f"user:x:{INSIDE_ID}:\nnogroup:x:65534:\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    "hosts": "127.0.0.1 localhost\n",
}


def files() -> list[str]:
    """What is shown besides Python's own: folders of programs, files, the interpreter."""
    return [*programs(), os.path.realpath(sys.executable), *_present(_DEVICES)]


def programs() -> list[str]:
    """Of them, what is the machine's own."""
    return [*_present(_FOLDERS), *_etc()]


def search_path() -> str:
    """PATH: the interpreter that runs the judge comes first, so that `python3` is it."""
    own = os.path.dirname(os.path.realpath(sys.executable))
    return ":".join(dict.fromkeys([own, "/usr/local/bin", "/usr/bin", "/bin"]))


class Furnishing:
    """What else is done to a new root. `private`: folders that are emptied where they lie in one that is shown."""

    def __init__(self, private: Sequence[str]) -> None:
        self._private = private
        self.has_processes = False
        """Whether a /proc can be mounted; not where a container masks parts of it."""

    def __call__(self, top: str) -> None:
        """Raises OSError."""
        for name, text in _MADE_UP.items():
            _write(f"{top}/etc/{name}", text)
        for name in _TOP:
            if os.path.islink(f"/{name}") and not os.path.lexists(f"{top}/{name}"):
                os.symlink(os.readlink(f"/{name}"), f"{top}/{name}")
        for name, target in _DEVICE_LINKS.items():
            os.symlink(target, f"{top}/dev/{name}")
        self._link_python(top)
        for folder in [*_packages(), *self._private]:
            if os.path.isdir(top + folder):
                kernel.mount("tmpfs", top + folder, "tmpfs", _EMPTY, "size=4k")
        os.mkdir(f"{top}/proc")
        try:
            mount_processes(f"{top}/proc")
            self.has_processes = True
        except OSError:
            self.has_processes = False

    def _link_python(self, top: str) -> None:
        folder, name = os.path.split(os.path.realpath(sys.executable))
        for alias in ("python3", "python"):
            # A folder that is shown as a whole has its own, or has none, and cannot be written.
            if alias != name and folder not in _FOLDERS and not os.path.lexists(f"{top}{folder}/{alias}"):
                os.symlink(name, f"{top}{folder}/{alias}")


_EMPTY = kernel.MS_RDONLY | kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC


def mount_processes(target: str) -> None:
    """The processes of the caller's pid namespace. Raises OSError."""
    kernel.mount("proc", target, "proc", kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC)


def rules(private: Sequence[str]) -> dict[str, int]:
    """The same files as Landlock's rules, where there is no root to build."""
    found = dict.fromkeys(_etc(), landlock.READ)
    hidden = {os.path.realpath(folder) for folder in [*_packages(), *private]}
    for folder in _present(_FOLDERS):
        found |= _around(folder, hidden)
    found[os.path.realpath(sys.executable)] = landlock.READ | landlock.EXECUTE
    found |= dict.fromkeys(_present(_DEVICES), landlock.READ | landlock.WRITE_FILE)
    return found


def _around(folder: str, hidden: Iterable[str]) -> dict[str, int]:
    """Rules for all that lies in a folder but what is hidden."""
    if folder in hidden:
        return {}
    if not any(other.startswith(f"{folder}/") for other in hidden):
        return {folder: landlock.READ | landlock.EXECUTE}
    found: dict[str, int] = {}
    for entry in os.listdir(folder):
        path = f"{folder}/{entry}"
        if not os.path.islink(path):
            found |= _around(path, hidden)
    return found


def _packages() -> Iterator[str]:
    """Folders of other people's Python, in every folder of libraries."""
    for folder in _present(f"{top}/{name}" for top in ("", "/usr", "/usr/local") for name in ("lib", "lib32", "lib64")):
        for entry in os.listdir(folder):
            if entry.startswith(("python", "pypy")):
                yield from _present(f"{folder}/{entry}/{name}" for name in HIDDEN)


def _etc() -> list[str]:
    there = os.listdir("/etc") if os.path.isdir("/etc") else []
    names = [*_ETC, *(name for name in there if name.startswith("java-"))]
    return [path for name in names if os.path.exists(path := f"/etc/{name}")]


def _present(paths: Iterable[str]) -> list[str]:
    """Those that are there themselves, not as links to others."""
    return [path for path in paths if os.path.exists(path) and not os.path.islink(path)]


def _write(path: str, text: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
