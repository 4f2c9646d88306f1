"""The ledger's one writer: a thread that commits whatever has gathered, in one transaction.

A caller that must not go on before its fact is safe (a bought answer) waits for the returned future; everything else
is written behind. The order of submission is the order of commits, so a committed "done" implies all that led to it.
With WAL and synchronous=NORMAL a commit survives the death of the process; a power cut may take the last moments, and
never leaves the file torn.
"""

from __future__ import annotations

import queue
import sqlite3
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from banchu.core.errors import StorageError
from banchu.experiments.schema import TABLES

Statement = tuple[str, Sequence[Any]]
_Job = tuple[tuple[Statement, ...], "Future[None]"]
_MAX_BATCH = 2000


class LedgerWriter:
    """Owns the only writing connection. Raises StorageError when the file cannot be opened."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._queue: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._broken: StorageError | None = None
        opened: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, args=(opened,), name="banchu-ledger", daemon=True)
        self._thread.start()
        opened.result()

    def submit(self, *statements: Statement) -> Future[None]:
        """Queue statements that belong together; the future ends with their commit or with a StorageError."""
        done: Future[None] = Future()
        self._queue.put((statements, done))
        return done

    def flush(self) -> None:
        """Wait until everything submitted so far is committed. Raises StorageError."""
        self.submit().result()

    def close(self) -> None:
        """Commit the rest and end the thread. Raises the StorageError that a write-behind met, if any. Idempotent."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()
        if self._broken:
            raise self._broken

    def _run(self, opened: Future[None]) -> None:
        try:
            connection = _connect(self._path)
        except (sqlite3.Error, OSError) as error:
            opened.set_exception(storage_error(self._path, error))
            return
        opened.set_result(None)
        while batch := self._take():
            self._commit(connection, batch)
        connection.close()

    def _take(self) -> list[_Job]:
        """The next jobs: waits for one, takes all that have gathered behind it. Empty: closed."""
        job = self._queue.get()
        batch: list[_Job] = []
        while job is not None:
            batch.append(job)
            if len(batch) == _MAX_BATCH:
                break
            try:
                job = self._queue.get_nowait()
            except queue.Empty:
                break
        else:
            if batch:
                self._queue.put(None)  # commit these first, then meet the end again
        return batch

    def _commit(self, connection: sqlite3.Connection, batch: list[_Job]) -> None:
        if self._broken is None:
            try:
                with connection:
                    for statements, _ in batch:
                        for sql, values in statements:
                            connection.execute(sql, values)
            except Exception as error:  # noqa: BLE001  # a thread that died would leave everybody waiting for it
                # After a lost write nothing may be written any more: later facts would stand on a gap.
                self._broken = storage_error(self._path, error)
        for _, done in batch:
            if self._broken:
                done.set_exception(self._broken)
            else:
                done.set_result(None)


def storage_error(path: Path, error: Exception) -> StorageError:
    """SQLite's and the system's complaints, with what to do about them."""
    text = str(error)
    if "full" in text or "disk I/O" in text or getattr(error, "errno", None) == 28:
        remedy = "the disk is full or failing: free space, then run the same command again; what was committed is kept"
    elif "locked" in text:
        remedy = "another banchu process is writing this run; wait for it, or end it"
    elif "readonly" in text or "unable to open" in text or isinstance(error, PermissionError):
        remedy = "the folder is not writable; choose another with --out"
    elif "not a database" in text or "malformed" in text:
        remedy = "the file is not a ledger or is damaged; restore it, or choose another folder with --out"
    else:
        remedy = "check the disk and the folder's permissions"
    return StorageError(f"cannot write the ledger {str(path)!r}: {text}; {remedy}")


def _connect(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=5.0, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.executescript(TABLES)
    except BaseException:
        connection.close()
        raise
    return connection
