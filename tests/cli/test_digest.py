"""`banchu digest`: one sha256 for the same run wherever it was made, and what differs where it is another."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

RUN = ["run", "humaneval", "--limit", "1", "--rounds", "1", "--arms", "none,intrinsic", "--no-controls"]


def folder_of(done: Any) -> str:
    assert done.returncode == 0, done.stderr
    return str(json.loads(done.stdout)["folder"])


@pytest.mark.slow
def test_a_run_and_its_replay_have_one_and_another_run_has_another(banchu: Any, scripted: str, tmp_path: Path) -> None:
    first = folder_of(banchu(*RUN, "-m", scripted, "--record", "a.jsonl", "--json"))
    again = folder_of(banchu(*RUN, "-m", scripted, "--replay", "a.jsonl", "--out", "other", "--json"))
    told = json.loads(banchu("digest", first, "--json").stdout)
    shown = banchu("digest", first).stdout
    assert shown.startswith(f"sha256 {told['sha256']}\n")
    assert f"attempts        4      {told['tables']['attempts']['sha256']}" in shown
    same = banchu("digest", first, again)
    assert (same.returncode, same.stdout) == (0, f"the same ledger: sha256 {told['sha256']}\n")
    # A file that came from elsewhere, too.
    (tmp_path / "yours.json").write_text(json.dumps(told))
    assert banchu("digest", again, "yours.json").returncode == 0
    more = folder_of(banchu(*RUN, "-m", scripted, "--seed", "1", "--out", "other", "--json"))
    differs = banchu("digest", more, "yours.json")
    assert differs.returncode == 7
    assert f"and {told['sha256']}\n" in differs.stdout
    assert "config.seed" in differs.stdout
    found = json.loads(banchu("digest", first, more, "--json").stdout)
    assert (found["same"], found["differs"]["meta"]) == (False, ["config.seed"])


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["none"], 3, "no run 'none'"),
        (["none.json"], 3, "'none.json' holds no digest; make one with `banchu digest RUN --json > FILE`"),
        (["script.jsonl"], 3, "is not a banchu ledger"),
    ],
)
def test_what_is_no_run_is_one_line(banchu: Any, scripted: str, arguments: list[str], code: int, said: str) -> None:
    done = banchu("digest", *arguments)
    assert done.returncode == code
    assert said in done.stderr
    assert "\n" not in done.stderr.rstrip("\n")


ALONE = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]
"""In a network namespace of its own, where nothing is up: the kernel refuses every request, to this machine too."""
TRIES = """
import socket, sys
try:
    socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=5).close()
except OSError as error:
    print(type(error).__name__, error.errno)
else:
    print("reached")
"""


@pytest.mark.slow
def test_a_replay_of_an_endpoint_sends_nothing(tmp_path: Path) -> None:
    """Recorded from a server here; then replayed while that server still listens, where no socket can reach it."""
    if subprocess.run([*ALONE, "true"], capture_output=True).returncode:
        pytest.skip("no network namespace can be made here")
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.cli.talker"], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    )
    assert server.stdout
    port = server.stdout.readline().strip()

    def run(*arguments: str, alone: bool = False) -> str:
        model = ["-m", "openai:m", "--base-url", f"http://127.0.0.1:{port}/v1", "--style", "chat", "--json"]
        command = [sys.executable, "-m", "banchu.cli.main", *RUN, *model, *arguments]
        done = subprocess.run([*(ALONE if alone else []), *command], cwd=tmp_path, capture_output=True, text=True)
        return folder_of(done)

    try:
        recorded = run("--record", "a.jsonl")
        tried = subprocess.run([*ALONE, sys.executable, "-c", TRIES, port], capture_output=True, text=True)
        assert tried.stdout.startswith("OSError"), "the server could be reached, so the test shows nothing"
        replayed = run("--replay", "a.jsonl", "--out", "other", alone=True)
    finally:
        server.terminate()
        said = server.communicate()[0].splitlines()
    # As many answers were asked for as were recorded, none of them by the replay.
    assert len(said) == sum('"request"' in line for line in (tmp_path / "a.jsonl").read_text().splitlines()) > 3
    done = subprocess.run(
        [sys.executable, "-m", "banchu.cli.main", "digest", recorded, replayed],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.stdout.startswith("the same ledger: sha256 "), done.stdout
