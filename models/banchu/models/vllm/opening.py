"""`--model vllm:ID+KEY=VALUE…`: a checkpoint, and what its engine is told beside it."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from banchu.core.errors import ConfigError
from banchu.core.paths import user_path
from banchu.models.local.checkpoint import find_checkpoint, fingerprint, style_of
from banchu.models.vllm.model import VllmModel

if TYPE_CHECKING:
    from banchu.models.registry import ModelOptions

_ONLY_HOW_FAST: Final = frozenset(
    {
        *("gpu_memory_utilization", "kv_cache_memory_bytes", "max_num_seqs", "max_num_batched_tokens"),
        *("tensor_parallel_size", "pipeline_parallel_size", "data_parallel_size", "enforce_eager"),
    }
)
"""What says how a machine is used. Answers do not depend on it but by floating point, so it is no part of the id."""
_OURS: Final = ("model", "seed", "disable_log_stats", "enable_log_requests")


def open_vllm(text: str, options: ModelOptions) -> VllmModel:
    """The model that `vllm:TEXT` names. Imports neither vLLM nor torch, and loads nothing yet.

    Raises:
        ConfigError: vLLM is not installed, or the name cannot be read.
        ModelError: no such checkpoint.
    """
    name, settings = read_name(text)
    if (workers := options.workers) is not None:
        raise ConfigError(f"--workers {workers} is not for vllm:; several GPUs: vllm:{name}+tensor_parallel_size=N")
    if importlib.util.find_spec("vllm") is None:
        raise ConfigError(f"--model vllm:{name} needs vLLM; pip install 'banchu[vllm]'")
    path = find_checkpoint(name, "vllm")
    shown = Path(name).name if path == user_path(name) else name
    id = f"vllm:{shown}{spelled(settings)}@{fingerprint(path)[:12]}"
    return VllmModel(id, lambda: path, options.style or style_of(path), settings)


def read_name(text: str) -> tuple[str, dict[str, Any]]:
    """The checkpoint of `ID+KEY=VALUE…` and the engine's settings; a value is JSON, or else a text.

    Raises:
        ConfigError: no checkpoint, a setting said twice, or one that is banchu's to say.
    """
    name, *settings = re.split(r"\+(?=[a-z_]+=)", text)
    found: dict[str, Any] = {}
    for setting in settings:
        key, _, value = setting.partition("=")
        if key in _OURS:
            raise ConfigError(f"--model vllm:{text}: {key} is not yours to set; leave it out")
        if key in found:
            raise ConfigError(f"--model vllm:{text}: {key} stands there twice; leave one out")
        found[key] = _value(value)
    if not name:
        raise ConfigError(f"--model vllm:{text} names no checkpoint; write vllm:PATH_OR_ID{text}")
    return name, found


def spelled(settings: dict[str, Any]) -> str:
    """Those settings that may change an answer, in one order, as they would stand behind a name."""
    told = {key: value for key, value in settings.items() if key not in _ONLY_HOW_FAST}
    return "".join(
        f"+{key}={value if isinstance(value, str) else json.dumps(value)}" for key, value in sorted(told.items())
    )


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return {"True": True, "False": False, "None": None}.get(text, text)
