"""What `perf/judge.py` is made of: rows of its table, how their CPU is counted, and how they are printed."""
