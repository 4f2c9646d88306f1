"""Models by the name a user types."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from banchu.core.errors import ConfigError, unknown
from banchu.models import plugins
from banchu.models.protocol import Model, PromptStyle


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """What may be said of a model beside its name."""

    base_url: str | None = None
    """An OpenAI-compatible endpoint; None: $OPENAI_BASE_URL, or OpenAI's own."""
    api_key_env: str = "OPENAI_API_KEY"
    """The environment variable that holds the key."""
    style: PromptStyle | None = None
    """How to ask for code; None: what suits the model."""
    workers: int | None = None
    """Processes of a local model."""
    timeout_s: float = 600.0
    """For one call over an API."""
    max_retries: int = 6
    """Of a call that may succeed later."""
    patience_s: float = 1800.0
    """How long such a call is tried again over an API, refusals for its rate included."""
    max_connections: int = 256
    """Requests in flight to an API at most."""
    max_rpm: int | None = None
    """Requests to an API in any minute at most; None: as the server bears."""
    max_tpm: int | None = None
    """Tokens of an API in any minute at most; None: as the server bears."""
    omit: str = ""
    """Fields that a model behind an API does not take, comma-separated, such as `temperature,top_p,max_tokens`."""


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """One kind of model, for `banchu models`."""

    spec: str
    description: str
    usable: bool
    remedy: str = ""


def open_model(spec: str, options: ModelOptions | None = None) -> Model:
    """The model that `spec` names. Loads nothing heavy: weights come with the first call.

    Raises:
        ConfigError: unknown name, missing package, key or file.
        ModelError: no such checkpoint.
    """
    options = options or ModelOptions()
    kind, _, name = spec.partition(":")
    path, _, attribute = spec.rpartition(":")
    if path.endswith(".py"):
        return plugins.from_file(Path(path).expanduser(), attribute, options)
    if kind not in _KINDS:
        offered = plugins.installed()
        if kind in offered:
            return plugins.from_entry_point(offered[kind], name, options)
        raise unknown("model", kind, (*_KINDS, *offered, "FILE.py:NAME"), hint="See `banchu models`.")
    if options.workers is not None and options.workers < 1:
        raise ConfigError(f"--workers {options.workers} is too small; the least is 1")
    if options.base_url and kind != "openai":
        raise ConfigError(f"--base-url goes with --model openai:NAME, not with {spec!r}")
    if (options.omit or options.max_rpm or options.max_tpm) and kind != "openai":
        raise ConfigError(f"--omit, --max-rpm and --max-tpm go with --model openai:NAME, not with {spec!r}")
    if (kind == "smollm2") == bool(name):
        raise ConfigError(f"--model {spec!r}: write " + ("smollm2 alone" if kind == "smollm2" else f"{kind}:NAME"))
    return _KINDS[kind](name, options)


def list_models() -> list[ModelInfo]:
    """Every kind of model, whether it can be used here, and what to do if not."""
    lacking = [n for n in ("torch", "transformers", "gguf", "accelerate") if importlib.util.find_spec(n) is None]
    local = f"pip install 'banchu[local]' (lacks {', '.join(lacking)})" if lacking else ""
    from banchu.models.local import smollm2

    try:
        smollm2.find_weights()
        weights = ""
    except ConfigError:
        weights = smollm2.INSTALL
    key = bool(os.environ.get("OPENAI_API_KEY"))
    return [
        ModelInfo(
            "smollm2",
            "SmolLM2-135M-Instruct on this machine (Apache-2.0)",
            not (local or weights),
            "; ".join(part for part in (local, weights) if part),
        ),
        ModelInfo("hf:PATH_OR_ID", "a checkpoint through transformers", not lacking, local),
        ModelInfo(
            "openai:NAME",
            "any OpenAI-compatible endpoint (--base-url)",
            key,
            "" if key else "export OPENAI_API_KEY=...; a server on this machine needs none",
        ),
        ModelInfo("FILE.py:NAME", "a model of your own, or a chat model of LangChain", True),
        *(
            ModelInfo(name, f"from an installed package ({entry.value})", True)
            for name, entry in plugins.installed().items()
        ),
        ModelInfo("scripted:FILE.jsonl", "a fake for tests: answers from a file", True),
    ]


def _smollm2(name: str, options: ModelOptions) -> Model:
    from banchu.models.local import LocalModel, smollm2
    from banchu.models.local.checkpoint import need_packages

    need_packages("torch", "transformers", "gguf", "accelerate")
    smollm2.find_weights()
    return LocalModel(
        f"smollm2@{smollm2.SHA256[:12]}", smollm2.checkpoint, options.style or "completion", options.workers
    )


def _hf(name: str, options: ModelOptions) -> Model:
    from banchu.models.local import LocalModel
    from banchu.models.local.checkpoint import find_checkpoint, fingerprint, style_of

    path = find_checkpoint(name)
    id = f"hf:{Path(name).name if path == Path(name).expanduser() else name}@{fingerprint(path)[:12]}"
    return LocalModel(id, lambda: path, options.style or style_of(path), options.workers)


def _openai(name: str, options: ModelOptions) -> Model:
    from banchu.models.openai_api import OpenAIModel

    return OpenAIModel(
        name,
        base_url=options.base_url,
        api_key_env=options.api_key_env,
        prompt_style=options.style or "chat",
        timeout_s=options.timeout_s,
        max_retries=options.max_retries,
        patience_s=options.patience_s,
        max_connections=options.max_connections,
        max_rpm=options.max_rpm,
        max_tpm=options.max_tpm,
        omit=[field.strip() for field in options.omit.split(",") if field.strip()],
    )


def _scripted(name: str, options: ModelOptions) -> Model:
    from banchu.models.scripted import ScriptFile

    return ScriptFile(Path(name), options.style or "chat")


_KINDS: dict[str, Callable[[str, ModelOptions], Model]] = {
    "smollm2": _smollm2,
    "hf": _hf,
    "openai": _openai,
    "scripted": _scripted,
}
