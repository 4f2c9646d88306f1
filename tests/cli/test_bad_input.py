"""A user's mistake: one line that names it and the remedy, an exit code for its class, and nothing lost."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

CASES = {
    "benchmark": (["run", "humanevil", "--model", "smollm2"], 2, ["humanevil", "humaneval"]),
    "model": (["run", "humaneval", "--model", "smolm2"], 2, ["smolm2", "smollm2"]),
    "arm": (["run", "humaneval", "--model", "{scripted}", "--arms", "oracel"], 2, ["oracel", "oracle"]),
    "task": (["run", "humaneval", "--model", "{scripted}", "--task", "164"], 2, ["164", "HumanEval/"]),
    "task to show": (["tasks", "humaneval/x"], 2, ["x", "HumanEval/"]),
    "style": (["run", "humaneval", "--model", "{scripted}", "--style", "poem"], 2, ["poem", "completion"]),
    "rounds": (["run", "humaneval", "--model", "{scripted}", "--rounds", "-1"], 2, ["--rounds -1", "0"]),
    "limit": (["run", "humaneval", "--model", "{scripted}", "--limit", "0"], 2, ["0"]),
    "temperature": (["run", "humaneval", "--model", "{scripted}", "--temperature", "3"], 2, ["--temperature 3"]),
    "concurrency": (["run", "humaneval", "--model", "{scripted}", "--concurrency", "0"], 2, ["--concurrency 0"]),
    "no file": (["run", "missing.jsonl", "--model", "{scripted}"], 3, ["missing.jsonl"]),
    "bad line": (["run", "bad.jsonl", "--model", "{scripted}"], 3, ["bad.jsonl", "line 1"]),
    "a folder for a file": (["run", "folder.jsonl", "--model", "{scripted}"], 3, ["folder.jsonl"]),
    "no run": (["show", "nothing"], 3, ["nothing"]),
    "no run to resume": (["resume", "last"], 3, ["last"]),
    "not a ledger": (["show", "bad.jsonl"], 3, ["bad.jsonl"]),
    "no script": (["run", "humaneval", "--model", "scripted:missing.jsonl"], 2, ["missing.jsonl"]),
    "no key": (["run", "humaneval", "--model", "openai:gpt-4o-mini"], 2, ["OPENAI_API_KEY"]),
    "no checkpoint": (["run", "humaneval", "--model", "hf:./nowhere"], 4, ["nowhere"]),
    "isolation": (["run", "humaneval", "--model", "{scripted}", "--isolation", "hope"], 2, ["hope", "namespaces"]),
}


@pytest.mark.parametrize("case", CASES)
def test_a_mistake_is_one_line_with_its_remedy(banchu: Any, scripted: str, tmp_path: Path, case: str) -> None:
    (tmp_path / "bad.jsonl").write_text("{not json\n")
    (tmp_path / "folder.jsonl").mkdir()
    arguments, code, names = CASES[case]
    done = banchu(*(argument.format(scripted=scripted) for argument in arguments))
    assert_refused(done, code, *names)


def assert_refused(done: Any, code: int, *names: str) -> None:
    assert "Traceback" not in done.stderr, done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith("banchu: error: ")]
    assert len(errors) == 1, done.stderr
    assert done.stderr.splitlines()[-1] == errors[0]
    assert all(name in errors[0] for name in names), errors[0]
    assert done.returncode == code, done.stderr


@pytest.mark.slow
def test_an_unreachable_server_is_named(banchu: Any) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
        done = banchu("run", "humaneval", "--model", "openai:x", "--base-url", url, "--limit", "1")
    assert_refused(done, 4, url)


@pytest.mark.slow
def test_a_wrong_key_is_told_with_the_name_of_its_variable(banchu: Any, scripted: str, tmp_path: Path) -> None:
    serve = [sys.executable, str(Path(__file__).parent.parent / "models" / "serve.py"), "--model", scripted]
    server = subprocess.Popen(
        [*serve, "--api-key", "the-right-one"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert server.stdout
    url = f"http://127.0.0.1:{server.stdout.readline().split()[-1]}/v1"
    run = ["run", "humaneval", "--model", "openai:x", "--base-url", url, "--limit", "1", "--arms", "none"]
    wrong = banchu(*run, OPENAI_API_KEY="the-wrong-one")
    right = banchu(*run, OPENAI_API_KEY="the-right-one")
    server.communicate("")
    assert_refused(wrong, 4, "401", "OPENAI_API_KEY")
    assert "the-wrong-one" not in wrong.stderr
    assert right.returncode == 0, right.stderr


def test_a_folder_that_cannot_be_written_is_named(banchu: Any, scripted: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = banchu("run", "humaneval", "--model", scripted, "--limit", "1", "--out", str(tmp_path / "file"))
    assert_refused(done, 6, "file", "--out")


@pytest.mark.slow
def test_a_run_that_another_process_writes_is_not_touched(banchu: Any, scripted: str, tmp_path: Path) -> None:
    run = ["run", "humaneval", "--model", scripted, "--limit", "1", "--arms", "none"]
    assert banchu(*run).returncode == 0
    (folder,) = (tmp_path / "runs").iterdir()
    holder = subprocess.Popen(
        [sys.executable, "-c", f"import fcntl; f = open({str(folder / 'lock')!r}, 'a'); "
         "fcntl.flock(f, fcntl.LOCK_EX); print('held', flush=True); input()"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert holder.stdout
    assert holder.stdout.readline() == "held\n"
    done = banchu(*run)
    holder.communicate("\n")
    assert_refused(done, 6, folder.name, "--fresh")


@pytest.mark.slow
def test_a_full_disk_loses_nothing(scripted: str, tmp_path: Path) -> None:
    """On a file system of 1 MiB the run ends with one line; with more room the same command goes on."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = f"{sys.executable} -m banchu.cli.main run humaneval --model {scripted} --rounds 2 --out {disk}"
    kept = tmp_path / "kept"
    script = (
        f"mount -t tmpfs -o size=1m tmpfs {disk}; {command} >/dev/null; echo first $?; "
        f"cp -r {disk} {kept}; mount -o remount,size=100m {disk}; {command} >/dev/null 2>&1; echo second $?"
    )
    unshare = shutil.which("unshare")
    if not unshare or subprocess.run([unshare, "-Urm", "true"], capture_output=True).returncode:
        pytest.skip("needs user namespaces to mount a small disk")
    done = subprocess.run([unshare, "-Urm", "sh", "-c", script], capture_output=True, text=True, env=os.environ)
    assert done.stdout.splitlines() == ["first 6", "second 0"], done.stderr
    assert "Traceback" not in done.stderr
    assert "free space" in done.stderr.splitlines()[-1]
    (ledger,) = kept.glob("*/ledger.sqlite")
    with closing(sqlite3.connect(ledger)) as db:
        assert db.execute("SELECT COUNT(*) FROM calls").fetchone()[0] > 0


@pytest.mark.slow
def test_without_user_namespaces_nothing_is_judged_and_the_remedy_is_named(scripted: str, tmp_path: Path) -> None:
    unshare = shutil.which("unshare")
    if not unshare or subprocess.run([unshare, "-Ur", "true"], capture_output=True).returncode:
        pytest.skip("needs user namespaces to take them away")
    command = f"{sys.executable} -m banchu.cli.main run humaneval --model {scripted} --limit 1"
    script = f"echo 0 > /proc/sys/user/max_user_namespaces && {command}"
    done = subprocess.run([unshare, "-Ur", "sh", "-c", script], capture_output=True, text=True, cwd=tmp_path)
    assert_refused(done, 5, "max_user_namespaces")
