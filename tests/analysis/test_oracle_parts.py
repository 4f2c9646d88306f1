from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from banchu.analysis import ArmData, Interval
from banchu.analysis.oracle_parts import OracleParts, oracle_parts, sentences
from banchu.core import EpisodeRecord
from banchu.core.arm import parse_arms

Make = Callable[..., EpisodeRecord]
NAMES = "none,oracle_stop,oracle_trace+stop=rounds,oracle_trace"


def apart(make: Make, rows: dict[str, list[str]], names: str = NAMES, rounds: int = 1) -> tuple[OracleParts, ...]:
    """rows: by task, the marks in each arm; '' was not run."""
    arms = parse_arms(names)
    data = []
    for index, arm in enumerate(arms):
        records = [make(task, arm.name, marks[index]) for task, marks in rows.items() if marks[index]]
        data.append(ArmData(arm, records, rounds, tuple(rows)))
    return oracle_parts(data)


@given(rows=st.lists(st.lists(st.sampled_from(["x", ".", "?", ""]), min_size=4, max_size=4), max_size=8))
@settings(deadline=None)
def test_the_gains_are_the_coefficients_of_the_saturated_model(episode: Make, rows: list[list[str]]) -> None:
    (found,) = apart(episode, {f"t{i}": row for i, row in enumerate(rows)})
    whole = [row for row in rows if set(row) <= {"x", "."}]
    assert (found.units, found.tasks) == (len(whole), len(whole))
    assert [cell.solved for cell in found.cells] == [sum(row[i] == "x" for row in whole) for i in range(4)]
    assert found.stop_gain is not None
    if not whole:
        assert found.stop_gain.value is None
        return
    design = [[1, stops, shows, stops * shows] for _ in whole for stops, shows in ((0, 0), (1, 0), (0, 1), (1, 1))]
    fit = sm.OLS([float(mark == "x") for row in whole for mark in row], design).fit()
    assert found.information_gain is not None
    assert found.interaction is not None
    assert found.stop_gain_with_content is not None
    assert found.information_gain_with_stop is not None
    values = [found.stop_gain.value, found.information_gain.value, found.interaction.value]
    assert values == pytest.approx(fit.params[1:], abs=1e-9)
    assert found.stop_gain_with_content.value == pytest.approx(fit.params[1] + fit.params[3], abs=1e-9)
    assert found.information_gain_with_stop.value == pytest.approx(fit.params[2] + fit.params[3], abs=1e-9)


def test_the_intervals_resample_tasks(episode: Make) -> None:
    rng = np.random.default_rng(3)
    rows = {f"t{i}": ["x" if rng.random() < p else "." for p in (0.3, 0.5, 0.4, 0.7)] for i in range(60)}
    (found,) = apart(episode, rows)
    right = np.array([[mark == "x" for mark in row] for row in rows.values()], dtype=float)
    interaction = right[:, 0] - right[:, 1] - right[:, 2] + right[:, 3]
    means = [rng.choice(interaction, 60).mean() for _ in range(4000)]
    assert found.interaction is not None
    assert found.interaction.interval is not None
    bounds = (found.interaction.interval.low, found.interaction.interval.high)
    assert bounds == pytest.approx(np.quantile(means, [0.025, 0.975]), abs=0.06)


def test_the_four_arms_are_in_their_places(episode: Make) -> None:
    """Whatever the order they were run in, and whatever `oracle_stop` was called."""
    rows = {"1": ["x", ".", "x", "."], "2": ["x", ".", ".", "."]}
    (found,) = apart(episode, rows, "oracle_verdict,none,none+stop=oracle,oracle_verdict+stop=rounds")
    assert [(cell.arm, cell.stops, cell.shows, cell.solved) for cell in found.cells] == [
        ("none", False, False, 0),
        ("none+stop=oracle", True, False, 1),
        ("oracle_verdict+stop=rounds", False, True, 0),
        ("oracle_verdict", True, True, 2),
    ]
    assert found.stop_gain is not None
    assert found.information_gain_with_stop is not None
    assert (found.stop_gain.value, found.information_gain_with_stop.value) == (0.5, 0.5)
    assert found.information_gain is not None
    assert found.information_gain.interval == Interval(-1.0, 1.0)  # two tasks that show the same
    assert "stopping alone gives +50.0 points" in sentences([found])[0]


def test_missing_arms_are_named(episode: Make) -> None:
    (found,) = apart(episode, {"1": ["x", "."]}, "none,oracle_trace+window=2")
    assert found.missing == ("oracle_stop", "oracle_trace+stop=rounds+window=2")
    assert sentences([found]) == (
        "the oracle of oracle_trace+window=2 is not taken apart: the run lacks oracle_stop, "
        "oracle_trace+stop=rounds+window=2",
    )
    assert apart(episode, {"1": ["x", "."]}, "none,intrinsic") == ()


def test_no_unit_in_all_four(episode: Make) -> None:
    (found,) = apart(episode, {"1": ["x", "x", "x", ""]})
    assert found.cells[0].accuracy is None
    assert "no unit is judged in all four" in sentences([found])[0]
