from __future__ import annotations

from tests.sandbox.docker.daemon import docker_daemon

__all__ = ["docker_daemon"]
