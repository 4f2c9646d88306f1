"""Rows with containers: the Docker tier, and what its commands cost for each candidate.

All share a daemon of their own, started here so that its CPU, its shims' and its containers' can be told from others'.
"""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from judging.ours import CORES, Judging
from judging.programs import Program
from judging.rows import Entry, Outcome, Unavailable

_START_S = 60.0


class Daemon:
    """dockerd, accounted to the group of this process, with the image of the cell."""

    def __init__(self, group: str) -> None:
        program = shutil.which("dockerd", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
        if program is None:
            raise Unavailable("dockerd is not installed")
        if not group:
            raise Unavailable("to count a daemon's CPU takes root and the cpuacct controller of cgroup v1")
        self._folder = tempfile.TemporaryDirectory(prefix="banchu-dockerd-", ignore_cleanup_errors=True)
        places = {"data-root": "data", "exec-root": "exec", "pidfile": "pid"}
        os.environ["DOCKER_HOST"] = f"unix://{self._folder.name}/docker.sock"
        command = [program, "-H", os.environ["DOCKER_HOST"], "--iptables=false", "--bridge=none", "--log-level=error"]
        command += [f"--{name}={self._folder.name}/{place}" for name, place in places.items()]
        command += ["--exec-opt=native.cgroupdriver=cgroupfs", f"--cgroup-parent=/{group}"]
        log = Path(self._folder.name, "log")
        with log.open("wb") as said:
            self._process = subprocess.Popen(command, stdout=said, stderr=said)
        try:
            self.image, self.python = self._ready(log)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._folder.cleanup()

    def _ready(self, log: Path) -> tuple[str, str]:
        from banchu.sandbox.docker.daemon import connect
        from banchu.sandbox.docker.image import build, python_of
        from banchu.sandbox.link import Failed

        deadline = time.monotonic() + _START_S
        while True:
            try:
                client = connect()
                break
            except Failed as failed:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    last = log.read_text(errors="replace").strip().rpartition("\n")[2]
                    raise Unavailable(f"dockerd did not start: {failed}: {last[-200:]}") from None
                time.sleep(0.2)
        with contextlib.closing(client):
            image = build(client)
            return image, python_of(client, image)


@functools.cache
def daemon(group: str) -> Daemon:
    """The one daemon of this process."""
    return Daemon(group)


class Warm(Judging):
    """The Docker tier."""

    def __init__(self, group: str, isolation: str, slots: int) -> None:
        super().__init__(group, isolation, slots)
        self._group = group

    def prepare(self, programs: Sequence[Program]) -> None:
        daemon(self._group)
        super().prepare(programs)


class Command:
    """`docker run --rm` or `docker exec` for each candidate; the program comes in over standard input."""

    def __init__(self, group: str, kind: str) -> None:
        self._group, self._kind = group, kind
        self._container = ""
        self._command: list[str] = []

    def prepare(self, programs: Sequence[Program]) -> None:
        if self._command:
            return
        docker = daemon(self._group)
        run = ["docker", "run", "--rm", "--network=none", "-i"]
        inside = [docker.python, "-I", "-"]
        if self._kind == "run":
            self._command = [*run, docker.image, *inside]
            return
        started = subprocess.run([*run, "-d", docker.image, docker.python], capture_output=True, text=True, check=False)
        if started.returncode:
            raise Unavailable(started.stderr.strip()[-200:])
        self._container = started.stdout.strip()
        self._command = ["docker", "exec", "-i", self._container, *inside]

    def judge(self, programs: Sequence[Program]) -> list[Outcome]:
        return [self._one(program) for program in programs]

    def close(self) -> None:
        if self._container:
            subprocess.run(["docker", "kill", self._container], capture_output=True, check=False)

    def _one(self, program: Program) -> Outcome:
        start = time.perf_counter()
        ended: Any = subprocess.run(self._command, input=program.script.encode(), capture_output=True, check=False)
        return Outcome(program.task_id, ended.returncode == 0, time.perf_counter() - start)


def close() -> None:
    """End the daemon, if there is one."""
    if daemon.cache_info().currsize:
        for group in _GROUPS:
            daemon(group).close()


_GROUPS: list[str] = []


def _noted(make: Any, group: str) -> Any:
    if group not in _GROUPS:
        _GROUPS.append(group)
    return make(group)


def rows() -> dict[str, Entry]:
    made = {
        "docker": (partial(Warm, isolation="docker", slots=1), "a warm container, one at a time", 0),
        f"docker, {CORES} slots": (partial(Warm, isolation="docker", slots=CORES), "judge_many_sync", 0),
        "docker, attached": (partial(Warm, isolation="docker+transport=attach", slots=1), "over stdin, as afar", 0),
        "docker exec": (partial(Command, kind="exec"), "for each candidate", 24),
        "docker run --rm": (partial(Command, kind="run"), "for each candidate", 12),
    }
    return {name: Entry(partial(_noted, make), note, few, "docker") for name, (make, note, few) in made.items()}
