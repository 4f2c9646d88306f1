"""Checkpoints on this machine's GPUs, through vLLM, which runs in a process of its own."""

from banchu.models.vllm.model import VllmModel

__all__ = ["VllmModel"]
