"""Choosing tasks by id and by number."""

import pytest

from banchu.benchmarks import Benchmark, load_benchmark, select
from banchu.core.errors import ConfigError


@pytest.fixture(scope="module")
def humaneval() -> Benchmark:
    return load_benchmark("humaneval")


@pytest.mark.parametrize("spelling", ["HumanEval/3", "humaneval/3", "HUMANEVAL/3", "3", " 3 "])
def test_spellings(humaneval: Benchmark, spelling: str) -> None:
    assert select(humaneval, [spelling], None).ids == ("HumanEval/3",)


def test_order_is_the_benchmark_s_and_repeats_are_one(humaneval: Benchmark) -> None:
    assert select(humaneval, ["7", "HumanEval/2", "7"]).ids == ("HumanEval/2", "HumanEval/7")


def test_limit(humaneval: Benchmark) -> None:
    assert select(humaneval, None, 2).ids == ("HumanEval/0", "HumanEval/1")
    assert select(humaneval, ["5", "6", "7"], 2).ids == ("HumanEval/5", "HumanEval/6")
    assert len(select(humaneval, None, 1000).tasks) == 164
    assert select(humaneval).digest == humaneval.digest


def test_unknown_id_shows_the_nearest(humaneval: Benchmark) -> None:
    with pytest.raises(ConfigError, match=r"unknown task 'HumanEval/164' .*Nearest: HumanEval/\d+.*banchu tasks"):
        select(humaneval, ["HumanEval/164"])
    with pytest.raises(ConfigError, match="unknown task ''"):
        select(humaneval, [""])


@pytest.mark.parametrize("limit", [0, -1])
def test_limit_below_one(humaneval: Benchmark, limit: int) -> None:
    with pytest.raises(ConfigError, match=f"limit {limit} leaves no task"):
        select(humaneval, None, limit)


def test_no_ids(humaneval: Benchmark) -> None:
    with pytest.raises(ConfigError, match="no task of humaneval is named"):
        select(humaneval, [])
