"""Daemons that are elsewhere, refuse or are not there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.sandbox.docker.proxy import Proxy

from banchu.core.errors import ConfigError, IsolationUnavailable
from banchu.core.sealed import SealedTests, TestSuite
from banchu.sandbox import Judge, Limits, probe_isolation
from banchu.sandbox.docker.owner import OWNER_LABEL

SEALED = SealedTests(TestSuite("def check(candidate):\n    assert candidate(2) == 4\n", "f", "", ""))
RIGHT = "def f(x):\n    return x * x\n"
ROOMS = [str(Path(__file__).parents[3] / room) for room in ("core", "sandbox")]


def one_line(spec: str = "docker") -> str:
    """The error that a user sees."""
    judge = Judge(slots=1, isolation=spec)
    try:
        with pytest.raises(IsolationUnavailable) as caught:
            judge.judge_sync(SEALED, RIGHT)
    finally:
        judge.close()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_no_daemon(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for host in (f"unix://{tmp_path}/none.sock", "tcp://127.0.0.1:1"):
        monkeypatch.setenv("DOCKER_HOST", host)
        said = one_line()
        assert f"no Docker daemon answers at {host}" in said
        assert "systemctl start docker" in said
    monkeypatch.setenv("DOCKER_HOST", "ssh://somewhere")
    assert "forward its socket: ssh -nNT -L" in one_line()


def test_no_certificates(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path))
    assert "DOCKER_CERT_PATH" in one_line()


def test_no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "docker", None)
    assert "pip install 'banchu[docker]'" in one_line()


def test_no_permission(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("takes root, to be somebody else")
    script = f"""
import os, sys
sys.path[:0] = {ROOMS!r}
import socket, docker, requests, docker.tls
import banchu.sandbox.docker.daemon as daemon
from banchu.sandbox.link import Failed
listener = socket.socket(socket.AF_UNIX)
listener.bind({str(tmp_path / "docker.sock")!r})
os.chmod({str(tmp_path / "docker.sock")!r}, 0o600)
listener.listen()
for folder in {[str(folder) for folder in tmp_path.parents[:3]]!r}:
    os.chmod(folder, 0o755)
os.seteuid(65534)
try:
    daemon.connect()
except Failed as failed:
    print(failed, failed.message["remedy"])
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "DOCKER_HOST": f"unix://{tmp_path}/docker.sock"},
    )
    assert "no permission for the Docker daemon's socket" in done.stdout, done.stderr
    assert "usermod -aG docker" in done.stdout


@pytest.mark.slow
def test_an_image_or_a_runtime_that_is_not_there(docker_daemon: Any) -> None:
    said = one_line("docker+image=nobody-made:this")
    assert "the daemon has no image 'nobody-made:this'" in said
    assert "banchu sandbox build" in said
    said = one_line("docker+runtime=runsc-of-another-world")
    assert "runsc-of-another-world" in said
    assert "without +runtime=" in said


@pytest.mark.slow
def test_an_unknown_transport_is_a_users_mistake(docker_daemon: Any) -> None:
    with pytest.raises(ConfigError, match="transport of isolation 'docker' 'carrier-pigeon'"):
        probe_isolation("docker+transport=carrier-pigeon")


@pytest.mark.slow
@pytest.mark.parametrize("tls", [False, True])
def test_a_remote_daemon(docker_daemon: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tls: bool) -> None:
    context = None
    if tls:
        context = _certificates(tmp_path)
        for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):  # they win over DOCKER_CERT_PATH
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
        monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path))
    with Proxy(_socket_of(docker_daemon), context) as proxy:
        monkeypatch.setenv("DOCKER_HOST", f"tcp://{proxy.address}")
        judge = Judge(Limits(), slots=1, isolation="docker")
        assert judge.judge_sync(SEALED, RIGHT).passed
        assert judge.judge_sync(SEALED, "def f(x):\n    return [x * x, 'y' * 10_000_000][0]\n").passed
        assert judge.judge_sync(SEALED, "def f(x):\n    return 'x' * 20_000_000\n").kind == "output_limit"
        before = _all(docker_daemon)
        proxy.cut()
        _until_gone(docker_daemon, before)
        assert judge.judge_sync(SEALED, RIGHT + "# again\n").passed
        judge.close()


FAR = """
import sys, os, tempfile
sys.path[:0] = {rooms!r}
from banchu.sandbox.cell import kernel
kernel.unshare(kernel.CLONE_NEWNS)
kernel.mount("none", "/", "", kernel.MS_REC | kernel.MS_PRIVATE)
kernel.mount("tmpfs", {hidden!r}, "tmpfs", 0)
tempfile.tempdir = {hidden!r}
from banchu.sandbox.docker.container import Container
from banchu.sandbox.isolation import parse_isolation
from banchu.sandbox.limits import Limits
from banchu.sandbox.link import Failed
cell = Container(parse_isolation("docker"), Limits())
print(cell._relay is not None)
cell.close()
try:
    Container(parse_isolation("docker+transport=socket"), Limits())
except Failed as failed:
    print(failed, failed.message["remedy"])
"""


@pytest.mark.slow
def test_a_daemon_that_shares_no_folder_is_attached_to(docker_daemon: Any, tmp_path: Path) -> None:
    """As behind a forwarded socket: the same path names another folder there."""
    if os.geteuid() != 0:
        pytest.skip("takes root, to hide a folder")
    script = FAR.format(rooms=ROOMS, hidden=str(tmp_path))
    before = _all(docker_daemon)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    attached, refused = done.stdout.splitlines() or pytest.fail(done.stderr)
    assert attached == "True"
    assert refused.endswith("ask for +transport=attach")
    assert _all(docker_daemon) <= before


SOMEBODY = """
import sys, os
sys.path[:0] = {rooms!r}
import docker, requests, banchu.sandbox.wire.tunnel
from banchu.sandbox.docker.container import Container
from banchu.sandbox.docker.image import cell_digest
from banchu.sandbox.isolation import parse_isolation
from banchu.sandbox.limits import Limits
cell_digest()
os.umask(0o077)
os.seteuid(65534)
cell = Container(parse_isolation("docker+transport=socket"), Limits())
print(cell.layers)
cell.close()
"""


@pytest.mark.slow
def test_a_user_without_rights_meets_the_cell_in_a_folder_of_its_own(
    docker_daemon: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The container's root is nobody special to the folder, having no capability to override its mode."""
    if os.geteuid() != 0:
        pytest.skip("takes root, to be somebody else")
    with Proxy(_socket_of(docker_daemon)) as proxy:
        monkeypatch.setenv("DOCKER_HOST", f"tcp://{proxy.address}")
        script = SOMEBODY.format(rooms=ROOMS)
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "landlock" in done.stdout, done.stderr


def _socket_of(client: Any) -> str:
    from urllib.parse import urlparse

    host = urlparse(os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock"))
    if host.scheme != "unix":
        pytest.skip("the daemon is a remote one already")
    return host.path


def _all(client: Any) -> set[str]:
    found = client.containers.list(all=True, filters={"label": OWNER_LABEL}, ignore_removed=True)
    return {container.id for container in found}


def _until_gone(client: Any, containers: set[str]) -> None:
    deadline = time.monotonic() + 15
    while containers & _all(client):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _certificates(folder: Path) -> Any:
    import ssl

    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make certificates with")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    shutil.copy(folder / "cert.pem", folder / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context
