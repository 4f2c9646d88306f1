"""Commands in a cell: programs of any language, with files and stdin, as results."""

from __future__ import annotations

import asyncio
import os
import shutil
import threading
import time
from pathlib import Path

import pytest
from tests.sandbox.commands import LIMITS, Run, below

from banchu.core.errors import ConfigError, SandboxError
from banchu.sandbox import CommandCell, CommandResult

COPIES = "import os, sys\nsys.stdout.write(sys.stdin.read().upper())\nprint(open('in/a.txt').read(), os.getcwd())\n"


def test_a_python_script_has_stdin_files_and_a_folder(cell: CommandCell) -> None:
    done = cell.run_python(COPIES, files={"in/a.txt": "né"}, stdin="shout\n")
    assert (done.status, done.exit_code, done.ok) == ("exited", 0, True)
    assert done.stdout == "SHOUT\nné /tmp\n"
    assert done.stderr == ""
    assert done.isolation == "namespaces"
    assert 0 < done.cpu_s < 2
    assert 0 < done.wall_s < 5


def test_a_line_for_the_shell(run: Run) -> None:
    done = run("sort names | head -2 | tr a-z A-Z; echo oops >&2; exit 3", files={"names": "cy\nal\nbo\n"})
    assert (done.status, done.exit_code, done.ok) == ("exited", 3, False)
    assert (done.stdout, done.stderr) == ("AL\nBO\n", "oops\n")


@pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc here")
def test_a_program_is_compiled_and_run(run: Run) -> None:
    source = '#include <stdio.h>\nint main(void) { puts("compiled"); return 7; }\n'
    done = run("gcc -o it it.c && ./it", files={"it.c": source})
    assert (done.stdout, done.exit_code) == ("compiled\n", 7), done.stderr


@pytest.mark.skipif(shutil.which("node") is None, reason="no node here")
def test_node_starts_and_starts_others(run: Run) -> None:
    done = run(["node", "-e", "console.log(String(require('child_process').execSync('echo below')).trim())"])
    assert (done.stdout, done.stderr) == ("below\n", "")


def test_python_starts_others_in_parallel(cell: CommandCell) -> None:
    if not cell.layers["proc"]:
        pytest.skip("no /proc can be mounted here")
    script = (
        "import multiprocessing\nif __name__ == '__main__':\n    print(multiprocessing.Pool(2).map(abs, [-1, -2]))\n"
    )
    done = cell.run_python(script)
    assert done.stdout == "[1, 2]\n", done.stderr


def test_files_come_back(run: Run) -> None:
    done = run("mkdir d; printf '\\0\\377' > d/x; touch empty", read=["d/x", "empty", "absent", "d"])
    assert done.files == {"d/x": b"\0\xff", "empty": b""}
    assert done.missing == ("absent", "d")


def test_a_workspace_is_kept_when_both_ask_for_it(run: Run) -> None:
    assert run("echo 1 > state", keep=True).ok
    assert run("cat state; echo 2 >> state", keep=True).stdout == "1\n"
    assert run("cat state", keep=True, files={"other": ""}).stdout == "1\n2\n"
    assert run("ls").stdout == ""
    run("echo 3 > state")
    assert run("ls -A", keep=True).stdout == ""


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        (["no-such-program"], 127, "no-such-program: No such file or directory\n"),
        (["/no/such"], 127, "/no/such: No such file or directory\n"),
        (["/usr"], 126, "/usr: Permission denied\n"),
        ("exit 255", 255, ""),
    ],
)
def test_what_cannot_start_is_a_result(run: Run, command: str | list[str], code: int, said: str) -> None:
    done = run(command)
    assert (done.status, done.exit_code, done.stderr) == ("exited", code, said)


def test_signals_do_what_they_always_do(run: Run) -> None:
    done = run(["/bin/sh", "-c", "kill -TERM $$; sleep 5"])
    assert (done.status, done.signal, done.exit_code) == ("signalled", 15, None)
    assert run("yes | head -1 >/dev/null; sleep 9 & kill $!; wait $!; echo $?").stdout == "143\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"command": ""}, "command is empty"),
        ({"command": []}, "command is empty"),
        ({"command": ["a\0b"]}, "holds a NUL"),
        ({"command": ["x" * 200_000]}, "pass it as a file or stdin"),
        ({"files": {"/etc/x": ""}}, "no plain name"),
        ({"files": {"a/../../x": ""}}, "no plain name"),
        ({"files": {"": ""}}, "no plain name"),
        ({"files": {"a" * 300: ""}}, "too long a name"),
        ({"files": {"a\0": ""}}, "holds a NUL"),
        ({"files": {"a": 3}}, "must be text or bytes, not int"),
        ({"files": {"a": b"x" * (9 << 20)}}, "exceed limit file_mib=8"),
        ({"read": ["../x"]}, "no plain name"),
        ({"env": {"A=B": "x"}}, "no name of a variable"),
        ({"stdin": "\ud800"}, "give it as bytes"),
    ],
)
def test_bad_arguments_are_errors_of_one_line(run: Run, arguments: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said) as error:
        run(**{"command": "true", **arguments})
    assert "\n" not in str(error.value)


async def test_cancelling_ends_the_command(cell: CommandCell) -> None:
    async def one() -> CommandResult:
        return await cell.run_async("touch begun; sleep 60; touch late", keep=True)

    began = time.monotonic()
    task = asyncio.create_task(one())
    await asyncio.sleep(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - began < 30
    assert (await cell.run_async("ls", keep=True)).stdout == "begun\n"


def test_threads_take_turns(cell: CommandCell) -> None:
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda at=at: found.append(cell.run(f"echo {at}").stdout.strip())) for at in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == list("012345")


def test_a_cell_that_dies_is_replaced() -> None:
    with CommandCell(limits=LIMITS) as cell:
        cell.start()
        for pid in below(cell):
            os.kill(pid, 9)
        with pytest.raises(SandboxError, match="the cell failed on a command"):
            cell.run("true")
        assert cell.run("echo well").stdout == "well\n"
    with pytest.raises(SandboxError, match="closed"):
        cell.run("true")


def test_nothing_is_left_of_a_cell() -> None:
    folders, files = {*Path("/tmp").glob(f"banchu-*{os.getpid()}*")}, len([*Path("/proc/self/fd").iterdir()])
    with CommandCell(limits=LIMITS) as cell:
        cell.run("sleep 60 & touch x", keep=True)
        pids = below(cell)
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
    assert {*Path("/tmp").glob(f"banchu-*{os.getpid()}*")} == folders
    assert len([*Path("/proc/self/fd").iterdir()]) == files
