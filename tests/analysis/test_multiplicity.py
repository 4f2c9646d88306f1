from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from banchu.analysis import holm


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
@settings(deadline=None, max_examples=30)
def test_holm_equals_statsmodels(p_values: list[float]) -> None:
    from statsmodels.stats.multitest import multipletests

    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1])


def test_a_comparison_without_data_is_not_counted() -> None:
    assert holm([]) == ()
    assert holm([None]) == (None,)
    assert holm([0.02, None, 0.04]) == (0.04, None, 0.04)
