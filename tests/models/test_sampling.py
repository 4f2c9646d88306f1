"""The next token, exactly: no statistics, each draw is known."""

from __future__ import annotations

import itertools
import random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from banchu.models.local.sampling import Sampler, next_tokens


class Draws(Sampler):
    """A sampler whose numbers are known beforehand."""

    def __init__(self, *draws: float, temperature: float = 1.0, top_p: float = 1.0) -> None:
        super().__init__(temperature, top_p, seed=0)
        self._draws = iter(draws)

    def draw(self) -> float:
        return next(self._draws)


def logits(*rows: list[float]) -> torch.Tensor:
    """Of the probabilities given."""
    return torch.tensor(rows, dtype=torch.float64).log().float()


PROBABILITIES = [0.1, 0.4, 0.05, 0.3, 0.15]  # by size: tokens 1, 3, 4, 0, 2


@pytest.mark.parametrize(
    ("draw", "token"), [(0.0, 1), (0.39, 1), (0.41, 3), (0.69, 3), (0.71, 4), (0.86, 0), (0.96, 2), (0.999999, 2)]
)
def test_a_draw_maps_to_the_inverse_of_the_cumulative_distribution(draw: float, token: int) -> None:
    assert next_tokens(logits(PROBABILITIES), [Draws(draw)]) == [token]


@pytest.mark.parametrize(
    ("top_p", "nucleus"), [(0.01, {1}), (0.39, {1}), (0.41, {1, 3}), (0.71, {1, 3, 4}), (0.86, {0, 1, 3, 4})]
)
def test_top_p_keeps_the_smallest_nucleus(top_p: float, nucleus: set[int]) -> None:
    draws = [i / 200 for i in range(200)]
    found = {next_tokens(logits(PROBABILITIES), [Draws(draw, top_p=top_p)])[0] for draw in draws}
    assert found == nucleus


def test_the_nucleus_is_scaled_to_one() -> None:
    # {1, 3} with 4/7 and 3/7: without scaling, 0.69 would fall past both.
    tokens = [next_tokens(logits(PROBABILITIES), [Draws(draw, top_p=0.5)])[0] for draw in (0.57, 0.58, 0.9999)]
    assert tokens == [1, 3, 3]


def test_temperature_shapes_the_distribution() -> None:
    # At temperature 0.5 probabilities are squared: 0.8 and 0.2 become 16/17 and 1/17.
    for draw, token in ((0.94, 0), (0.942, 1)):
        assert next_tokens(logits([0.8, 0.2]), [Draws(draw, temperature=0.5)]) == [token]


def test_temperature_zero_takes_the_likeliest_and_draws_nothing() -> None:
    class Undrawn(Sampler):
        def draw(self) -> float:
            raise AssertionError("drew")

    assert next_tokens(logits(PROBABILITIES), [Undrawn(0.0, 0.1, seed=1)]) == [1]


@given(
    rows=st.lists(st.lists(st.floats(-20, 20), min_size=7, max_size=7), min_size=1, max_size=6),
    seed=st.integers(0, 2**63),
    temperatures=st.lists(st.sampled_from([0.0, 0.2, 1.0, 2.0]), min_size=6, max_size=6),
    top_p=st.floats(0.01, 1.0),
)
def test_a_row_is_sampled_alike_alone_and_in_a_crowd(
    rows: list[list[float]], seed: int, temperatures: list[float], top_p: float
) -> None:
    def samplers() -> list[Sampler]:
        return [Sampler(t, top_p, seed + i) for i, (t, _) in enumerate(zip(temperatures, rows, strict=False))]

    together = next_tokens(torch.tensor(rows), samplers())
    alone = [next_tokens(torch.tensor([row]), [sampler])[0] for row, sampler in zip(rows, samplers(), strict=True)]
    assert together == alone
    assert all(0 <= token < 7 for token in together)


@given(
    weights=st.lists(st.floats(0.01, 1.0), min_size=2, max_size=30), top_p=st.floats(0.05, 1.0), seed=st.integers(0, 99)
)
def test_the_token_is_in_the_nucleus(weights: list[float], top_p: float, seed: int) -> None:
    probabilities = torch.tensor(weights).log().softmax(-1).double().tolist()
    (token,) = next_tokens(torch.tensor([weights]).log(), [Sampler(1.0, top_p, seed)])
    likelier = [p for p in probabilities if p > probabilities[token] + 1e-6]
    assert sum(likelier) < top_p + 1e-5


def test_each_token_takes_one_draw_of_its_own_seed() -> None:
    draws = random.Random(5)
    sampler = Sampler(1.0, 1.0, seed=5)
    edges = list(itertools.accumulate([0.25] * 4))
    for _ in range(50):
        draw = draws.random()
        place = next(i for i, edge in enumerate(edges) if draw < edge)
        # Equal probabilities would leave the order open: these differ by too little to move an edge past a draw.
        assert next_tokens(logits([0.25 + 3e-6, 0.25 + 1e-6, 0.25 - 1e-6, 0.25 - 3e-6]), [sampler]) == [place]
