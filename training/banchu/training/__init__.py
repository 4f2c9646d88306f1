"""Judged trajectories into data sets and checkpoints. The room stands; nothing lives in it yet."""
