"""`banchu run --tools` as a user has it: tools from a file, of LangChain, of somebody else's MCP server."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Banchu

from banchu.experiments.tools.builtin import BUILT_IN

SERVE = Path(__file__).parent.parent / "models" / "serve.py"
TIME = str(Path(sys.executable).parent / "mcp-server-time")
"""mcp-server-time of PyPI, a server of the Model Context Protocol's own project."""
FILES = {
    "my_tools.py": '''
from banchu.agents.tools import tool


@tool
def count(text: str, word: str) -> int:
    """Count how often a word stands in a text."""
    return text.split().count(word)


@tool(oracle=True)
def answer(task: str) -> str:
    """The answer."""
    return "it is known"
''',
    "chain_tools.py": '''
from langchain_core.tools import tool


@tool
def word_length(word: str) -> int:
    """How many letters a word has."""
    return len(word)
''',
}
CALLS = (
    ("count", {"text": "a rose is a rose", "word": "rose"}),
    ("word_length", {"word": "rumination"}),
    ("get_current_time", {"timezone": "Asia/Seoul"}),
)
PROGRAM = (
    "```python\ndef has_close_elements(numbers, threshold):\n    s = sorted(numbers)\n"
    "    return any(b - a < threshold for a, b in zip(s, s[1:]))\n```"
)
RUN = ("run", "humaneval", "--limit", "3", "--no-controls", "--rounds", "1", "--json")


def script(folder: Path) -> str:
    """A fake that calls each of the tools, one after the other, and then answers, in whatever form it is asked."""
    rows: list[dict[str, Any]] = [{"role": "reflector", "reply": "A lesson."}]
    done = [rf"(Result of `{name}`|\[call {name}\])" for name, _ in CALLS]
    rows.append({"match": rf"{done[-1]}.*", "role": "critic", "reply": "Fine.\nVERDICT: correct"})
    rows.append({"match": "The answer:.*" + done[-1], "reply": "Fine.\nVERDICT: correct"})
    rows.append({"match": done[-1], "reply": PROGRAM})
    for number in reversed(range(len(CALLS))):
        name, arguments = CALLS[number]
        call = json.dumps({"name": name, "arguments": arguments})
        rows.append({"match": done[number - 1] if number else "word_length", "reply": f"```tool\n{call}\n```"})
    rows.append({"match": ".", "reply": PROGRAM})
    path = folder / "calls.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return f"scripted:{path}"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


ALL = ("--tools", "my_tools.py:count", "--tools", "chain_tools.py:word_length", "--mcp", TIME)


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (("--arms", "none", "--tools", "python"), ["--tools", "none+tools=actor"]),
        (("--arms", "none,intrinsic", "--mcp", "server"), ["--mcp", "--arms tools"]),
        (("--arms", "tools", "--tools", "pyton"), ["pyton", "python"]),
        (("--arms", "tools", "--tools", "calculator", "--tools", "calculator"), ["two tools", "calculator"]),
        (("--arms", "tools", "--tools", "my_tools.py:nothing"), ["nothing", "count"]),
        (("--arms", "tools", "--tool-calls", "xml"), ["--tool-calls", "xml", "native"]),
        (("--arms", "tools", "--max-tool-calls", "0"), ["--max-tool-calls", "1"]),
        (("--arms", "tools", "--mcp", "no-such-server"), ["no-such-server"]),
        (("--arms", "none+tools=actor", "--style", "completion"), ["tools=actor", "--style chat"]),
    ],
)
def test_what_cannot_be_meant_is_refused_before_there_is_a_run(
    banchu: Banchu, files: Path, scripted: str, options: tuple[str, ...], names: list[str]
) -> None:
    done = banchu(*RUN, "--model", scripted, *options)
    assert done.returncode == 2 if "no-such-server" not in names else done.returncode != 0
    assert not (files / "runs").exists()
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert all(name in done.stderr for name in names), done.stderr


def test_a_tool_of_the_users_in_a_run_and_in_what_is_shown_of_it(banchu: Banchu, files: Path) -> None:
    arms = ("--arms", "none+tools=actor,tools", "--limit", "1")
    done = banchu(*RUN, "--model", script(files), *arms, *ALL[:4], "--tools", "my_tools.py:answer")
    assert done.returncode in (0, 1), done.stderr
    assert (
        "tools: count, word_length, answer; the actor calls them in text, the critic calls them in text" in done.stderr
    )
    told = json.loads(done.stdout)
    assert [arm["realistic"] for arm in told["summary"]["arms"]] == [False, False]  # one of them knows the answer
    assert told["summary"]["arms"][0]["tools"]["by_tool"] == {"count": 2, "get_current_time": 2, "word_length": 2}
    shown = banchu("show", "last", "0", "--arm", "none+tools=actor").stdout
    assert re.search(r"tool call 0, actor, round 0: count, answered, \d+ ms", shown)
    assert re.search(r"tool call 2, actor, round 0: get_current_time, unknown_tool", shown)
    assert shown.count("Complete this Python function") == 2  # once a round, and not again with every turn
    whole = banchu("show", "last").stdout
    assert "tools      count, word_length, answer (an ORACLE)" in whole
    assert "oracle tool; " in whole
    assert "calls of tools an episode" in whole
    rows = banchu("export", "last", "--table", "tool_calls", "--format", "jsonl").stdout
    assert [json.loads(row)["result"] for row in rows.splitlines()[:1]] == [None]  # an oracle may have said it
    assert banchu("resume", "last", "--json").returncode in (0, 1)
    banchu("report", "last", "--no-figures")
    (report,) = files.glob("runs/*/report/report.md")
    text = report.read_text()
    assert "oracle tool" in text
    assert "| tools | count, word_length, answer (an ORACLE); the actor calls in text" in text
    (again,) = [line for line in text.splitlines() if line.startswith("banchu run ")]
    done = banchu(*shlex.split(again)[1:], "--json")
    assert Path(json.loads(done.stdout)["folder"]).name == report.parent.parent.name


@pytest.mark.slow
@pytest.mark.parametrize("how", ["in process", "over HTTP, natively", "over HTTP, as text"])
def test_tools_of_three_kinds_in_a_run_on_humaneval(banchu_afresh: Banchu, files: Path, how: str) -> None:
    """A function of the user's, a tool of LangChain and an MCP server of another project, over stdio."""
    with_server = how.startswith("over HTTP")
    way = "native" if "natively" in how else "text"
    with served(files) if with_server else nullcontext("") as url:
        model = ("--model", "openai:scripted", "--base-url", url) if with_server else ("--model", script(files))
        ways = ("--tool-calls", way) if way == "text" else ()  # natively is what an API is asked unbidden
        done = banchu_afresh(*RUN, *model, "--arms", "none+tools=actor,tools", *ALL, *ways)
    assert done.returncode in (0, 1), done.stderr
    told = json.loads(done.stdout)
    assert told["outcome"]["done"] == 6
    for arm in told["summary"]["arms"]:
        # In each episode the actor calls in two rounds, the critic before the revision.
        rounds = 2 if arm["arm"] == "none+tools=actor" else 1
        assert arm["tools"]["by_tool"] == {name: 3 * rounds for name in sorted(name for name, _ in CALLS)}
        assert arm["tools"]["by_outcome"] == {"answered": 9 * rounds}
        assert arm["realistic"]
    shown = json.loads(banchu_afresh("show", "last", "0", "--arm", "none+tools=actor", "--json").stdout)
    results = {call["tool"]: call["result"] for call in shown[0]["tool_calls"]}
    assert (results["count"], results["word_length"]) == ("2", "10")
    assert "Asia/Seoul" in results["get_current_time"]
    assert shown[0]["attempts"][-1]["verdict"]["kind"] == "passed"
    first = shown[0]["calls"][0]
    assert [call["name"] for call in first["tool_calls"]] == (["count"] if way == "native" else [])


@pytest.mark.slow
def test_a_run_with_native_calls_is_replayed_without_its_server(banchu_afresh: Banchu, files: Path) -> None:
    arms = ("--arms", "none+tools=actor", "--limit", "1", *ALL[:4])
    with served(files) as url:
        words = (*RUN, "--model", "openai:scripted", "--base-url", url, *arms)
        done = banchu_afresh(*words, "--record", "answers.jsonl", "--out", "first")
    again = banchu_afresh(*words, "--replay", "answers.jsonl", "--out", "second")
    assert again.returncode == done.returncode in (0, 1), again.stderr
    assert "calls them natively" in again.stderr
    digests = [banchu_afresh("digest", json.loads(ran.stdout)["folder"]).stdout for ran in (done, again)]
    assert digests[0].split()[0] == digests[1].split()[0]


@contextmanager
def served(folder: Path) -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, str(SERVE), "--model", script(folder), "--port", "0"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    port = int(process.stdout.readline().split()[-1])
    try:
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.communicate("")


@pytest.mark.slow
@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_ends_the_server_too_and_not_before_what_is_in_flight(
    banchu_afresh: Banchu, files: Path, times: int
) -> None:
    """A terminal sends Ctrl-C to the whole group, servers included; once drains, twice ends at once."""
    call = json.dumps({"name": "get_current_time", "arguments": {"timezone": "Asia/Seoul"}})
    rows = [
        {"match": "Result of", "reply": PROGRAM, "delay_s": 0.3},
        {"match": ".", "reply": f"```tool\n{call}\n```", "delay_s": 0.3},
    ]
    (files / "slow.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    mine = ["--local-timezone", "Pacific/Chatham"]
    arguments = [*RUN, "--limit", "12", "--concurrency", "2", "--arms", "none+tools=actor"]
    arguments += ["--model", "scripted:slow.jsonl", "--mcp", " ".join([TIME, *mine])]
    process = subprocess.Popen(
        [sys.executable, "-m", "banchu.cli.main", *arguments],
        cwd=files,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while tool_calls(files) < 2:
        assert process.poll() is None
        time.sleep(0.02)
    assert running(mine)
    for _ in range(times):
        os.killpg(process.pid, signal.SIGINT)
        time.sleep(0.1)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    deadline = time.monotonic() + 10
    while running(mine):  # it was told to end, by the terminal and by us, and may take a moment
        assert time.monotonic() < deadline
        time.sleep(0.05)
    again = banchu_afresh("resume", "last", "--json")
    assert json.loads(again.stdout)["outcome"]["done"] == 12, again.stderr
    (arm,) = json.loads(again.stdout)["summary"]["arms"]
    assert arm["tools"]["by_outcome"] == {"answered": 24}


def tool_calls(folder: Path) -> int:
    for ledger in folder.glob("runs/*/ledger.sqlite"):
        with closing(sqlite3.connect(ledger)) as db, suppress(sqlite3.OperationalError):
            return int(db.execute("SELECT COUNT(*) FROM tool_calls").fetchone()[0])
    return 0


def running(words: list[str]) -> bool:
    """Whether the server with these arguments is there."""
    return subprocess.run(["pgrep", "-f", f"^[^ ]*python.*mcp-server-time {' '.join(words)}"]).returncode == 0


def test_tools_are_listed_and_tried_by_hand(banchu: Banchu, files: Path) -> None:
    listed = json.loads(banchu("tools", "--tools", "my_tools.py:answer", "--tools", "python", "--json").stdout)
    assert [(one["name"], one["built_in"], one["oracle"]) for one in listed] == [
        ("answer", False, True),
        ("python", True, False),
    ]
    own = json.loads(banchu("tools", "--json").stdout)
    assert [one["name"] for one in own if one["built_in"]] == list(BUILT_IN)
    done = banchu("tools", "try", "my_tools.py:count", '{"text": "a rose is a rose", "word": "rose"}')
    assert done.stdout.splitlines()[0] == "2"
    assert banchu("tools", "try", "count", '{"text": "a"}', "--tools", "my_tools.py:count").returncode == 1
    of_a_run = banchu("tools", "try", "search_memory", '{"question": "a"}')
    assert (of_a_run.returncode, "what a run remembers; try it in a run" in of_a_run.stderr) == (2, True)
    for words, named in (
        (["try"], "needs a tool"),
        (["look"], "try"),
        (["try", "nothing"], "calculator"),
        (["try", "ask_model"], "--arms tools"),
        (["try", "other", "--tools", "my_tools.py:count"], "count"),
    ):
        refused = banchu("tools", *words)
        assert refused.returncode == 2
        assert len(refused.stderr.splitlines()) == 1
        assert named in refused.stderr


def test_a_tool_that_has_changed_is_another_run(banchu: Banchu, files: Path) -> None:
    told = ("--model", script(files), "--arms", "none+tools=actor", "--limit", "1", "--tools", "my_tools.py:count")
    dry = banchu(*RUN, *told, "--dry-run")
    assert json.loads(dry.stdout)["calls_by_role"] == {"actor": 2 * 8}  # eight turns in each of two rounds
    assert not (files / "runs").exists()
    assert banchu(*RUN, *told).returncode in (0, 1)
    (files / "my_tools.py").write_text(FILES["my_tools.py"].replace(".count(word)", ".count(word) + 1"))
    refused = banchu("resume", "last")
    assert refused.returncode == 2
    assert "it would mix two experiments: tools.box: " in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1
