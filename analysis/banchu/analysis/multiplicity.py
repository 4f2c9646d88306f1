"""Several comparisons at once: Holm's correction of their p-values."""

from __future__ import annotations

from collections.abc import Sequence


def holm(p_values: Sequence[float | None]) -> tuple[float | None, ...]:
    """Corrected p-values in the given order. A comparison without data (None) stays None and is not counted.

    Source: Holm 1979, "A simple sequentially rejective multiple test procedure".
    """
    ranked = sorted((p, index) for index, p in enumerate(p_values) if p is not None)
    corrected: list[float | None] = [None] * len(p_values)
    least = 0.0
    for rank, (p, index) in enumerate(ranked):
        least = max(least, min(1.0, (len(ranked) - rank) * p))
        corrected[index] = least
    return tuple(corrected)
