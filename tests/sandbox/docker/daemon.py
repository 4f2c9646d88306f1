"""A Docker daemon for tests: the one that is there, or one started for them and ended after them."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from banchu.sandbox.docker.daemon import connect
from banchu.sandbox.docker.image import build, default_name, python_of
from banchu.sandbox.link import Failed

_START_S = 60


class NoDaemon(Exception):
    """None is there and none can be started; says why."""


@contextmanager
def running_daemon() -> Iterator[None]:
    """DOCKER_HOST names a daemon that answers. Raises NoDaemon."""
    missing = "DOCKER_HOST is not set, and there is no /var/run/docker.sock"
    if "DOCKER_HOST" in os.environ or Path("/var/run/docker.sock").exists():
        try:
            connect().close()
        except Failed as failed:
            missing = str(failed)
        else:
            missing = ""
    with _started(missing) if missing else nullcontext():
        yield


@pytest.fixture(scope="session")
def docker_daemon() -> Iterator[Any]:
    """A client of a daemon that has the image; DOCKER_HOST says where. The tests that ask for it are skipped where
    none can run."""
    try:
        with running_daemon():
            client = connect()
            try:
                python_of(client, default_name())
            except Failed:
                build(client)
            yield client
            client.close()
    except NoDaemon as why:
        pytest.skip(f"no Docker daemon: {why}")


@contextmanager
def _started(missing: str) -> Iterator[None]:
    program = shutil.which("dockerd", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if program is None or os.geteuid() != 0:
        raise NoDaemon(f"{missing}; to start one takes root and dockerd (apt-get install docker.io)")
    folder = Path(tempfile.mkdtemp(prefix="banchu-dockerd-"))
    address = f"unix://{folder}/docker.sock"
    options = {"data-root": "data", "exec-root": "exec", "pidfile": "pid"}
    command = [program, "-H", address, "--iptables=false", "--bridge=none", "--log-level=error"]
    command += [f"--{name}={folder / place}" for name, place in options.items()]
    with (folder / "log").open("wb") as log, pytest.MonkeyPatch.context() as patch:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            patch.setenv("DOCKER_HOST", address)
            _wait_for(process, folder / "log")
            yield
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            shutil.rmtree(folder, ignore_errors=True)


def _wait_for(process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            said = log.read_text(errors="replace").strip().rpartition("\n")[2]
            raise NoDaemon(f"dockerd ended with {process.returncode}: {said[-300:]}")
        try:
            connect().close()
        except Failed:
            time.sleep(0.2)
        else:
            return
    raise NoDaemon(f"dockerd did not answer within {_START_S} s")
