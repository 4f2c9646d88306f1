"""A root file system out of what this machine has: the Python that runs the judge, its libraries, the cell's code."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from banchu.core.errors import SandboxError
from banchu.sandbox.process import BOOT, ENVIRONMENT, FLAGS

HOME: Final = "/banchu"
"""Where the cell's code lies in every image."""
PARTS: Final = ("boot.py", "cell", "wire")
"""What a cell runs. The tester stays with the app."""
_EMPTY: Final = ("tmp", "proc", "sys", "dev", "etc", "run")
_LEFT_OUT: Final = {
    *("__pycache__", "site-packages", "dist-packages", "test", "tests", "idlelib", "idle_test", "tkinter"),
    *("turtledemo", "ensurepip", "lib2to3", "venv", "pydoc_data"),
}
_LEFT_OUT_FILES: Final = re.compile(r"(_tkinter|_test|_ctypes_test|_xx|xx)\w*\..*\.so|.*\.(a|exe|pyc)")
_DEFAULT_FOLDERS: Final = re.compile(r"(/usr)?/lib(64|32)?(/[\w-]+-linux-\w+)?")
_LIBRARY: Final = re.compile(r"^\s*(?:\S+ => )?(/\S+) \(0x[0-9a-f]+\)$", re.MULTILINE)
_UNWINDER: Final = "libgcc_s.so.1"
"""Ending a thread loads it by name."""
_SHELL: Final = Path("/bin/sh")
_ASK: Final = "import sys, os, json; print(json.dumps([os.path.dirname(os.__file__), sys.path]))"


@dataclass(frozen=True)
class Root:
    """A file system ready to be imported."""

    tar: IO[bytes]
    library_path: str
    """Folders that the loader does not search by itself, as in LD_LIBRARY_PATH; mostly empty."""


def cell_files() -> list[Path]:
    """The cell's code here, in a fixed order."""
    found = [BOOT.parent / "boot.py"]
    for part in PARTS[1:]:
        found += (BOOT.parent / part).rglob("*.py")
    return sorted(found)


@contextmanager
def root_of(python: str) -> Iterator[Root]:
    """The root file system of an interpreter, in temporary files. The same files give the same bytes.

    Raises SandboxError.
    """
    with tempfile.TemporaryDirectory(prefix="banchu-image-") as folder, tempfile.TemporaryFile() as tar:
        stage = Path(folder)
        program = Path(python).resolve()
        _copy_file(program, stage)
        programs = [*_copy_stdlib(str(program), stage), program, *_copy_shell(stage)]
        outside = _copy_libraries(programs, stage)
        _link_python(program, stage)
        copy_cell(stage / HOME[1:])
        _compile(str(program), stage)
        for name in _EMPTY:
            (stage / name).mkdir(exist_ok=True)
        write_tar(stage, tar)
        tar.seek(0)
        yield Root(tar, ":".join(outside))


def copy_cell(target: Path) -> None:
    """The cell's code into a folder."""
    for path in cell_files():
        place = target / path.relative_to(BOOT.parent)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)


def write_tar(folder: Path, out: IO[bytes]) -> None:
    """A folder's content, owned by root, readable by all, in order and without dates."""
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for path in sorted(folder.rglob("*")):
            entry = tar.gettarinfo(str(path), str(path.relative_to(folder)))
            entry.uid = entry.gid = entry.mtime = 0
            entry.uname = entry.gname = ""
            runs = entry.isdir() or entry.mode & 0o100
            entry.mode = 0o1777 if entry.name == "tmp" else 0o755 if runs else 0o644
            if entry.isfile():
                with path.open("rb") as content:
                    tar.addfile(entry, content)
            else:
                tar.addfile(entry)


def _copy_file(path: Path, stage: Path) -> None:
    target = stage / str(path)[1:]
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        shutil.copyfile(path, target)  # whatever a link points to
        target.chmod(0o755 if os.access(path, os.X_OK) else 0o644)


def _copy_stdlib(python: str, stage: Path) -> list[Path]:
    """Its extension modules, which need libraries in turn."""
    stdlib, path = json.loads(_run([python, "-I", "-S", "-B", "-c", _ASK]))
    folders = {os.path.realpath(stdlib), *(os.path.realpath(entry) for entry in path if entry.endswith("lib-dynload"))}
    extensions: list[Path] = []
    for top in sorted(folders):
        for folder, below, names in os.walk(top):
            below[:] = [name for name in below if name not in _LEFT_OUT and not name.startswith("config-")]
            for name in names:
                file = Path(folder, name)
                if _LEFT_OUT_FILES.fullmatch(name) or not file.is_file():
                    continue
                _copy_file(file, stage)
                extensions += [file] if name.endswith(".so") else []
    return extensions


def _copy_shell(stage: Path) -> list[Path]:
    """For commands; a candidate may start no program."""
    if not _SHELL.exists():
        return []
    _copy_file(_SHELL, stage)
    return [_SHELL]


def _link_python(program: Path, stage: Path) -> None:
    """Under the name by which commands call it."""
    link = stage / "usr/bin/python3"
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.exists():
        link.symlink_to(program)


def _copy_libraries(programs: list[Path], stage: Path) -> list[str]:
    """Shared libraries under the names that the loader knows them by; the folders it would not look into."""
    libraries = set(_LIBRARY.findall(_run(["ldd", *map(str, sorted(set(programs)))])))
    if not libraries:
        raise SandboxError(f"ldd names no shared library of {programs[-1]}; is it linked statically?")
    folders = {str(Path(library).parent) for library in libraries}
    for folder in folders:
        if (unwinder := Path(folder, _UNWINDER)).exists():
            libraries.add(str(unwinder))
    for library in sorted(libraries):
        _copy_file(Path(library), stage)
    return sorted(folder for folder in folders if not _DEFAULT_FOLDERS.fullmatch(folder))


def _compile(python: str, stage: Path) -> None:
    """Byte code that is not compared with dates: an import in a read-only container cannot keep what it compiles."""
    options = ["--invalidation-mode", "unchecked-hash", "-q", "-q", "-s", str(stage), "-p", "/", str(stage)]
    # A file that does not compile is left as it is.
    subprocess.run([python, *FLAGS, "-m", "compileall", *options], check=False, env=ENVIRONMENT, capture_output=True)


def _run(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=ENVIRONMENT)
    except OSError as error:
        raise SandboxError(f"{command[0]} cannot be run: {error.strerror}") from None
    if done.returncode and not done.stdout:
        raise SandboxError(f"{command[0]} failed: {done.stderr.strip().rpartition(chr(10))[2]}")
    return done.stdout
