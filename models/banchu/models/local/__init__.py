"""Checkpoints on this machine, through transformers, in worker processes."""

from banchu.models.local.model import LocalModel

__all__ = ["LocalModel"]
