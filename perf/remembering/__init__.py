"""What perf/memory.py measures with: made-up reflections, and ways to find them again."""
