"""How fast an endpoint is asked: limits, windows and paces, on times of the test's own."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.models.timing import most_in_a_minute

from banchu.models.api.bucket import Bucket, a_minute
from banchu.models.api.pace import Pace
from banchu.models.api.window import Window

# Buckets


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 200),
    st.lists(st.floats(0, 40, allow_nan=False) | st.just(0.0), min_size=1, max_size=60),
    st.floats(0, 0.3),
)
def test_no_minute_holds_more_than_the_limit(limit: int, idle: list[float], late: float) -> None:
    """Whenever the calls come, and however late a timer wakes them."""
    now, sent = 100.0, []
    bucket = a_minute(limit, now)
    for pause in idle:
        now += pause
        for _ in range(4):
            while (ready := bucket.ready_at(now)) > now:
                now = ready + late
            bucket.pour(1, now)
            sent.append(now)
    assert most_in_a_minute(sent) <= limit


def test_a_limit_is_used_up_when_there_is_enough_to_do() -> None:
    now = 0.0
    bucket, sent = a_minute(600, now), []
    while now < 120:
        now = max(now, bucket.ready_at(now)) + 0.004  # a timer that is always a little late
        bucket.pour(1, now)
        sent.append(now)
    assert 595 <= most_in_a_minute(sent) <= 600


def test_what_was_poured_too_much_is_taken_out_again() -> None:
    bucket = Bucket(10.0, 0.0, 0.0)
    bucket.pour(100, 0.0)
    assert bucket.ready_at(0.0) == pytest.approx(10.0)
    bucket.correct(-60, 1.0)  # 10 have leaked
    assert bucket.ready_at(1.0) == pytest.approx(4.0)
    bucket.correct(-1000, 1.0)
    assert bucket.ready_at(1.0) == 1.0


# The window


def answers(
    window: Window, n: int, wall_s: float, now: float, tokens: int = 100, in_flight: int | None = None
) -> float:
    for _ in range(n):
        now += wall_s
        window.answered(now - wall_s, wall_s, tokens, in_flight or window.size, now)
    return now


def test_the_window_doubles_until_trouble_and_then_grows_by_one() -> None:
    window = Window(1000)
    now = answers(window, 32, 0.1, 0.0)
    assert window.size == 64
    window.troubled(now, now)
    size = window.size
    assert size < 64
    now = answers(window, size, 0.1, now + 1)
    assert window.size == size + 1


def test_the_window_stays_between_one_and_the_callers_ceiling() -> None:
    window = Window(40)
    now = answers(window, 500, 0.1, 0.0)
    assert window.size == 40
    for _ in range(200):
        now += 1
        window.troubled(now, now)
    assert window.size == 1
    assert Window(3).size == 3


def test_calls_that_were_in_flight_together_cut_it_once() -> None:
    window = Window(100)
    for _ in range(20):
        window.troubled(1.0, 2.0)
    once = Window(100)
    once.troubled(1.0, 2.0)
    assert window.size == once.size < 32


def test_rare_trouble_costs_little_and_frequent_trouble_much() -> None:
    def after(good: int) -> float:
        window, now = Window(64), 0.0
        for _ in range(40):
            now = answers(window, good, 0.1, now + 1)
            now += 1
            window.troubled(now, now)
        return window.size

    assert after(0) == 1
    assert after(200) > 40


def test_a_window_that_is_not_used_does_not_grow() -> None:
    window = Window(1000)
    answers(window, 500, 0.1, 0.0, in_flight=5)
    assert window.size == 32


def test_a_rise_of_latency_cuts_and_long_answers_are_no_rise() -> None:
    window = Window(64)
    now = answers(window, 200, 1.0, 0.0)
    now = answers(window, 100, 8.0, now, tokens=8 * 132 - 32)  # as many tokens a second
    assert window.size == 64
    now = answers(window, 30, 4.0, now)
    assert window.size < 32
    small = window.size
    answers(window, 600, 4.0, now)  # slow for good: the new normal
    assert window.size > small


# The pace


def offered(pace: Pace, limit_per_s: float, seconds: float, burst: float = 5.0) -> tuple[list[float], int]:
    """As much as the pace allows, to a server with a token bucket: when it took one, and how often it refused."""
    now, level, at, taken, refused = 0.0, burst, 0.0, [], 0
    while now < seconds:
        now = max(pace.ready_at(now), now + 0.002)
        pace.sent(now)
        level, at = min(burst, level + (now - at) * limit_per_s), now
        if level >= 1:
            level -= 1
            taken.append(now)
        else:
            refused += 1
            pace.refused(now, now + 0.001)
    return taken, refused


@pytest.mark.parametrize("limit", [3.0, 20.0, 150.0])
@pytest.mark.parametrize("burst", [1.0, 10.0, 100.0])
def test_a_limit_that_nobody_told_is_found_and_used(limit: float, burst: float) -> None:
    taken, refused = offered(Pace(), limit, 120.0, burst)
    late = [at for at in taken if at >= 20]
    assert len(late) >= 0.8 * limit * 100
    assert refused < 0.1 * len(taken) + 20


def test_a_limit_that_rises_is_found_again() -> None:
    pace = Pace()
    offered(pace, 5.0, 30.0)
    assert 3 < (pace.per_s(30.0) or 0) < 10
    assert (pace.per_s(75.0) or 0) > 40


def test_without_a_refusal_there_is_no_pace() -> None:
    pace = Pace()
    for n in range(1000):
        pace.sent(n / 1e6)
    assert pace.per_s(1.0) is None
    assert pace.ready_at(1.0) == 1.0
