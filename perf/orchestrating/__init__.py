"""Rows of perf/orchestration.py, each a script that prints one line of JSON."""
