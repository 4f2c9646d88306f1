"""A cell in a container of its own, warm for one slot, with no network, no way to write and no rights to gain."""

from __future__ import annotations

import contextlib
import select
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from banchu.core.errors import unknown
from banchu.sandbox.cells import AnyLimits, command_of_cell, common
from banchu.sandbox.docker.attached import Attached
from banchu.sandbox.docker.daemon import connect, refusals
from banchu.sandbox.docker.image import CELL_LABEL, cell_digest, default_name, python_of
from banchu.sandbox.docker.owner import OWNER_LABEL, owner, sweep
from banchu.sandbox.docker.rootfs import HOME
from banchu.sandbox.isolation import Isolation
from banchu.sandbox.limits import CommandLimits
from banchu.sandbox.link import START_S, Failed, Link
from banchu.sandbox.process import ENVIRONMENT
from banchu.sandbox.wire.tunnel import Tunnel

CANDIDATE: Final = 20_000
"""Whom candidates become: nobody's number, inside or outside."""
_SERVER_MIB: Final = 128
"""What the fork server and the kernel need beside a candidate, in the container's account."""
_TASKS: Final = 96
"""Processes and threads: a candidate's threads, or a command's processes, and the server's own."""
_SERVER_TASKS: Final = 16
_INODES: Final = 512
_COMMAND_INODES: Final = 8192
_SERVER_NEEDS: Final = ["SETUID", "SETGID", "KILL"]
_MEETING_PLACE: Final = "/run/banchu"
_SHARED_KERNELS: Final = ("runc", "crun", "io.containerd.runc.v2")
_TRANSPORTS: Final = ("socket", "attach")
_HINTS: Final = {"stage": "docker", "remedy": "see the daemon's log"}


class _NoMeeting(Exception):
    """The container does not see our folder, or cannot reach a socket in it."""


class Container(Link):
    """One container and the line to the cell inside.

    The line is a socket in a folder that both see, with a daemon on this machine; or else the container's own stdin and
    stdout. Either way the container ends when the line does, and the daemon removes it.

    Raises:
        ConfigError: an unknown transport.
        Failed: it does not come up; its message holds the remedy.
    """

    def __init__(self, isolation: Isolation, limits: AnyLimits, profile: str = "function") -> None:
        options = isolation.options
        self._limits = limits
        self._image = options.get("image") or default_name()
        self._runtime = options.get("runtime")
        self._connected = False
        self._container: str | None = None
        self._attached: Attached | None = None
        self._relay: threading.Thread | None = None
        transport = options.get("transport")
        if transport not in (None, *_TRANSPORTS):
            raise unknown("transport of isolation 'docker'", str(transport), _TRANSPORTS)
        self._client = connect()
        try:
            self._python = python_of(self._client, self._image)
            with refusals(self._image):
                sweep(self._client)
                super().__init__("cell", self._connect(transport))
                self._connected = True
            config = {"mode": "contained", "scratch": "/tmp", "user": CANDIDATE, "watched": False}
            config |= common(limits, profile, grouped=True) | {"own_processes": True}
            self.set_up(config)
        except BaseException as error:
            complaint = self._complaint()
            self.close()
            if isinstance(error, Failed):
                raise Failed(f"{error}: {complaint}" if complaint else str(error), error.message or _HINTS) from None
            raise
        if self._relay is None:
            self._detach()

    def close(self, hang_up_s: float = 5.0) -> None:
        if self._connected:
            super().close()
        if self._relay is not None:
            self._relay.join(hang_up_s)
        self._detach()
        container, self._container = self._container, None
        if container is not None:
            self._see_off(container, hang_up_s)
        self._client.close()

    def _connect(self, transport: str | None) -> socket.socket:
        if transport != "attach" and (transport == "socket" or self._is_near()):
            try:
                return self._meet()
            except _NoMeeting as why:
                if transport == "socket":
                    raise Failed(str(why), {**_HINTS, "remedy": "ask for +transport=attach"}) from None
                # The daemon is elsewhere after all, behind a forwarded socket or in a virtual machine.
                _far.add(self._client.api.base_url)
        return self._attach()

    def _is_near(self) -> bool:
        """Whether the container may share a folder and the kernel with this process."""
        url = self._client.api.base_url
        unix = url.startswith("http+docker://") and "ssh" not in url
        return unix and url not in _far and self._runtime in (None, *_SHARED_KERNELS)

    def _meet(self) -> socket.socket:
        """A socket in a private folder, gone as soon as the cell has connected."""
        with tempfile.TemporaryDirectory(prefix="banchu-cell-") as private, socket.socket(socket.AF_UNIX) as listener:
            # The private folder keeps others on this machine out; the container sees only the one below it, where
            # its root has no right to override a mode.
            place = Path(private, "cell")
            place.mkdir()
            place.chmod(0o711)
            try:
                listener.bind(str(place / "socket"))
            except OSError as error:
                raise _NoMeeting(f"{place}: {error.strerror or error}") from None
            (place / "socket").chmod(0o666)
            listener.listen(1)
            mount = {"Type": "bind", "Source": str(place), "Target": _MEETING_PLACE, "ReadOnly": True}
            with _as_no_meeting():
                self._create(f"unix:{_MEETING_PLACE}/socket", [mount])
            attached = self._start(stdin=False)
            deadline = time.monotonic() + START_S
            poll = select.poll()
            poll.register(listener, select.POLLIN)
            poll.register(attached.reading, select.POLLIN)
            while (left := deadline - time.monotonic()) > 0:
                heard = dict(poll.poll(left * 1000))
                if listener.fileno() in heard:
                    return listener.accept()[0]
                if heard and attached.receive() == b"":
                    break
            complaint = attached.complaint or "it does not answer"
            self._discard()
            raise _NoMeeting(f"the container cannot reach a socket in {place}: {complaint}")

    def _attach(self) -> socket.socket:
        """A local socket, and a relay from it to the container's streams."""
        self._create("stdio", [])
        attached = self._start(stdin=True)
        ours, theirs = socket.socketpair()
        relay = threading.Thread(target=Tunnel(attached, theirs).run, name="banchu-tunnel", daemon=True)
        relay.start()
        self._relay = relay
        return ours

    def _create(self, address: str, mounts: list[dict[str, Any]]) -> None:
        created = self._client.api.create_container(
            self._image,
            entrypoint=command_of_cell(self._python, f"{HOME}/boot.py", address),
            command=[],
            user="0:0",
            hostname="cell",
            working_dir="/",
            environment=ENVIRONMENT,
            labels={CELL_LABEL: cell_digest(), OWNER_LABEL: owner()},
            stdin_open=address == "stdio",
            healthcheck={"test": ["NONE"]},
            host_config=self._host_config(mounts),
            use_config_proxy=False,
        )
        self._container = created["Id"]

    def _host_config(self, mounts: list[dict[str, Any]]) -> dict[str, Any]:
        memory = self._limits.memory_mib + self._limits.file_mib + _SERVER_MIB << 20
        commands = isinstance(self._limits, CommandLimits)
        room = f"size={self._limits.file_mib}m,nr_inodes={_COMMAND_INODES if commands else _INODES},mode=1777"
        own_folder = f"{room},{'exec' if commands else 'noexec'},nosuid,nodev"
        config: dict[str, Any] = self._client.api.create_host_config(
            auto_remove=True,
            runtime=self._runtime,
            network_mode="none",
            ipc_mode="none",  # no /dev/shm
            read_only=True,
            cap_drop=["ALL"],
            cap_add=_SERVER_NEEDS,
            security_opt=["no-new-privileges:true"],
            pids_limit=max(_TASKS, self._limits.processes + _SERVER_TASKS),
            mem_limit=memory,
            memswap_limit=memory,
            tmpfs={"/tmp": own_folder, "/dev/mqueue": "ro,size=4k,mode=755"},
            log_config={"Type": "none", "Config": {}},
            mounts=mounts,
        )
        return config

    def _start(self, *, stdin: bool) -> Attached:
        container = str(self._container)
        self._attached = Attached(self._client, container, stdin=stdin)
        self._client.api.start(container)
        return self._attached

    def _complaint(self) -> str:
        """What the container said last, if it is ours to read."""
        if self._attached is None:
            return ""
        if self._relay is None:
            with contextlib.suppress(OSError):
                self._attached.receive()
        return self._attached.complaint

    def _detach(self) -> None:
        if self._attached is not None:
            self._attached.close()
        self._attached = None

    def _discard(self) -> None:
        self._detach()
        container, self._container = self._container, None
        if container is not None:
            self._see_off(container, 0)

    def _see_off(self, container: str, hang_up_s: float) -> None:
        """Until the daemon has removed it, which takes longer when it must be told to."""
        import docker
        import requests

        gone = (docker.errors.DockerException, requests.RequestException, OSError)
        if hang_up_s:
            try:
                self._client.api.wait(container, timeout=hang_up_s, condition="removed")
            except docker.errors.NotFound:
                return
            except gone:
                pass
            else:
                return
        with contextlib.suppress(*gone):
            self._client.api.remove_container(container, force=True, v=True)


_far: set[str] = set()
"""Daemons behind a socket of this machine that share no folder with it."""


@contextmanager
def _as_no_meeting() -> Iterator[None]:
    import docker

    try:
        yield
    except docker.errors.APIError as error:
        if "bind source path" in str(error.explanation) or "mount" in str(error.explanation).lower():
            raise _NoMeeting(str(error.explanation)) from None
        raise
