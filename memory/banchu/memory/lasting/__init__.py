"""A memory in one SQLite file."""

from banchu.memory.lasting.memory import SqliteMemory

__all__ = ["SqliteMemory"]
