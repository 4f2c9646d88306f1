"""What a command may use: time, processes, output, memory, room; and what is left when that is up."""

from __future__ import annotations

from typing import Any

import pytest
from tests.sandbox.commands import BOMB, DAEMON, Run, nothing_below

from banchu.core.errors import BanchuError, ConfigError
from banchu.sandbox import CommandCell, CommandLimits

NEEDS_MEMORY = "data = []\nfor _ in range(200):\n    data.append(bytearray(b'x') * (16 << 20))\n"


@pytest.mark.slow
def test_time_that_is_up_ends_all_of_it() -> None:
    with CommandCell(limits=CommandLimits(wall_s=1.0)) as cell:
        done = cell.run(f'python3 -c "{DAEMON}"; sleep 60 & setsid sleep 60 & sleep 60', read=["born"])
        assert (done.status, done.exit_code, done.signal) == ("timed_out", None, None)
        assert done.files == {"born": b""}
        assert 1.0 <= done.wall_s < 30
        nothing_below(cell)


def test_what_it_leaves_behind_ends_with_it(cell: CommandCell) -> None:
    done = cell.run(f'(sleep 60; touch late) & setsid sleep 60 & python3 -c "{DAEMON}"; echo done')
    assert (done.status, done.stdout) == ("exited", "done\n")
    assert done.wall_s < 30
    nothing_below(cell)


@pytest.mark.slow
def test_processes_together_have_one_amount_of_cpu() -> None:
    with CommandCell(limits=CommandLimits(cpu_s=0.5, wall_s=20)) as cell:
        done = cell.run("for i in 1 2 3; do sh -c 'while :; do :; done' & done; wait")
        assert done.status == "timed_out"
        assert done.cpu_s < 5
        assert done.wall_s < 15
        assert cell.run("while :; do :; done").status == "timed_out"


def test_a_fork_bomb_is_bounded_and_the_next_runs(cell: CommandCell) -> None:
    with CommandCell(limits=CommandLimits(wall_s=1.0, processes=20)) as bounded:
        bomb = f"import os\nopen('pids', 'w').close()\n{BOMB}"
        assert bounded.run_python(bomb).status == "timed_out"
        assert bounded.run("echo well").stdout == "well\n"
        nothing_below(bounded)
        counts = (
            "import os\nn = 0\ntry:\n    while True:\n        if not os.fork():\n            os.read(os.pipe()[0], 1)\n"
        )
        counts += "        n += 1\nexcept OSError:\n    print(n)\n"
        assert int(bounded.run_python(counts).stdout) == 19


def test_a_flood_of_output_is_cut(run: Run) -> None:
    done = run("yes")
    assert (done.status, len(done.stdout)) == ("output_limit", 64 * 1024)
    assert (done.stdout_truncated, done.stderr_truncated) == (True, False)
    done = run("yes | head -c 60000; yes | head -c 10000 >&2")
    assert (done.status, len(done.stdout), len(done.stderr)) == ("output_limit", 60000, 64 * 1024 - 60000)


def test_memory_is_bounded(cell: CommandCell) -> None:
    done = cell.run_python(NEEDS_MEMORY)
    assert not done.ok
    assert done.status == "out_of_memory" or "MemoryError" in done.stderr
    together = cell.run("for i in 1 2 3; do python3 -c \"b = b'x' * (300 << 20)\" & done; wait; echo through")
    assert together.status in ("exited", "out_of_memory")
    assert cell.run("echo well").stdout == "well\n"


def test_the_workspace_is_bounded(run: Run) -> None:
    done = run("head -c 9000000 /dev/zero > a; ls -l a | wc -l; df --output=size -m . | tail -1")
    assert done.stdout.split() == ["1", "8"]
    done = run("i=0; while true > f$i; do i=$((i+1)); done 2>/dev/null; echo $i")
    assert 7000 < int(done.stdout) < 8192


def test_limits_are_checked() -> None:
    wrong: dict[str, Any] = {"cpu_s": 0, "wall_s": float("inf"), "processes": -1, "memory_mib": 0.5}
    for name, value in wrong.items():
        with pytest.raises(ConfigError, match=f"limit {name}="):
            CommandLimits(**{name: value})
    with pytest.raises(BanchuError, match="unknown isolation"):
        CommandCell("chroot")
