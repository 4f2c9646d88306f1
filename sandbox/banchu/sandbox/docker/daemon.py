"""The Docker daemon, and one line with the remedy for each way in which it is not there."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from banchu.sandbox.link import Failed

_NO_PACKAGE: Final = "pip install 'banchu[docker]'"
_NO_DAEMON: Final = (
    "start one (systemctl start docker), or say where it is: DOCKER_HOST=unix:///path or tcp://host:2376"
)
_NO_PERMISSION: Final = "as root: usermod -aG docker USER, then log in again; or use a rootless daemon"
_NO_TRUST: Final = "put its ca.pem and your cert.pem and key.pem into DOCKER_CERT_PATH, and unset REQUESTS_CA_BUNDLE"
_NO_SSH: Final = (
    "forward its socket: ssh -nNT -L /tmp/docker.sock:/var/run/docker.sock HOST, DOCKER_HOST=unix:///tmp/docker.sock"
)
_NO_RUNTIME: Final = "install it and name it in the daemon's daemon.json, or ask without +runtime="
_NO_IMAGE: Final = "make one: banchu sandbox build"


def connect() -> Any:
    """A client of the daemon that DOCKER_HOST or the current context names. Raises Failed."""
    try:
        import docker
    except ImportError:
        raise _failed("the Python package 'docker' is not installed", _NO_PACKAGE) from None
    host = os.environ.get("DOCKER_HOST", "")
    if host.startswith("ssh://"):
        raise _failed(f"DOCKER_HOST={host}: ssh carries no attached streams", _NO_SSH)
    if host.startswith("unix://"):
        _try(host)
    try:
        return docker.from_env()
    except (docker.errors.DockerException, OSError) as error:
        said = str(error)
        if "PermissionError" in said or "Permission denied" in said:
            raise _failed("no permission for the Docker daemon's socket", _NO_PERMISSION) from None
        if "TLS" in type(error).__name__ or "SSLError" in said:
            raise _failed(f"no secure line to the Docker daemon at {host}: {said}", _NO_TRUST) from None
        raise _failed(f"no Docker daemon answers at {host or 'the default socket'}", _NO_DAEMON) from None


def _try(host: str) -> None:
    """docker's own attempt would hide the cause in a text, and leave a socket open."""
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(host.removeprefix("unix://"))
    except PermissionError:
        raise _failed(f"no permission for the Docker daemon's socket, {host}", _NO_PERMISSION) from None
    except OSError as error:
        raise _failed(f"no Docker daemon answers at {host}: {error.strerror or error}", _NO_DAEMON) from None


@contextmanager
def refusals(image: str) -> Iterator[None]:
    """What the daemon refuses to do with an image, or being gone, as Failed."""
    import docker
    import requests

    try:
        yield
    except docker.errors.ImageNotFound:
        raise _failed(f"the daemon has no image {image!r}", _NO_IMAGE) from None
    except docker.errors.APIError as error:
        said = str(error.explanation or error)
        if "runtime" in said and ("nknown" in said or "invalid" in said):
            raise _failed(said, _NO_RUNTIME) from None
        raise _failed(said, "see the daemon's log") from None
    except (docker.errors.DockerException, requests.RequestException, OSError) as error:
        raise _failed(f"the Docker daemon is gone: {error}", _NO_DAEMON) from None


def _failed(detail: str, remedy: str) -> Failed:
    return Failed(detail, {"stage": "docker", "remedy": remedy})
