"""`banchu sandbox build|list|remove`, as a user runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.warm import WarmBanchu

from banchu.sandbox.docker.image import CELL_LABEL

BANCHU = Path(sys.executable).with_name("banchu")
NAME = "banchu-test-command:1"


def banchu(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([BANCHU, "sandbox", *arguments], capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_an_image_is_made_listed_and_removed(docker_daemon: Any) -> None:
    made = banchu("build", "--image", NAME)
    assert (made.returncode, made.stderr) == (0, "")
    assert f"{NAME}: a cell starts in it" in made.stdout
    assert f"--isolation docker+image={NAME}" in made.stdout
    (row,) = (row for row in json.loads(banchu("list", "--json").stdout) if row["name"] == NAME)
    assert row["current"]
    assert banchu("remove", NAME).stdout == f"removed {NAME}\n"
    assert NAME not in banchu("list").stdout
    unknown = banchu("remove", NAME)
    assert (unknown.returncode, unknown.stderr.startswith(f"banchu: error: unknown image {NAME!r}")) == (2, True)


@pytest.mark.slow
def test_an_image_of_another_version_is_told_apart(docker_daemon: Any) -> None:
    changes = [f"LABEL {CELL_LABEL}=0123456789ab"]
    docker_daemon.api.import_image_from_data(bytes(10240), repository="banchu-test-old", tag="command", changes=changes)
    (row,) = (row for row in json.loads(banchu("list", "--json").stdout) if row["name"] == "banchu-test-old:command")
    assert not row["current"]
    assert banchu("remove", row["name"]).returncode == 0


def test_without_a_daemon_it_is_one_line(warm_banchu: WarmBanchu, tmp_path: Path) -> None:
    environment = {**os.environ, "DOCKER_HOST": f"unix://{tmp_path}/none.sock"}
    for command in ("build", "list", "remove"):
        done = warm_banchu.run(["sandbox", command], tmp_path, environment)
        assert (done.returncode, done.stdout) == (5, "")
        assert done.stderr.count("\n") == 1
        assert "start one (systemctl start docker)" in done.stderr
