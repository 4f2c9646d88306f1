"""Where the fork server lives and how it forks: in namespaces of its own, or contained by something else already."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol

from banchu.sandbox.cell import kernel, landlock, namespaces, root
from banchu.sandbox.cell import scratch as tmp
from banchu.sandbox.cell.scratch import Scratch

_DEVICES_RW = ("/dev/null",)
_DEVICES_RO = ("/dev/zero", "/dev/urandom")
_OWN_TASKS = 64
_SHARED_TASKS = 512
"""Where the kernel counts the threads of other slots and programs too."""


class Home(Protocol):
    """What the server needs of the place it lives in."""

    max_tasks: int
    """Threads of a candidate, as RLIMIT_NPROC counts them here."""

    scratch: Scratch

    def enter(self) -> None:
        """In the process that was started. Raises SetupFailed."""

    def settle(self, mapped: Iterable[str]) -> None:
        """In the server: file system, user, capabilities. `mapped` are shared libraries. Raises SetupFailed."""

    def readable(self) -> dict[str, int]:
        """Landlock's rules, but for the scratch folder."""

    def separate(self) -> None:
        """The next fork is in a pid namespace of its own, where there are any."""

    def rejoin(self) -> None:
        """Undo `separate`, any time after that fork."""

    def drop(self) -> None:
        """In a candidate: give up what the server still has."""


class Namespaced:
    """Namespaces of the cell's own; each candidate is init of a further pid namespace."""

    max_tasks = _OWN_TASKS
    scratch: Scratch

    def __init__(self, file_mib: int) -> None:
        self._file_mib = file_mib
        self._own_pids = -1
        self._drop_capabilities = kernel.capabilities_setter()

    def enter(self) -> None:
        namespaces.enter()

    def settle(self, mapped: Iterable[str]) -> None:
        self._own_pids = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)  # while there still is a /proc
        with namespaces.stage("root"):
            self._build_root(mapped)
        namespaces.drop_to_candidate()
        kernel.die_with_parent(signal.SIGKILL)
        with namespaces.stage("tmp"):
            self.scratch = self._new_scratch()

    def readable(self) -> dict[str, int]:
        return {"/": landlock.READ} | dict.fromkeys(_DEVICES_RW, landlock.READ | landlock.WRITE_FILE)

    def separate(self) -> None:
        kernel.unshare(kernel.CLONE_NEWPID)  # whatever a candidate leaves behind dies with its pid namespace

    def rejoin(self) -> None:
        kernel.setns(self._own_pids, kernel.CLONE_NEWPID)

    def drop(self) -> None:
        self._drop_capabilities()

    def _build_root(self, mapped: Iterable[str]) -> None:
        root.build(mapped)

    def _new_scratch(self) -> Scratch:
        tmp.mount(self._file_mib)
        return Scratch("/tmp", lambda act: act(), self._file_mib, watched=False)


class Contained:
    """No namespaces of its own: a container's, bubblewrap's, or none.

    Args:
        scratch: the candidates' folder.
        file_mib: what they may hold there.
        user: whom candidates become; None: nobody else than the server.
        watched: whether the folder lies on a shared disk.
    """

    def __init__(self, scratch: str, file_mib: int, user: int | None, *, watched: bool) -> None:
        self._user = user
        self._readable: dict[str, int] = {}
        self.max_tasks = _SHARED_TASKS
        self._drop_capabilities = kernel.capabilities_setter()
        self.scratch = Scratch(scratch, self._as_candidate, file_mib, watched=watched)

    def enter(self) -> None:
        """Nothing to enter."""

    def settle(self, mapped: Iterable[str]) -> None:
        with namespaces.stage("landlock"):
            self._readable = dict(root.readable(mapped))
            present = [path for path in (*_DEVICES_RW, *_DEVICES_RO) if Path(path).exists()]
            self._readable |= dict.fromkeys(present, landlock.READ)
            self._readable |= dict.fromkeys(_DEVICES_RW, landlock.READ | landlock.WRITE_FILE)
        with namespaces.stage("privileges"):
            self.max_tasks = _tasks_of(os.getuid() if self._user is None else self._user) + _SHARED_TASKS
            kernel.drop_bounding_set()
            kernel.set_capabilities(*self._capabilities())
            kernel.no_new_privileges()
            kernel.undumpable()
            kernel.die_with_parent(signal.SIGKILL)
        with namespaces.stage("tmp"):
            self._as_candidate(self._can_work)
            self.scratch.renew()

    def readable(self) -> dict[str, int]:
        return self._readable

    def separate(self) -> None:
        """There are none."""

    def rejoin(self) -> None:
        """Nothing to undo."""

    def drop(self) -> None:
        if self._user is not None:
            os.setgroups([])
            os.setresgid(self._user, self._user, self._user)
            os.setresuid(self._user, self._user, self._user)
        self._drop_capabilities()
        kernel.die_with_parent(signal.SIGKILL)  # the change of user took it back

    def _capabilities(self) -> list[int]:
        if self._user is None:
            return []
        # To look after the size of folders that only the candidate's user may list.
        looking = [kernel.CAP_DAC_READ_SEARCH] if self.scratch.watched else []
        return [kernel.CAP_KILL, kernel.CAP_SETGID, kernel.CAP_SETUID, *looking]

    def _can_work(self) -> None:
        os.listdir(os.path.dirname(os.__file__))
        os.close(os.open(f"{self.scratch.path}/try", os.O_CREAT | os.O_WRONLY, 0o600))

    def _as_candidate(self, act: Callable[[], None]) -> None:
        """Raises OSError with the cause."""
        if self._user is None:
            act()
            return
        child = os.fork()
        if child == 0:
            code = 0
            try:
                self.drop()
                act()
            except OSError as error:
                code = error.errno or 255
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        if code := os.waitstatus_to_exitcode(status):
            said = os.strerror(code) if 0 < code < 255 else f"exit code {code}"
            raise OSError(abs(code), f"as user {self._user}: {said}")


def home_of(config: dict[str, Any]) -> Namespaced | Contained:
    """What the setup message asks for."""
    if config["profile"] == "command":
        from banchu.sandbox.cell import command_homes

        return command_homes.home_of(config)
    file_mib = config["limits"]["file_mib"]
    if config["mode"] == "namespaces":
        return Namespaced(file_mib)
    return Contained(config["scratch"], file_mib, config["user"], watched=config["watched"])


def _tasks_of(user: int) -> int:
    """Threads of a user that this process can see."""
    count = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if process.stat().st_uid == user:
                count += len(list((process / "task").iterdir()))
        except OSError:
            continue
    return count
