"""Where a report's numbers come from: the configuration as the ledger holds it, and the command that started it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from banchu.analysis.report.markdown import as_table
from banchu.analysis.tool_use import tools_line
from banchu.experiments.budget import SpentBudget
from banchu.experiments.config import RunConfig
from banchu.experiments.ledger import Ledger

_MODEL_OPTIONS = ("base_url", "style", "workers")
"""Of what was said of the model, the part that has an option of `banchu run`."""


def settings(ledger: Ledger, config: RunConfig) -> str:
    """Every value that may change a number, and what wrote this."""
    stored = config.to_json()
    tasks = stored.pop("tasks")
    if tools := stored.get("tools"):
        stored["tools"] = f"{tools_line(tools)}; sha256 {tools['box']}"
    rows = [("tasks", f"{len(tasks)}: {_ends(tasks)}"), *((key, _value(value)) for key, value in stored.items())]
    if source := ledger.meta("benchmark_source"):
        rows.append(("benchmark read from", str(source)))
    bought = ledger.purchased()
    thought = f" ({bought.reasoning_tokens} of reasoning)" if bought.reasoning_tokens else ""
    rows += [
        ("configuration", f"sha256 {config.digest}"),
        (
            "bought",
            f"{bought.prompt_tokens} prompt and {bought.completion_tokens} completion tokens{thought}, each call once",
        ),
        ("made with", _versions(ledger.meta("versions") or [])),
        ("report by", f"banchu {version('banchu')}"),
    ]
    return as_table(("what", "value"), rows)


def spent_note(ledger: Ledger) -> str:
    """The budget of the run that ended its last command, and how to go on; empty: none did."""
    stored = ledger.meta("spent")
    if not stored:
        return ""
    spent = SpentBudget(**stored)
    return f"{spent}; `banchu resume {ledger.path.resolve().parent.name}` with {spent.larger} goes on"


def _versions(made_with: list[dict[str, str]]) -> str:
    """Of each start with others than the one before."""
    each = [", ".join(f"{name} {number}" for name, number in one.items()) for one in made_with]
    return "; then ".join(each) or "not recorded"


def command(ledger: Ledger) -> str:
    """The `banchu run` that this run was started with, every default written out; empty where code started it."""
    said: Mapping[str, Any] = ledger.meta("invocation") or {}
    if not said:
        return ""
    words = ["banchu", "run", str(said["benchmark"])]
    for key, value in said.items():
        if key == "tasks":
            words += [word for task in value for word in ("--task", str(task))]
        elif key == "episode_time" and value is not None:
            words += ["--episode-time", f"{value}s"]
        elif key == "tools" and isinstance(value, dict):
            words += _tool_words(value)
        elif key == "model_options":
            words += [word for k in _MODEL_OPTIONS if value.get(k) is not None for word in _option(k, value[k])]
        elif key != "benchmark" and isinstance(value, str | int | float):
            words += _option(key, value)
    return shlex.join([*words, "--no-controls"])  # the arms that were run are all written out


def _tool_words(said: Mapping[str, Any]) -> list[str]:
    """As `banchu run` takes them; what is as it usually is is left out."""
    several = [word for key in ("tools", "mcp") for value in said[key] for word in (f"--{key}", str(value))]
    usual = {"tools-file": said["file"], "max-tool-calls": said["max_calls"]}
    usual["tool-calls"] = None if said["calls"] == "auto" else said["calls"]
    return [*several, *(word for key, v in usual.items() if v is not None for word in (f"--{key}", str(v)))]


def _option(key: str, value: Any) -> list[str]:
    flag = f"--{key.replace('_', '-')}"
    if isinstance(value, bool):
        return [flag] if value else []
    return [flag, str(value)] if value != "" else []


def _ends(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= 6 else f"{', '.join(names[:3])}, …, {', '.join(names[-2:])}"


def _value(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    return json.dumps(value)
