"""Rows of perf/models.py: one checkpoint, the same requests, each row a process of its own."""
