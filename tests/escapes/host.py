"""What must not be reached: files, sockets and a process of the host, and a look at whether anything became of them."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from .corpus.case import MARK

_PLACES = ("/", "/tmp", "/var/tmp", "/dev", "/dev/shm", "/run", "/run/lock", "/home", "/mnt", "/opt", "/usr/lib")
_SECRET = "secret of the host\n"
NOBODY = 65534


class Host:
    """Canaries. Each is known to the programs by the names of `targets`."""

    def __init__(self) -> None:
        self._token = secrets.token_hex(4)
        self._folder = Path(tempfile.mkdtemp(prefix="banchu-canaries-"))
        self._folder.chmod(0o755)
        home = Path.home() if os.access(Path.home(), os.W_OK) else self._folder
        self._files = [self._folder / "file", home / f".banchu-canary-{self._token}"]
        for path in self._files:
            path.write_text(_SECRET)
            path.chmod(0o644)
            if os.geteuid() == 0:  # so that nothing but the isolation stands between it and whom candidates become
                os.chown(path, NOBODY, NOBODY)
        self._sockets = [socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(2)]
        meeting, abstract = str(self._folder / "socket"), f"banchu-canary-{self._token}"
        self._sockets[0].bind(meeting)
        os.chmod(meeting, 0o777)  # noqa: PTH101
        self._sockets[1].bind(f"\0{abstract}")
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        datagrams.bind(("127.0.0.1", port))
        self._sockets.append(datagrams)
        for end in (*self._sockets, self._listener):
            end.setblocking(False)
        user = NOBODY if os.geteuid() == 0 else None  # whom candidates become, in every way
        groups: list[str | int] | None = [] if os.geteuid() == 0 else None
        self._process = subprocess.Popen(["/bin/sleep", "3600"], user=user, group=user, extra_groups=groups)
        self._variable = f"BANCHU_CANARY_{self._token}"
        os.environ[self._variable] = _SECRET.strip()
        self._before = self._state()
        self.targets: dict[str, str] = {
            "FILE": str(self._files[0]),
            "HOME": str(self._files[1]),
            "SOCKET": meeting,
            "ABSTRACT": abstract,
            "PORT": str(port),
            "PID": str(self._process.pid),
            "VARIABLE": self._variable,
            "HOSTNAME": socket.gethostname(),
            "MARK": f"{MARK}-{self._token}",
        }

    def harm(self) -> list[str]:
        """What has become of it, in words; empty when nothing has."""
        before, self._before = self._before, self._state()  # each harm is told once
        found = [
            f"{name}: {before.get(name)} became {now}" for name, now in self._before.items() if now != before.get(name)
        ]
        if self._process.poll() is not None:
            found.append(f"the process was killed: {self._process.returncode}")
        for end in self._sockets:
            with contextlib.suppress(BlockingIOError):
                found.append(f"{end.getsockname()!r} received {end.recv(100)!r}")
        with contextlib.suppress(BlockingIOError):
            found.append(f"a connection came from {self._listener.accept()[1]}")
        return found + [f"{path} was left" for path in self._left()]

    def close(self) -> None:
        del os.environ[self._variable]
        self._process.kill()
        self._process.wait()
        for end in (*self._sockets, self._listener):
            end.close()
        self._files[1].unlink(missing_ok=True)
        shutil.rmtree(self._folder)

    def _state(self) -> dict[str, object]:
        pid = self._process.pid
        state: dict[str, object] = {}
        for path in self._files:
            known = path.stat() if path.exists() else None
            state[f"content of {path}"] = known and path.read_text()
            state[f"state of {path}"] = known and (known.st_mode, known.st_uid, known.st_mtime_ns, known.st_nlink)
            state[f"attributes of {path}"] = known and os.listxattr(path)
        if self._process.poll() is None:
            state["limits"] = Path(f"/proc/{pid}/limits").read_text()
            state["priority"] = os.getpriority(os.PRIO_PROCESS, pid)
            state["affinity"] = os.sched_getaffinity(pid)
        state["names in the folder"] = sorted(os.listdir(self._folder))  # noqa: PTH208
        mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
        state["mounts"] = sorted(point for point in mounts if point in _PLACES)  # others come and go, as Docker's
        state["name of the machine"] = socket.gethostname()
        return state

    def _left(self) -> Iterator[str]:
        for place in (*_PLACES, str(Path.home())):
            with contextlib.suppress(OSError):
                yield from (f"{place}/{name}" for name in os.listdir(place) if self.targets["MARK"] in name)  # noqa: PTH208
