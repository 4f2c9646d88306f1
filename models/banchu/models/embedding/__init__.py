"""Embedders: texts into vectors. Nothing heavy is imported before one is asked."""

from banchu.models.embedding.registry import EMBEDDERS, EmbedderOptions, open_embedder

__all__ = ["EMBEDDERS", "EmbedderOptions", "open_embedder"]
