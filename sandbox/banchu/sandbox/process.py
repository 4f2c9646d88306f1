"""A process of the judge on this machine: started clean, hung up on at the end, killed when it does not listen."""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from banchu.sandbox.cgroup import Group
from banchu.sandbox.link import Failed, Link, Message

BOOT = Path(__file__).with_name("boot.py")
ENVIRONMENT = {"PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8", "HOME": "/tmp", "TMPDIR": "/tmp", "PATH": "/usr/bin:/bin"}
FLAGS = ("-s", "-S", "-B", "-X", "utf8")
"""-S: site-packages run code at every start. Not -I: it would ignore PYTHONHASHSEED."""


class Process(Link):
    """`cell` or `tester`.

    Args:
        role: what it is.
        config: its first message.
        python: the interpreter; None: the one that runs this.
        launcher: a command that starts the interpreter in its place.
        boot: where the launcher lets it see what it starts.
        scratch: the candidates' own folder, where it is not /tmp.
        group: what it and all below it are accounted to.

    Raises:
        Failed: it does not come up; its message then holds stage, errno and detail.
    """

    def __init__(
        self,
        role: Literal["cell", "tester"],
        config: Message | None = None,
        *,
        python: str | None = None,
        launcher: Sequence[str] = (),
        boot: str = str(BOOT),
        scratch: str = "/tmp",
        group: Group | None = None,
    ) -> None:
        if sys.platform != "linux":
            raise Failed(f"the platform is {sys.platform}", {"stage": "platform"})
        ours, theirs = socket.socketpair()
        super().__init__(role, ours)
        self._group = group
        with theirs, tempfile.TemporaryFile() as errors:
            command = [python or own_python(), *FLAGS, boot, role, str(theirs.fileno())]
            try:
                self._process = subprocess.Popen(
                    [*launcher, *command],
                    stdin=subprocess.PIPE if role == "tester" else subprocess.DEVNULL,  # closes with this process
                    bufsize=0,
                    stdout=subprocess.DEVNULL,
                    stderr=errors,
                    env={**ENVIRONMENT, "HOME": scratch, "TMPDIR": scratch},
                    cwd="/",
                    pass_fds=(theirs.fileno(),),
                    start_new_session=True,  # Ctrl-C is the app's to handle
                )
            except OSError as error:
                ours.close()
                if group is not None:
                    group.close()
                detail = f"{command[0] if not launcher else launcher[0]}: {error.strerror}"
                raise Failed(detail, {"stage": "start", "errno": error.errno}) from None
            theirs.close()  # or a process that dies at once would leave the line open
            try:
                if group is not None:
                    group.add(self._process.pid)
                self.set_up(config or {})
            except Failed as failed:
                self.close()
                errors.seek(0)
                said = errors.read().decode("utf-8", "replace").strip().rpartition("\n")[2]
                raise Failed(f"{failed}: {said}" if said else str(failed), failed.message) from None

    @property
    def pid(self) -> int:
        return self._process.pid

    def out_of_memory(self) -> int:
        """How often the kernel has killed a process below it for want of the group's memory."""
        return self._group.out_of_memory() if self._group is not None else 0

    def close(self, hang_up_s: float = 1.0) -> None:
        # Hanging up lets a cell's waiting process collect its own; a kill would leave them to whoever is init here.
        super().close()
        try:
            self._process.wait(hang_up_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
        if self._group is not None:
            self._group.close()


def own_python() -> str:
    """The interpreter that runs this, outside any virtual environment."""
    return getattr(sys, "_base_executable", None) or sys.executable
