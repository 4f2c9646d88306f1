"""What README.md and docs/judging.md show is run: commands, the library example, the graph, the list of rooms."""

from __future__ import annotations

import json
import os
import re
import runpy
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.warm import WarmBanchu

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```sh\n(.*?)```", README + (ROOT / "docs" / "judging.md").read_text(), re.DOTALL)
COMMANDS = [shlex.split(line, comments=True) for block in BLOCKS for line in block.splitlines() if line.strip()]
BANCHU = [command[1:] for command in COMMANDS if command[0] == "banchu"]


def test_the_readme_shows_nothing_but_banchu_and_its_key() -> None:
    assert [command for command in COMMANDS if command[0] not in ("banchu", "export")] == []
    assert len(BANCHU) >= 12


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A folder to run in, and the address of a real server with a scripted model (a fake) behind it."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "script.jsonl").write_text(json.dumps({"reply": "```python\ndef f():\n    return 1\n```"}) + "\n")
    body = "    return number % 1.0\n"
    for name, field, text in (("samples", "completion", body), ("replies", "reply", f"```python\n{body}```")):
        (folder / f"{name}.jsonl").write_text(json.dumps({"task_id": "HumanEval/2", field: text}) + "\n")
    (folder / "log.jsonl").write_text(json.dumps({"task_id": "HumanEval/2", "attempts": ["return 0", body]}) + "\n")
    (folder / "prices.toml").write_text("".join(re.findall(r"```toml\n(.*?)```", README, re.DOTALL)))
    serve = [sys.executable, str(ROOT / "tests/models/serve.py"), "--model", f"scripted:{folder / 'script.jsonl'}"]
    server = subprocess.Popen([*serve, "--port", "0"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert server.stdout
    yield folder, f"http://127.0.0.1:{server.stdout.readline().split()[-1]}/v1"
    server.communicate("")


@pytest.mark.parametrize("command", [each for each in BANCHU if each != ["demo"]], ids=" ".join)  # see test_demo.py
@pytest.mark.slow
def test_a_command_of_the_readme_works(command: list[str], place: tuple[Path, str], warm_banchu: WarmBanchu) -> None:
    """As written, but on 4 tasks or 2, with the fake in the place of weights and servers that a test has not."""
    done = warm_banchu.run(*as_told(command, place))
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


@pytest.mark.slow
@pytest.mark.parametrize("command", BANCHU, ids=" ".join)
def test_a_command_of_the_readme_works_in_a_new_interpreter(command: list[str], place: tuple[Path, str]) -> None:
    told, folder, env = as_told(command, place)
    run = [sys.executable, "-m", "banchu.cli.main", *told]
    done = subprocess.run(run, cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def as_told(command: list[str], place: tuple[Path, str]) -> tuple[list[str], Path, dict[str, str]]:
    """Arguments, folder and environment."""
    folder, url = place
    local = f"scripted:{folder / 'script.jsonl'}"
    told = [re.sub(r"^http://127.0.0.1:8000/v1$", url, re.sub(r"^(smollm2|hf:.*)$", local, word)) for word in command]
    if command[0] == "run":
        told += ["--limit", "2" if any(word.startswith("openai:") for word in told) else "4"]
    return told, folder, {**os.environ, "OPENAI_API_KEY": "a-key", "OPENAI_BASE_URL": url}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_library_example_and_a_checkpoint_from_disk_work(tmp_path: Path) -> None:
    from banchu.models.local import smollm2

    found = re.search(r"<!-- library -->\n```python\n(.*?)```", README, re.DOTALL)
    assert found
    done = subprocess.run([sys.executable, "-c", found[1]], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "correct_incorrect" in done.stdout
    (tmp_path / "my-checkpoint").symlink_to(smollm2.checkpoint())
    (command,) = [command for command in BANCHU if "hf:./my-checkpoint" in command]
    run = [sys.executable, "-m", "banchu.cli.main", *command, "--limit", "1", "--max-tokens", "64"]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_picture_is_the_graph() -> None:
    from banchu.graphs.studio import reflexion

    found = re.search(r"<!-- graph -->\n```mermaid\n(.*?)```", README, re.DOTALL)
    assert found
    assert found[1].strip() == reflexion().get_graph().draw_mermaid().strip()


def test_langgraph_json_names_graphs_that_are_there() -> None:
    places = [place.split(":") for place in json.loads((ROOT / "langgraph.json").read_text())["graphs"].values()]
    made = [type(runpy.run_path(str(ROOT / path))[name]()).__name__ for path, name in places]
    assert made == ["CompiledStateGraph"] * len(places)
    assert places


def test_every_room_is_in_the_readme() -> None:
    rooms = {path.parent.name for path in ROOT.glob("*/banchu") if path.is_dir()}
    assert set(re.findall(r"\| \[(\w+)\]\(\1/README.md\)", README)) == rooms


def test_the_links_lead_somewhere() -> None:
    documents = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("*/README.md")]
    links = [(path, link) for path in documents for link in re.findall(r"\]\((?!https?:)([^)#]+)\)", path.read_text())]
    assert [(path.name, link) for path, link in links if not (path.parent / link).exists()] == []
    assert len(links) >= 40
