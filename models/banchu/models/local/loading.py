"""Weights into memory, in the worker: device, numbers, quantisation and adapter as `placement` has decided."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from banchu.core.errors import ModelError
from banchu.models.local.adapter import WEIGHTS, brings_tokenizer
from banchu.models.local.placement import PREFIX_PART, Settings
from banchu.models.local.weights import header


def load(path: str, settings: Settings) -> tuple[Any, Any]:
    """Tokenizer and model of the checkpoint in `path`, ready to be asked.

    Raises:
        ModelError: fatal; the adapter is none for this model.
        Whatever transformers, peft and bitsandbytes raise of files that are not what they seem.
    """
    import torch
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    if not settings.on_gpu:
        # One thread a process, as many processes as cores: threads that spin on a busy machine lose most of it.
        torch.set_num_threads(1)
    folder = settings.adapter if brings_tokenizer(settings.adapter) else path
    tokenizer: Any = transformers.AutoTokenizer.from_pretrained(folder)
    options = {"dtype": getattr(torch, settings.dtype), **_placed(settings), **_quantized(settings)}
    model: Any = transformers.AutoModelForCausalLM.from_pretrained(path, **options)
    if settings.adapter:
        model = _adapted(model, settings)
    return tokenizer, model.eval()


def _placed(settings: Settings) -> dict[str, Any]:
    """Straight to where the weights belong, so that a model for a GPU is never in main memory as a whole."""
    if settings.device == "spread":
        import torch

        count = torch.cuda.device_count()
        cache = int((1 + PREFIX_PART) * settings.cache_bytes / count)
        # No entry for the CPU: what does not fit is an error, and not a run that is a hundred times slower.
        free = {i: torch.cuda.mem_get_info(i)[0] - cache - 2**30 for i in range(count)}
        return {"device_map": "auto", "max_memory": free}
    return {"device_map": {"": settings.device}} if settings.on_gpu or settings.quantize else {}


def _quantized(settings: Settings) -> dict[str, Any]:
    """bitsandbytes' own ways: LLM.int8() (Dettmers et al. 2022) and NF4 (Dettmers et al. 2023)."""
    if not settings.quantize:
        return {}
    import torch
    from transformers import BitsAndBytesConfig

    if settings.quantize == "int8":
        return {"quantization_config": BitsAndBytesConfig(load_in_8bit=True)}
    numbers = getattr(torch, settings.dtype)
    return {
        "quantization_config": BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=numbers
        )
    }


def _adapted(model: Any, settings: Settings) -> Any:
    """The model with its adapter: merged into dense weights, which costs nothing later, and beside quantised ones,
    which merging would round once more.
    """
    from peft import PeftModel, get_peft_model_state_dict

    device = "cpu" if settings.device == "cpu" else str(model.device)
    try:
        adapted: Any = PeftModel.from_pretrained(model, settings.adapter, torch_device=device)
    except (ValueError, RuntimeError, KeyError) as error:
        raise ModelError(
            f"--adapter {settings.adapter} does not fit this checkpoint: {' '.join(str(error).split())[:300]}",
            fatal=True,
        ) from None
    _check_names(set(get_peft_model_state_dict(adapted)), settings.adapter)
    if settings.quantize:
        return adapted.get_base_model()
    if not hasattr(adapted.base_model, "merge_and_unload"):
        raise ModelError(f"--adapter {settings.adapter}: {adapted.peft_type} cannot be merged into weights", fatal=True)
    return adapted.merge_and_unload()


def _check_names(placed: set[str], adapter: str) -> None:
    """peft passes over tensors that have no place in the model, and leaves at its start what the file does not hold."""
    given = set(header(Path(adapter) / WEIGHTS))
    # LoRA's own: other kinds name some of theirs otherwise in memory than in the file.
    lost = sorted(n for n in given ^ placed if n.endswith((".lora_A.weight", ".lora_B.weight")))
    if lost:
        raise ModelError(
            f"--adapter {adapter} does not fit this checkpoint: {len(lost)} tensors of the two have no match, such as "
            f"{lost[0]!r}",
            fatal=True,
        )
