"""From what a user writes to an embedder: `none`, `hashed`, `minilm`, `hf:PATH_OR_ID`, `openai:NAME`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from banchu.core.embedder import Embedder
from banchu.core.errors import ConfigError, unknown

EMBEDDERS: Final = ("none", "hashed", "minilm", "hf:PATH_OR_ID", "openai:NAME")
_NAMED: Final = frozenset({"hf", "openai"})


@dataclass(frozen=True, slots=True)
class EmbedderOptions:
    """How to reach one over an API."""

    base_url: str | None = None
    api_key_env: str = "OPENAI_API_KEY"
    timeout_s: float = 60.0
    max_retries: int = 6
    patience_s: float = 600.0


def open_embedder(spec: str, options: EmbedderOptions | None = None) -> Embedder | None:
    """The embedder that `spec` names; None for `none`: a memory then searches by words alone.

    Raises:
        ConfigError: unknown name, missing package, key or address.
        ModelError: no such checkpoint.
    """
    options = options or EmbedderOptions()
    kind, colon, name = spec.partition(":")
    if kind not in {"none", "hashed", "minilm", *_NAMED}:
        raise unknown("embedder", spec, EMBEDDERS)
    if (kind in _NAMED) != bool(name) or (colon and kind not in _NAMED):
        raise ConfigError(f"embedder {spec!r}: write " + (f"{kind}:NAME" if kind in _NAMED else f"{kind} alone"))
    if options.base_url and kind != "openai":
        raise ConfigError(f"an embedder's base URL goes with openai:NAME, not with {spec!r}")
    match kind:
        case "none":
            return None
        case "hashed":
            from banchu.models.embedding.hashed import HashedEmbedder

            return HashedEmbedder()
        case "openai":
            from banchu.models.embedding.endpoint import OpenAIEmbedder

            return OpenAIEmbedder(
                name,
                base_url=options.base_url,
                api_key_env=options.api_key_env,
                timeout_s=options.timeout_s,
                max_retries=options.max_retries,
                patience_s=options.patience_s,
            )
    from banchu.models.embedding.encoder import SentenceEncoder
    from banchu.models.embedding.minilm import find_minilm
    from banchu.models.local.checkpoint import find_checkpoint

    return SentenceEncoder(find_minilm() if kind == "minilm" else find_checkpoint(name), spec)
