"""Where a report's numbers come from: the configuration as the ledger holds it, and the command that started it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from banchu.analysis.report.markdown import as_table
from banchu.experiments.config import RunConfig
from banchu.experiments.ledger import Ledger

_MODEL_OPTIONS = ("base_url", "style", "workers")
"""Of what was said of the model, the part that has an option of `banchu run`."""


def settings(ledger: Ledger, config: RunConfig) -> str:
    """Every value that may change a number, and what wrote this."""
    stored = config.to_json()
    tasks = stored.pop("tasks")
    rows = [("tasks", f"{len(tasks)}: {_ends(tasks)}"), *((key, _value(value)) for key, value in stored.items())]
    if source := ledger.meta("benchmark_source"):
        rows.append(("benchmark read from", str(source)))
    bought = ledger.purchased()
    rows += [
        ("configuration", f"sha256 {config.digest}"),
        ("bought", f"{bought.prompt_tokens} prompt and {bought.completion_tokens} completion tokens, each call once"),
        ("made with", _versions(ledger.meta("versions") or [])),
        ("report by", f"banchu {version('banchu')}"),
    ]
    return as_table(("what", "value"), rows)


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
        elif key == "model_options":
            words += [word for k in _MODEL_OPTIONS if value.get(k) is not None for word in _option(k, value[k])]
        elif key != "benchmark" and isinstance(value, str | int | float):
            words += _option(key, value)
    return shlex.join([*words, "--no-controls"])  # the arms that were run are all written out


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
