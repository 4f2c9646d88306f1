"""What agents wrote to themselves earlier: in the same episode, and across tasks behind a wall."""

from banchu.memory.entry import OUTCOMES, SCOPES, Entry, Outcome, Pool, Scope
from banchu.memory.episodic import EpisodicMemory
from banchu.memory.protocol import EpisodeMemory, Memory
from banchu.memory.query import Query, Selection
from banchu.memory.recall import Hit, Recall, WallBroken

__all__ = [
    "OUTCOMES",
    "SCOPES",
    "Entry",
    "EpisodeMemory",
    "EpisodicMemory",
    "Hit",
    "Memory",
    "Outcome",
    "Pool",
    "Query",
    "Recall",
    "Scope",
    "Selection",
    "WallBroken",
]
