"""The file: JSON lines that are only ever added, by any number of processes at once.

The first line says what the file is. Each other one names a model or holds a call. Lines are indexed by their first
bytes, and read when they are asked for, so a large cache opens in the time it takes to read the file once. A line is
written in one piece under a lock, and an answer is handed on only then: a process that is killed loses nothing that
anybody was told, and leaves at most half a line at the end, which the next writer cuts off. (A power cut may take the
last moments.) Two files joined by `cat` are one recording; of two answers to one request, the first counts.
"""

from __future__ import annotations

import fcntl
import gzip
import os
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, get_args

from banchu.core.errors import ConfigError, DataError, StorageError
from banchu.models.protocol import PromptStyle
from banchu.models.recorded.codec import KEY_START, REFUSAL_START, Entry, Plain, decode, encode, line_of, values_of

VERSION: Final = 1
_FORMAT: Final = "banchu recording"
_HEADER: Final = line_of({"format": _FORMAT, "version": VERSION})
_LONGEST_HEADER: Final = 200
_KEY: Final = slice(len(KEY_START), len(KEY_START) + 64)
_GZIP: Final = b"\x1f\x8b"
_CHUNK: Final = 1 << 20
_CURE: Final = "delete the line: its answer is asked again"
_NAMES: Final = ("id", "spec", "style")
_STYLES: Final = get_args(PromptStyle)
_LOCK_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class _Line:
    """Where a call lies in the file."""

    start: int
    length: int
    number: int
    """From 1, as editors count."""
    refused: bool


class Store:
    """One recording, open.

    Args:
        path: the file; gzip is understood where nothing is written.
        writes: also add to it, and make it where there is none.

    Raises:
        ConfigError: the file cannot be opened, or not for that.
        DataError: it is no recording, or a line of it is damaged; names the line.
    """

    def __init__(self, path: Path, *, writes: bool = False) -> None:
        self.path = path
        self.torn = False
        """Whether the file ended with half a line when it was opened: a process was killed while it wrote."""
        self.models: list[Plain] = []
        """What was opened: id, spec, style, whether it takes tools, when and with which Python; in order."""
        self._lines: dict[str, _Line] = {}
        self._end = self._count = 0
        self._packed: bytes | None = None
        self._lock = fcntl.LOCK_EX if writes else fcntl.LOCK_SH
        self._fd = self._open(writes)
        try:
            self._begin(writes)
        except BaseException:
            self.close()
            raise

    def __len__(self) -> int:
        return len(self._lines)

    def find(self, key: str) -> Entry | None:
        """The call of this key, others' latest too, or None. Raises DataError."""
        if key not in self._lines:
            self._scan()
        found = self._lines.get(key)
        return None if found is None else self._decoded(found)

    def entries(self) -> Iterator[Entry]:
        """Every call, in the order of the file. Raises DataError."""
        for line in list(self._lines.values()):
            yield self._decoded(line)

    def add(self, entry: Entry) -> Entry:
        """Keep a call, and give the one that counts: another process may have been first. Raises StorageError."""
        with self._locked():
            kept = self.find(entry.key)
            if kept is not None and (kept.final or str(kept.outcome) == str(entry.outcome)):
                return kept
            self._append(encode(entry))
        return entry

    def add_model(self, values: Plain) -> None:
        """Say what answers here, once. Raises StorageError."""
        with self._locked():
            said = (*_NAMES, "tools")
            if not any(all(known.get(name) == values.get(name) for name in said) for known in self.models):
                self._append(line_of({"model": values}))

    def close(self) -> None:
        """Idempotent."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def _open(self, writes: bool) -> int:
        if writes and self.path.suffix == ".gz":
            raise self._packed_already()
        try:
            if writes:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            return os.open(self.path, (os.O_RDWR | os.O_CREAT | os.O_APPEND if writes else os.O_RDONLY) | os.O_CLOEXEC)
        except OSError as error:
            remedy = "choose another file" if writes else "give a file that --record wrote"
            raise ConfigError(f"recording {str(self.path)!r}: {error.strerror}; {remedy}") from None

    def _packed_already(self) -> ConfigError:
        what = "packed recordings are for --replay; record into a .jsonl, and pack it with gzip afterwards"
        return ConfigError(f"recording {str(self.path)!r}: {what}")

    def _begin(self, writes: bool) -> None:
        try:
            head = self._read(0, _LONGEST_HEADER)
        except OSError as error:
            raise ConfigError(f"recording {str(self.path)!r}: {error.strerror}; give a file") from None
        if writes and head.startswith(_GZIP):
            raise self._packed_already()
        if head.startswith(_GZIP):
            self._packed = self._unpacked()
            head = self._read(0, _LONGEST_HEADER)
        if writes and len(head) < len(_HEADER) and _HEADER.startswith(head):  # new, or killed in its first moment
            with self._locked():
                if self._size() < len(_HEADER):
                    self._append(_HEADER)
        else:
            self._check_header(head.partition(b"\n")[0])
        self._scan()
        if self._size() > self._end:  # half a line: of somebody who is writing now, or of somebody who died
            with self._locked():
                self.torn = self._size() > self._end

    def _check_header(self, line: bytes) -> None:
        try:
            header = values_of(line)
        except ValueError:
            header = {}
        if header.get("format") != _FORMAT:
            raise self._damaged(1, "this is no recording of banchu", "give a file that --record wrote")
        if header.get("version") != VERSION:
            said = f"version {header.get('version')}, and this banchu reads {VERSION}"
            raise self._damaged(1, said, "use the banchu that wrote it, or record again")

    def _unpacked(self) -> bytes:
        try:
            return gzip.decompress(self._read(0, self._size()))
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(f"recording {str(self.path)!r} cannot be unpacked ({error}); restore the file") from None

    def _size(self) -> int:
        return os.fstat(self._fd).st_size if self._packed is None else len(self._packed)

    def _read(self, start: int, length: int) -> bytes:
        if self._packed is not None:
            return self._packed[start : start + length]
        parts = []
        while length and (part := os.pread(self._fd, length, start)):
            parts.append(part)
            start, length = start + len(part), length - len(part)
        return b"".join(parts)

    def _scan(self) -> None:
        """Index the whole lines that have come since the last time."""
        rest = b""
        while chunk := self._read(self._end + len(rest), _CHUNK):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._count += 1
                self._note(line, _Line(self._end, len(line), self._count, line.startswith(REFUSAL_START, _KEY.stop)))
                self._end += len(line) + 1

    def _note(self, line: bytes, where: _Line) -> None:
        if line.startswith(KEY_START) and line.startswith(b'",', _KEY.stop) and line.rstrip().endswith(b"}}"):
            key = line[_KEY].decode("ascii", "replace")
            known = self._lines.get(key)
            if known is None or known.refused:
                self._lines[key] = where
            return
        if not line.strip():
            return
        try:
            values = values_of(line)
        except ValueError:
            values = {}
        model = values.get("model")
        if isinstance(model, dict) and _is_model(model):
            self.models.append(model)
        elif values.get("format") != _FORMAT:  # the header, once more where two recordings were joined
            raise self._damaged(where.number, "neither a call nor a model", _CURE)

    def _decoded(self, line: _Line) -> Entry:
        try:
            return decode(self._read(line.start, line.length))
        except ValueError as error:
            raise self._damaged(line.number, str(error), _CURE) from None

    def _damaged(self, number: int, what: str, remedy: str) -> DataError:
        return DataError(f"recording {str(self.path)!r}, line {number}: {what}; {remedy}")

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Alone with the file, and up to date. Held for the time of one write, so waiting for it takes a moment."""
        until = time.monotonic() + _LOCK_S
        while True:
            try:
                fcntl.flock(self._fd, self._lock | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    what = f"another process has held it for {_LOCK_S:.0f} s; end that process"
                    raise StorageError(f"cannot write the recording {str(self.path)!r}: {what}") from None
                time.sleep(0.0005)
            except OSError as error:
                raise self._unwritable(error) from None
        try:
            self._scan()
            yield
        finally:
            fcntl.flock(self._fd, fcntl.LOCK_UN)

    def _append(self, line: bytes) -> None:
        """Under the lock."""
        whole = self._end
        if self._size() < whole:
            raise self._damaged(self._count, "the file was shortened while it was in use", "run the same command again")
        try:
            if self._size() > whole:  # half a line of somebody who was killed: nobody else writes now
                os.ftruncate(self._fd, whole)
            written = 0
            while written < len(line):
                written += os.write(self._fd, line[written:])
        except OSError as error:
            os.ftruncate(self._fd, whole)
            raise self._unwritable(error) from None
        self._scan()

    def _unwritable(self, error: OSError) -> StorageError:
        return StorageError(
            f"cannot write the recording {str(self.path)!r}: {error.strerror}; free space or choose another file, "
            f"then run the same command again"
        )


def _is_model(values: Plain) -> bool:
    return all(isinstance(values.get(name), str) for name in _NAMES) and values["style"] in _STYLES
