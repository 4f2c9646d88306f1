"""Episodic memory: what an agent wrote to itself earlier in the same episode."""

from banchu.memory.episodic import EpisodicMemory
from banchu.memory.protocol import Memory

__all__ = ["EpisodicMemory", "Memory"]
