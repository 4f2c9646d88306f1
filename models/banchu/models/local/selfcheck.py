"""Does a model say in a batch what it says alone? Asked once, when it is loaded: architectures differ, and a mask that
a model understands otherwise would spoil every answer without a word.
"""

from __future__ import annotations

from typing import Any

import torch

from banchu.models.local.batch import Batch, Row
from banchu.models.local.sampling import Sampler
from banchu.models.local.slots import Span

_LONG, _SHORT = 12, 5


def check(model: Any, batch: Batch) -> str:
    """Why the model cannot be used with `batch`, which must be empty; "" where it can."""
    try:
        apart = _apart(model, batch)
    except Exception as error:  # noqa: BLE001  # whatever a model's own code raises
        return f"it cannot be run in a batch ({type(error).__name__}: {str(error).partition(chr(10))[0]})"
    # Rounding is a thousandth of it in float32 and up to a fifth in bfloat16, or where weights are quantised; another
    # mask changes it by its own size.
    exact = model.dtype == torch.float32 and not getattr(model, "is_quantized", False)
    allowed = 0.01 if exact else 0.5
    return "" if apart < allowed else f"in a batch it says something else than alone (by {apart:.2g} of the spread)"


def _apart(model: Any, batch: Batch) -> float:
    """The largest difference between logits in a batch of two and alone, in standard deviations of the logits."""
    size = batch.vocabulary
    prompts = [[(7 * i + 3) % size for i in range(_LONG)], [(11 * i + 5) % size for i in range(_SHORT)]]
    batch.reserve([Row(0, prompt, Sampler(0.0, 1.0, 0), 4, ()) for prompt in prompts])
    # The longer one in two parts, as behind a prefix; then one token for both, as in a step.
    batch.read(Span(0, [0], [_SHORT]), [prompts[0][:_SHORT]])
    batch.read(Span(0, [_SHORT, 0], [_LONG - _SHORT, _SHORT]), [prompts[0][_SHORT:], prompts[1]])
    stepped = batch.read(Span(0, [_LONG, _SHORT], [1, 1]), [[9 % size], [9 % size]])
    worst = 0.0
    for prompt, found in zip(prompts, stepped, strict=True):
        with torch.inference_mode():
            alone = model(input_ids=torch.tensor([[*prompt, 9 % size]], device=model.device), use_cache=False)
        expected = alone.logits[0, -1].float()
        difference = (found.float() - expected).abs().max() / expected.std()
        worst = max(worst, float(difference.nan_to_num(float("inf"))))
    return worst
