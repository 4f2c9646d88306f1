"""Recorded answers: one file that is a cassette to replay and a cache to share."""

from banchu.models.recorded.recording import Recording, cache_file

__all__ = ["Recording", "cache_file"]
