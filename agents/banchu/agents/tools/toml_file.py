"""Tools and MCP servers in a TOML file, each with what may be said of it.

[tools.lint]                      # the name is for messages
from = "my_tools.py:lint"         # or an entry point; a file is looked for beside this one
oracle = false
stateless = true                  # it keeps nothing from one call to another
timeout_s = 10
max_characters = 4000
max_calls = 5

[mcp.time]
command = "uvx mcp-server-time"   # or a list of words; or url = "http://127.0.0.1:8000/mcp"
only = ["get_current_time"]
prefix = "time_"
env = { TZ = "UTC" }              # of a program; "$NAME" takes our own variable NAME
headers = { Authorization = "$DOCS_AUTHORIZATION" }   # of an address

[limits]                          # of all calls of an episode together
max_calls = 32
max_s = 300
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Final

from banchu.agents.tools.mcp_server import McpOptions, McpServer
from banchu.agents.tools.sources import Source, from_mcp, from_spec
from banchu.agents.tools.tool import ToolLimits
from banchu.agents.tools.toolbox import BoxLimits
from banchu.core.errors import ConfigError, unknown
from banchu.core.paths import user_path

_LIMITS: Final = tuple(field.name for field in fields(ToolLimits))
_TOOL: Final = ("from", "oracle", "stateless", *_LIMITS)
_MCP: Final = ("command", "url", "only", "prefix", "env", "cwd", "headers", "oracle", "stateless", "start_s", *_LIMITS)
_BOX: Final = tuple(field.name for field in fields(BoxLimits))


@dataclass(frozen=True, slots=True)
class ToolFile:
    """What such a file holds."""

    sources: tuple[Source, ...]
    limits: BoxLimits


def from_toml(path: Path) -> ToolFile:
    """Raises ConfigError that names the file, the key and what may stand there."""
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"tools file {path}: {error.strerror or error}") from None
    except ValueError as error:  # TOML's and UTF-8's
        raise ConfigError(f"tools file {path} is not TOML: {error}") from None
    sources: list[Source] = []
    for name, table in _tables(told, "tools", path):
        sources += _checked(f"{path}: [tools.{name}]", table, _TOOL, lambda w, t: _tools(w, t, path.parent))
    for name, table in _tables(told, "mcp", path):
        sources += _checked(f"{path}: [mcp.{name}]", table, _MCP, lambda w, t: [_server(w, t, path.parent)])
    if stray := sorted(told.keys() - {"tools", "mcp", "limits"}):
        raise unknown(f"table in {path}:", stray[0], ("tools", "mcp", "limits"))
    limits = _checked(f"{path}: [limits]", _table(told.get("limits", {}), f"{path}: limits"), _BOX, _box)
    return ToolFile(tuple(sources), limits)


def _checked(where: str, table: Mapping[str, Any], known: tuple[str, ...], read: Callable[[str, Any], Any]) -> Any:
    """What `read` makes of a table whose keys are known, with the place in the message of whatever is wrong."""
    for key in table:
        if key not in known:
            raise unknown(f"key in {where}", key, known)
    try:
        return read(where, table)
    except ConfigError as error:
        message = str(error)
        raise error if where in message else ConfigError(f"{where}: {message}") from None


def _tables(told: Mapping[str, Any], kind: str, path: Path) -> list[tuple[str, dict[str, Any]]]:
    group = _table(told.get(kind, {}), f"{path}: {kind}")
    return [(name, _table(table, f"{path}: {kind}.{name}")) for name, table in group.items()]


def _table(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ConfigError(f"{where} must be a table, not {value!r:.60}")
    return value


def _tools(where: str, table: Mapping[str, Any], folder: Path) -> list[Source]:
    spec = _text(table, "from", where)
    if not spec:
        raise ConfigError(f'{where} lacks `from`; write from = "my_tools.py:my_tool"')
    file, _, attribute = spec.rpartition(":")
    if file.endswith(".py"):
        spec = f"{folder / user_path(file)}:{attribute}"
    return [_limited(source, table, where) for source in from_spec(spec, f"{where} from =")]


def _limited(source: Source, table: Mapping[str, Any], where: str) -> Source:
    told = {key: table[key] for key in _LIMITS if key in table}
    if isinstance(source, McpServer):
        if told or "oracle" in table or "stateless" in table:
            raise ConfigError(f"{where} is an MCP server; say its limits where it is made, or in a table of [mcp]")
        return source
    # What a tool says of itself stands: it may be called an oracle here, and never the contrary.
    oracle = source.oracle or _flag(table, "oracle", where)
    stateless = _flag(table, "stateless", where) if "stateless" in table else source.stateless
    return replace(source, limits=replace(source.limits, **told), oracle=oracle, stateless=stateless)


def _server(where: str, table: Mapping[str, Any], folder: Path) -> McpServer:
    command, url = table.get("command", ""), _text(table, "url", where)
    if bool(command) == bool(url):
        raise ConfigError(f"{where} needs either `command` or `url`")
    barred = ("headers",) if command else ("env", "cwd")
    if said := [key for key in barred if key in table]:
        raise ConfigError(f"{where}: {said[0]} does not go with {'command' if command else 'url'}")
    if url and not url.startswith(("http://", "https://")):
        raise ConfigError(f"{where}: url {url!r} must begin with http:// or https://")
    options = McpOptions(
        only=tuple(_words(table, "only", where)),
        prefix=_text(table, "prefix", where),
        oracle=_flag(table, "oracle", where),
        stateless=_flag(table, "stateless", where),
        limits=ToolLimits(**{key: table[key] for key in _LIMITS if key in table}),
        env=_secrets(table, "env", where),
        cwd=str(folder / _text(table, "cwd", where)),
        headers=_secrets(table, "headers", where),
        start_s=_seconds(table, "start_s", where),
    )
    if isinstance(command, list):
        return McpServer(_words(table, "command", where), options)
    return from_mcp(_text(table, "command", where) or url, options, f"{where} command =")


def _box(where: str, table: Mapping[str, Any]) -> BoxLimits:
    return BoxLimits(**table)


def _text(table: Mapping[str, Any], key: str, where: str) -> str:
    value = table.get(key, "")
    if not isinstance(value, str):
        raise ConfigError(f"{where}: {key} must be a text, not {value!r:.60}")
    return value


def _flag(table: Mapping[str, Any], key: str, where: str) -> bool:
    value = table.get(key, False)
    if not isinstance(value, bool):
        raise ConfigError(f"{where}: {key} must be true or false, not {value!r:.60}")
    return value


def _seconds(table: Mapping[str, Any], key: str, where: str) -> float:
    value = table.get(key, 60.0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise ConfigError(f"{where}: {key} must be a number of seconds above 0, not {value!r:.60}")
    return float(value)


def _words(table: Mapping[str, Any], key: str, where: str) -> list[str]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(word, str) and word for word in value):
        raise ConfigError(f"{where}: {key} must be a list of texts, not {value!r:.60}")
    return value


def _secrets(table: Mapping[str, Any], key: str, where: str) -> dict[str, str]:
    """Texts by name, where `$NAME` stands for our own variable, so that no secret need be in the file."""
    found = {}
    for name, value in _table(table.get(key, {}), f"{where}: {key}").items():
        if not isinstance(value, str):
            raise ConfigError(f"{where}: {key}.{name} must be a text")
        if value.startswith("$") and value[1:] not in os.environ:
            raise ConfigError(f"{where}: {key}.{name} takes the variable {value[1:]}, which is not set")
        found[name] = os.environ[value[1:]] if value.startswith("$") else value
    return found
