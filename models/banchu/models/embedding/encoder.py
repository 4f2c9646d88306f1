"""A sentence encoder through transformers: mean of the last hidden states, made one long.

Source: Reimers & Gurevych 2019, Sentence-BERT (EMNLP), section 3: mean pooling over the tokens that are not padding.
A checkpoint that says in `1_Pooling/config.json` that it pools otherwise is refused, since its vectors would mean
nothing.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from banchu.core.errors import ModelError
from banchu.models.local.checkpoint import fingerprint

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_BATCH: Final = 32
_LONGEST: Final = 512
_POOLING: Final = Path("1_Pooling/config.json")


class SentenceEncoder:
    """One checkpoint on the CPU, loaded with the first text, in this process and off the event loop.

    A text that is longer than the encoder reads is cut at its end. Vectors are float32 and depend on the company of a
    text by rounding alone (below 1e-5).

    Args:
        path: a folder with config.json, tokenizer and weights.
        name: what the user wrote, for messages and for the id.

    Raises:
        ModelError: the checkpoint pools in another way.
    """

    def __init__(self, path: Path, name: str) -> None:
        self._path = path
        self._name = name
        self._id = f"{name}@{fingerprint(path)[:12]}"
        self._check_pooling()
        self._lock = threading.Lock()
        self._loaded: tuple[Any, Any, int] | None = None

    @property
    def id(self) -> str:
        return self._id

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return await asyncio.to_thread(self._embed, list(texts))

    async def aclose(self) -> None:
        self._loaded = None

    def _embed(self, texts: list[str]) -> NDArray[np.float32]:
        import numpy as np
        import torch

        with self._lock, torch.inference_mode():
            tokenizer, model, longest = self._loaded = self._loaded or self._load()
            found = np.zeros((len(texts), model.config.hidden_size), dtype=np.float32)
            # By length, so that little is padding.
            order = sorted(range(len(texts)), key=lambda at: len(texts[at]))
            for start in range(0, len(order), _BATCH):
                rows = order[start : start + _BATCH]
                batch = tokenizer(
                    [_sendable(texts[row]) for row in rows],
                    padding=True,
                    truncation=True,
                    max_length=longest,
                    return_tensors="pt",
                )
                hidden = model(**batch).last_hidden_state
                mask = batch["attention_mask"].unsqueeze(-1).to(hidden.dtype)
                mean = (hidden * mask).sum(1) / mask.sum(1).clamp(min=1)
                found[rows] = torch.nn.functional.normalize(mean, dim=1).float().numpy()
        return found

    def _load(self) -> tuple[Any, Any, int]:
        import transformers
        from transformers import AutoModel, AutoTokenizer

        transformers.logging.set_verbosity_error()
        transformers.logging.disable_progress_bar()
        try:
            tokenizer = AutoTokenizer.from_pretrained(self._path, local_files_only=True)
            model = AutoModel.from_pretrained(self._path, local_files_only=True, dtype="float32").eval()
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            reason = str(error).strip().partition("\n")[0]
            raise ModelError(
                f"embedder {self._name}: cannot be loaded ({reason}); name another one", fatal=True
            ) from None
        said = _read(self._path / "sentence_bert_config.json").get("max_seq_length")
        most = getattr(model.config, "max_position_embeddings", _LONGEST)
        return tokenizer, model, min(int(said or most), most)

    def _check_pooling(self) -> None:
        pooling = _read(self._path / _POOLING)
        if pooling and not pooling.get("pooling_mode_mean_tokens", False):
            how = ", ".join(name for name, on in pooling.items() if on is True) or str(pooling.get("pooling_mode"))
            raise ModelError(
                f"embedder {self._name}: pools by {how}, and only the mean is known here; name another one", fatal=True
            )


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _sendable(text: str) -> str:
    """Half a surrogate pair, which a model may say and no tokenizer takes, as a question mark."""
    return text.encode("utf-8", "replace").decode()
