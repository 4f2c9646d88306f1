"""What became of a command."""

from __future__ import annotations

import base64
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Self

CommandStatus = Literal[
    "exited",
    "signalled",
    "timed_out",
    "out_of_memory",
    "output_limit",
    "file_limit",
    "forbidden",
    "refused",
    "ended",
    "waiting",
]
_STOPPED: Final[dict[str, CommandStatus]] = {
    "wall": "timed_out",
    "cpu": "timed_out",
    "output": "output_limit",
    "files": "file_limit",
    "asked": "ended",
}


@dataclass(frozen=True, slots=True)
class CommandResult:
    """Of a command and all that it started: nothing of it runs any more."""

    status: CommandStatus
    """exited: by itself, see `exit_code`. signalled: see `signal`. timed_out: CPU or wall. out_of_memory: the control
    group's (without one, programs see their allocations fail). forbidden: killed for a system call that nobody has a
    use for. file_limit: too much in a workspace on a shared disk. refused: it did not start, since a file of its own
    could not be written, see `stderr`. ended: it was cancelled, or cannot be told anything any more. waiting: it has
    done what it was told and can be told more (`Session`)."""
    exit_code: int | None
    """127: no such program; 126: it cannot be run. None when it was killed."""
    signal: int | None
    stdout: str
    stderr: str
    stdout_truncated: bool
    stderr_truncated: bool
    files: dict[str, bytes] = field(repr=False)
    """Those that were asked for, are regular files reached through no link, and fit into `file_mib` together."""
    missing: tuple[str, ...]
    """The others."""
    cpu_s: float
    """Of all its processes, but for those that nobody waited for because their parents chose to ignore them."""
    wall_s: float
    isolation: str

    @property
    def ok(self) -> bool:
        """It ended by itself, with 0."""
        return self.status == "exited" and self.exit_code == 0

    @classmethod
    def of(cls, message: dict[str, Any], read: Sequence[str], isolation: str, *, starved: bool) -> Self:
        """From the cell's answer. `starved`: the kernel killed one of its processes for want of memory."""
        if message["stopped"] == "lost":
            return cls("out_of_memory", None, None, "", "", False, False, {}, tuple(read), 0.0, 0.0, isolation)
        out, err = (base64.b64decode(message[name]) for name in ("stdout", "stderr"))
        files = {name: base64.b64decode(content) for name, content in message["files"].items() if name in read}
        code = int(message["status"])
        status = _status(message, code, starved=starved)
        refusal = f"{message['refusal']}\n" if status == "refused" else ""
        return cls(
            status=status,
            exit_code=code if status in ("exited", "out_of_memory") and code >= 0 else None,
            signal=-code if status == "signalled" else None,
            stdout=out.decode("utf-8", "replace"),
            stderr=refusal + err.decode("utf-8", "replace"),
            stdout_truncated=message["stdout_bytes"] > len(out),
            stderr_truncated=message["stderr_bytes"] > len(err),
            files=files,
            missing=tuple(name for name in read if name not in files),
            cpu_s=message["cpu_s"],
            wall_s=message["wall_s"],
            isolation=isolation,
        )

    @classmethod
    def waiting(cls, message: dict[str, Any], isolation: str) -> Self:
        """Of a program that has done what it was told."""
        out, err = (base64.b64decode(message[name]).decode("utf-8", "replace") for name in ("stdout", "stderr"))
        cpu_s, wall_s = message["cpu_s"], message["wall_s"]
        return cls("waiting", None, None, out, err, False, False, {}, (), cpu_s, wall_s, isolation)


def _status(message: dict[str, Any], code: int, *, starved: bool) -> CommandStatus:
    if message["refusal"]:
        return "refused"
    if starved and code != 0:
        return "out_of_memory"
    if message["stopped"]:
        return _STOPPED[message["stopped"]]
    if code >= 0:
        return "exited"
    if code == -signal.SIGSYS:
        return "forbidden"
    if code == -signal.SIGXCPU or (code == -signal.SIGKILL and message["cpu_spent"]):
        return "timed_out"
    return "signalled"
