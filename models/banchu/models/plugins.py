"""Models of the user's own: `--model FILE.py:NAME`, and what installed packages offer as entry points.

An object is a model if it has what `banchu.models.Model` asks for. A function or class is called for one, with the rest
of the name and the options where it takes two arguments, with nothing where it takes none. A chat model of LangChain is
wrapped. Code in such a file runs with the user's own rights: it is theirs.
"""

from __future__ import annotations

import inspect
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from banchu.core import loading
from banchu.core.errors import ConfigError
from banchu.core.loading import said
from banchu.models.protocol import Model

if TYPE_CHECKING:
    from banchu.models.registry import ModelOptions

GROUP: Final = "banchu.models"
"""Of entry points: a name for `--model NAME` or `--model NAME:REST`, and what it gives."""
_NEEDED: Final = ("id", "prompt_style", "complete", "aclose")
_STYLES: Final = ("chat", "completion")


def installed() -> dict[str, EntryPoint]:
    """What packages offer, by name."""
    return loading.installed(GROUP)


def from_entry_point(entry: EntryPoint, name: str, options: ModelOptions) -> Model:
    """The model that a package offers. Raises ConfigError."""
    return _model(loading.from_entry_point(entry), name, options, loading.offered_by(entry))


def from_file(path: Path, attribute: str, options: ModelOptions) -> Model:
    """The model that a file of the user's defines. Raises ConfigError."""
    where = f"--model {path}:{attribute}"
    return _model(loading.from_file(path, attribute, where), "", options, where)


def _model(found: Any, name: str, options: ModelOptions, where: str) -> Model:
    from banchu.models.langchain import LangChainModel, is_chat_model

    ready = is_chat_model(found) or not (inspect.isclass(found) or _lacks(found))
    if callable(found) and not ready:
        try:
            found = found(name, options) if len(inspect.signature(found).parameters) >= 2 else found()
        except ConfigError:
            raise
        except Exception as error:  # noqa: BLE001  # as above
            raise ConfigError(f"{where} cannot be made: {said(error)}") from None
    if is_chat_model(found):
        return LangChainModel(found, options.style or "chat")
    if lacks := _lacks(found):
        raise ConfigError(f"{where} is no model, it has no {', '.join(lacks)}; see banchu.models.Model")
    if found.prompt_style not in _STYLES:
        raise ConfigError(f"{where}: prompt_style {found.prompt_style!r} is unknown; it must be chat or completion")
    model: Model = found
    return model


def _lacks(found: Any) -> list[str]:
    return [name for name in _NEEDED if not hasattr(found, name)]
