"""Models by the name a user types."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from banchu.core.errors import ConfigError, unknown
from banchu.core.paths import user_path
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
    device: str = "auto"
    """Of a local model: `auto`, `cpu`, `cuda` or `cuda:N`."""
    dtype: str = "auto"
    """Numbers of a local model: `auto`, `float32`, `bfloat16` or `float16`."""
    quantize: str = ""
    """Weights of a local model in `int8` or `int4`; "": as they are."""
    adapter: str = ""
    """The folder of a PEFT adapter for a local model, or its name on the hub."""
    fit_check: bool = True
    """Whether to refuse a local model that does not fit into free memory, before anything is bought."""
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

    @property
    def local_words(self) -> str:
        """Options that were said and mean something to a local model only, as a user writes them; "": none."""
        said = {"device": self.device, "dtype": self.dtype, "quantize": self.quantize, "adapter": self.adapter}
        return " ".join(f"--{name} {value}" for name, value in said.items() if value not in ("", "auto"))


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
        return plugins.from_file(user_path(path), attribute, options)
    if kind not in _KINDS:
        offered = plugins.installed()
        if kind in offered:
            return plugins.from_entry_point(offered[kind], name, options)
        raise unknown("model", kind, (*_KINDS, *offered, "FILE.py:NAME"), hint="See `banchu models`.")
    if options.workers is not None and options.workers < 1:
        raise ConfigError(f"--workers {options.workers} is too small; the least is 1")
    if options.base_url and kind != "openai":
        raise ConfigError(f"--base-url goes with --model openai:NAME (or --critic, --reflector), not with {spec!r}")
    if (options.omit or options.max_rpm or options.max_tpm) and kind != "openai":
        raise ConfigError(
            f"--omit, --max-rpm and --max-tpm go with --model openai:NAME (or --critic, --reflector), not with {spec!r}"
        )
    if not is_local(spec) and (said := options.local_words):
        raise ConfigError(f"{said} goes with --model smollm2 and hf:PATH_OR_ID, not with {spec!r}")
    if (kind == "smollm2") == bool(name):
        raise ConfigError(f"--model {spec!r}: write " + ("smollm2 alone" if kind == "smollm2" else f"{kind}:NAME"))
    return _KINDS[kind](name, options)


def is_local(spec: str) -> bool:
    """Whether `spec` names a model that is loaded here through transformers."""
    return spec.partition(":")[0] in ("smollm2", "hf")


def is_api(spec: str) -> bool:
    """Whether `spec` names a model behind an OpenAI-compatible endpoint."""
    return spec.partition(":")[0] == "openai"


def is_plugin(spec: str) -> bool:
    """Whether `spec` names none of banchu's own kinds: a file or package of the user's, which may take any option."""
    return spec.partition(":")[0] not in _KINDS


def list_models() -> list[ModelInfo]:
    """Every kind of model, whether it can be used here, and what to do if not."""
    lacking = [n for n in ("torch", "transformers", "gguf", "accelerate") if importlib.util.find_spec(n) is None]
    local = f"pip install 'banchu[local]' (lacks {', '.join(lacking)})" if lacking else ""
    vllm = "" if importlib.util.find_spec("vllm") else "pip install 'banchu[vllm]'"
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
        ModelInfo("vllm:PATH_OR_ID", "a checkpoint through vLLM's engine, on a GPU", not vllm, vllm),
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
    from banchu.models.local import smollm2
    from banchu.models.local.opening import open_local

    smollm2.need()
    return open_local(f"smollm2@{smollm2.SHA256[:12]}", smollm2.checkpoint, options, "completion")


def _hf(name: str, options: ModelOptions) -> Model:
    from banchu.models.local.opening import open_hf

    return open_hf(name, options)


def _vllm(name: str, options: ModelOptions) -> Model:
    from banchu.models.vllm.opening import open_vllm

    return open_vllm(name, options)


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
    "vllm": _vllm,
    "openai": _openai,
    "scripted": _scripted,
}
