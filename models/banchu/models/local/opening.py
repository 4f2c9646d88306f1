"""A local model by its name and the user's options: what is asked for becomes what is loaded, and an id."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from banchu.core.errors import ConfigError
from banchu.core.paths import user_path
from banchu.models.local import machine
from banchu.models.local.adapter import adapter_fingerprint, brings_tokenizer, check_adapter, find_pair
from banchu.models.local.checkpoint import fingerprint, need_packages, style_of
from banchu.models.local.memory_need import unquantizable
from banchu.models.local.model import LocalModel
from banchu.models.local.placement import Gpu, Loading, settle
from banchu.models.protocol import PromptStyle

if TYPE_CHECKING:
    from banchu.models.registry import ModelOptions


def open_hf(name: str, options: ModelOptions) -> LocalModel:
    """`hf:NAME`, a checkpoint or an adapter whose checkpoint is here. Raises ConfigError, ModelError."""
    name, path, adapter = find_pair(name, options.adapter)
    id = f"hf:{Path(name).name if path == user_path(name) else name}@{fingerprint(path)[:12]}"
    return open_local(id, lambda: path, replace(options, adapter=adapter), style_of(path), path)


def open_local(
    id: str, checkpoint: Callable[[], Path], options: ModelOptions, style: PromptStyle, path: Path | None = None
) -> LocalModel:
    """A checkpoint with these options; its id is `id`, and what else changes the numbers.

    Args:
        id: names the checkpoint's weights.
        style: how to ask for code, unless the options or the adapter's tokenizer say it.
        path: the checkpoint's folder, if it is there already.

    Raises:
        ConfigError: packages are missing, or an option cannot be had here.
    """
    adapter = options.adapter
    if adapter:
        need_packages("peft")
        adapter = adapter if path else check_adapter(adapter, None)
        id += f"+adapter@{adapter_fingerprint(adapter)[:12]}"
        style = style_of(Path(adapter)) if brings_tokenizer(adapter) else style
    gpus = _gpus(options.device)
    settings = replace(settle(options.device, options.dtype, options.quantize, gpus), adapter=adapter)
    if settings.on_gpu:
        need_packages("accelerate")
    if settings.quantize:
        need_packages("bitsandbytes", "accelerate", extra="local,quantized")
        if path and (why := unquantizable(path, settings)):
            raise ConfigError(f"--quantize {settings.quantize}: {why}")
    loading = Loading(settings, gpus if settings.on_gpu else (), options.fit_check)
    return LocalModel(id + settings.mark, checkpoint, options.style or style, options.workers, loading)


def _gpus(device: str) -> tuple[Gpu, ...]:
    """Those that torch sees; it is asked only where one may be used, since that takes seconds."""
    wanted = device.startswith("cuda") or (device == "auto" and machine.may_have_gpu())
    return machine.gpus() if wanted else ()
