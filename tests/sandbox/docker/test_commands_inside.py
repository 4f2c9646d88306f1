"""Commands in a container: the same profile, over both transports."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.sandbox.sessions import it_holds

from banchu.sandbox import CommandCell, CommandLimits

pytestmark = pytest.mark.slow

TRANSPORTS = ["docker+transport=socket", "docker+transport=attach"]

BOMB = "import os, time\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        time.sleep(0.01)\n"

COUNT = """
import os
users = [os.stat(f"/proc/{name}").st_uid for name in os.listdir("/proc") if name.isdigit()]
print(users.count(os.getuid()))
"""


@pytest.fixture(scope="module", params=TRANSPORTS)
def cell(request: pytest.FixtureRequest, docker_daemon: Any) -> Iterator[CommandCell]:
    with CommandCell(request.param, CommandLimits(wall_s=3.0, processes=16, memory_mib=256)) as cell:
        yield cell


def test_a_script_has_stdin_files_and_a_folder(cell: CommandCell) -> None:
    done = cell.run_python(
        "print(input(), open('a').read())\nopen('b', 'wb').write(b'\\xff')", files={"a": "x"}, stdin="y"
    )
    assert (done.stdout, done.stderr, done.status) == ("y x\n", "", "exited")
    assert cell.run_python("open('b', 'wb').write(b'\\xff')", read=["b"]).files == {"b": b"\xff"}


def test_a_shell_starts_python_and_a_workspace_is_kept(cell: CommandCell) -> None:
    assert cell.run("echo 1 > state; exit 4", keep=True).exit_code == 4
    assert cell.run("python3 -c 'print(open(\"state\").read())'", keep=True).stdout == "1\n\n"
    assert cell.run("python3 -c 'import os; print(os.listdir())'").stdout == "[]\n"


def test_a_bomb_and_what_is_left_behind_end(cell: CommandCell) -> None:
    assert cell.run_python(BOMB).status == "timed_out"
    left = cell.run("python3 -c 'import os, time\nif not os.fork(): os.setsid(); time.sleep(60)' & echo done")
    assert (left.status, left.stdout) == ("exited", "done\n")
    assert left.wall_s < 30
    assert cell.run_python(COUNT).stdout == "1\n"


def test_no_network_and_no_writing(cell: CommandCell) -> None:
    assert "Operation not permitted" in cell.run_python("import socket\nsocket.socket()").stderr
    assert cell.run("echo x > /usr/x").exit_code != 0
    assert cell.run("kill -9 1").exit_code != 0


@pytest.mark.parametrize("isolation", TRANSPORTS)
async def test_a_session_lasts_and_stands_still(docker_daemon: Any, isolation: str) -> None:
    await it_holds(isolation)
