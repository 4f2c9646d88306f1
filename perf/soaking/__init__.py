"""What `perf/soak.py` is made of: what it judges, and what it looks at meanwhile."""
