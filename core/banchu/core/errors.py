"""Every error raised on purpose, and the exit code it ends the command with.

    BanchuError                       catch this to catch anything raised on purpose
    ├── ConfigError            2      a value the user wrote
    ├── DataError              3      a benchmark, samples file or run is missing, altered or of another version
    ├── ModelError             4      a model could not be loaded, or a call failed
    │   └── ContextOverflow    4      the prompt does not fit the model; never retried
    ├── SandboxError           5      the judge itself failed: the attempt stays unjudged
    │   └── IsolationUnavailable 5    the kernel refuses the isolation that was asked for
    ├── StorageError           6      the ledger cannot be written or read (disk full, locked, no permission)
    └── ToolError              8      what runs a tool failed: a server that does not start, or has died

7 is no error's: a command has run, and what it was asked to check does not hold.

A candidate's failure is never an error: it is a `Verdict`. Nor is a tool's own, which the model is told. Messages are
for the user: one line that names the field, the value and the remedy. Anything else that escapes is a bug and shows a
traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class BanchuError(Exception):
    """Base of all errors that banchu raises on purpose; `exit_code` is what the command ends with."""

    exit_code = 1


class ConfigError(BanchuError):
    """A value that the user wrote cannot be used."""

    exit_code = 2


class DataError(BanchuError):
    """A file that banchu reads is missing, altered or of another version."""

    exit_code = 3


class ModelError(BanchuError):
    """A model could not be loaded, or a call to it failed.

    Args:
        message: one line for the user.
        retryable: whether the same call may succeed later.
        status: the HTTP status, where there was one.
        fatal: whether every other call of the run would fail alike (wrong key, unknown model, server unreachable).
    """

    exit_code = 4

    def __init__(
        self,
        message: str,
        *,
        retryable: bool = False,
        status: int | None = None,
        fatal: bool = False,
    ) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.status = status
        self.fatal = fatal

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions rebuild from positional arguments only; without this the keyword fields are lost in transit.
        return (_rebuild_model_error, (type(self), str(self), self.retryable, self.status, self.fatal))


class ContextOverflow(ModelError):
    """The prompt does not fit the model's context window."""


class SandboxError(BanchuError):
    """The judge itself failed; the attempt is unjudged, never wrong."""

    exit_code = 5


class IsolationUnavailable(SandboxError):
    """The kernel refuses the isolation that was asked for; the message names the cure."""


class StorageError(BanchuError):
    """The ledger cannot be written or read."""

    exit_code = 6


class ToolError(BanchuError):
    """What runs a tool failed, so every call of it would. A tool's own failure is no error: the model is told."""

    exit_code = 8


def unknown(what: str, name: str, known: Iterable[str], *, hint: str = "") -> ConfigError:
    """The error for a name that is not in a closed set: shows the name, the nearest known ones and all of them."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    guess = f" Did you mean {near[0]!r}?" if near else ""
    listing = f" Known: {', '.join(names)}." if names else ""
    return ConfigError(f"unknown {what} {name!r}.{guess}{listing}{' ' + hint if hint else ''}")


def _rebuild_model_error(
    kind: type[ModelError], message: str, retryable: bool, status: int | None, fatal: bool
) -> ModelError:
    return kind(message, retryable=retryable, status=status, fatal=fatal)
