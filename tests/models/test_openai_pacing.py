"""How fast an endpoint is asked: limits, windows, paces and the queue, on a clock of the test's own."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from banchu.models.api.bucket import Bucket, a_minute
from banchu.models.api.errors import Refused
from banchu.models.api.gate import Gate, Turn
from banchu.models.api.headers import Allowance
from banchu.models.api.pace import Pace
from banchu.models.api.window import Window
from banchu.models.protocol import NotSent


def most_in_a_minute(times: list[float]) -> int:
    return max(sum(start <= at < start + 60 for at in times) for start in times)


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


# The gate


class Idle(selectors.DefaultSelector):
    """Nothing to wait for but time, which passes at once."""

    now = 1000.0

    def select(self, timeout: float | None = None) -> Any:
        self.now += timeout or 0.0
        return super().select(0)


def in_no_time(scenario: Callable[[Callable[[], float]], Coroutine[Any, Any, None]]) -> None:
    """Runs a scenario on a loop whose clock jumps to the next timer."""
    selector = Idle()
    loop = asyncio.SelectorEventLoop(selector)
    loop.time = lambda: selector.now  # type: ignore[method-assign]
    try:
        loop.run_until_complete(asyncio.wait_for(scenario(loop.time), 10_000))
    finally:
        loop.close()


def refusal(wait_s: float | None = None) -> Refused:
    return Refused("429", "limit", status=429, wait_s=wait_s)


async def enter_all(gate: Gate, n: int, tokens: int = 0) -> list[asyncio.Task[Turn]]:
    tasks = [asyncio.create_task(gate.enter(gate.ticket(), tokens)) for _ in range(n)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return tasks


async def arrivals(tasks: list[asyncio.Task[Turn]]) -> list[float]:
    return sorted([(await task).begun for task in tasks])


def test_no_more_are_in_flight_than_the_ceiling_and_the_oldest_goes_first() -> None:
    async def scenario(clock: Callable[[], float]) -> None:
        gate = Gate(2, clock=clock)
        tasks = await enter_all(gate, 5)
        assert [task.done() for task in tasks] == [True, True, False, False, False]
        tasks[1].result().answered(0, 0)
        await asyncio.sleep(0)
        assert [task.done() for task in tasks] == [True, True, True, False, False]
        for number in (0, 2, 3):
            tasks[number].result().left()
            await asyncio.sleep(0)
        assert all(task.done() for task in tasks)
        assert gate.in_flight == 1

    in_no_time(scenario)


def test_who_tries_again_goes_before_those_who_came_later() -> None:
    async def scenario(clock: Callable[[], float]) -> None:
        gate = Gate(1, clock=clock)
        first = gate.ticket()
        turn = await gate.enter(first, 0)
        others = await enter_all(gate, 3)
        turn.left()
        again = asyncio.create_task(gate.enter(first, 0))
        await asyncio.sleep(0)
        (await others[0]).left()
        await again
        assert [task.done() for task in others] == [True, False, False]
        gate.drain()
        await asyncio.gather(*others, return_exceptions=True)

    in_no_time(scenario)


def test_a_turn_is_given_back_once() -> None:
    async def scenario(clock: Callable[[], float]) -> None:
        gate = Gate(3, clock=clock)
        turns = [task.result() for task in await enter_all(gate, 3)]
        for _ in range(3):
            turns[0].answered(1, 1)
            turns[0].refused(refusal())
            turns[0].left()
        assert gate.in_flight == 2

    in_no_time(scenario)


def test_those_who_went_away_are_passed_over() -> None:
    async def scenario(clock: Callable[[], float]) -> None:
        gate = Gate(1, clock=clock)
        tasks = await enter_all(gate, 4)
        tasks[1].cancel()
        tasks[2].cancel()
        await asyncio.gather(*tasks[1:3], return_exceptions=True)
        tasks[0].result().left()
        await asyncio.sleep(0)
        assert tasks[3].result()
        assert gate.in_flight == 1

    in_no_time(scenario)


def test_a_turn_that_comes_as_its_caller_leaves_is_not_lost() -> None:
    async def scenario(clock: Callable[[], float]) -> None:
        gate = Gate(1, clock=clock)
        tasks = await enter_all(gate, 3)
        tasks[0].result().left()  # gives the turn to the second, which is cancelled before it runs
        tasks[1].cancel()
        await asyncio.gather(tasks[1], return_exceptions=True)
        assert (await tasks[2]) is not None
        assert gate.in_flight == 1

    in_no_time(scenario)


def test_after_a_pause_they_leave_one_after_the_other() -> None:
    async def scenario(clock: Callable[[], float]) -> None:
        gate = Gate(100, clock=clock)
        for _ in range(3):  # one after the other is refused: the server takes nothing
            (await gate.enter(gate.ticket(), 0)).refused(refusal(30.0))
        begun = clock()
        first, second, third = await arrivals(await enter_all(gate, 3))
        assert first >= begun + 30
        assert min(second - first, third - second) > 0.05

    in_no_time(scenario)


def test_a_server_that_says_nothing_of_waiting_is_asked_ever_less() -> None:
    async def scenario(clock: Callable[[], float]) -> None:
        gate, times = Gate(8, clock=clock), []
        for _ in range(12):
            turn = await gate.enter(gate.ticket(), 0)
            times.append(turn.begun)
            turn.refused(refusal())
        assert times[-1] - times[-2] > 10
        assert times[-1] - times[0] < 300

    in_no_time(scenario)


def test_one_refusal_among_answers_stops_nobody_else() -> None:
    async def scenario(clock: Callable[[], float]) -> None:
        gate = Gate(50, clock=clock)
        turns = [task.result() for task in await enter_all(gate, 20)]
        turns[3].refused(refusal(30.0))
        begun = clock()
        assert (await gate.enter(gate.ticket(), 0)).begun < begun + 1

    in_no_time(scenario)


def test_the_limits_of_the_user_hold() -> None:
    async def scenario(clock: Callable[[], float]) -> None:
        gate, times = Gate(100, max_rpm=40, clock=clock), []
        for _ in range(200):
            turn = await gate.enter(gate.ticket(), 0)
            times.append(turn.begun)
            turn.answered(1, 1)
        assert most_in_a_minute(times) == 40
        assert times[-1] - times[0] < 60 * 200 / 40 + 5

    in_no_time(scenario)


@pytest.mark.parametrize(("used", "least", "most"), [(100, 0, 40), (1000, 280, 320)])
def test_tokens_are_held_by_what_is_estimated_and_freed_by_what_was_used(used: int, least: int, most: int) -> None:
    async def scenario(clock: Callable[[], float]) -> None:
        gate, begun = Gate(100, max_tpm=2000, clock=clock), clock()
        for _ in range(11):
            (await gate.enter(gate.ticket(), 1000)).answered(used // 2, used // 2)
        assert least <= clock() - begun <= most

    in_no_time(scenario)


def test_one_call_that_exceeds_the_limit_alone_goes_alone() -> None:
    async def scenario(clock: Callable[[], float]) -> None:
        gate, begun = Gate(100, max_tpm=100, clock=clock), clock()
        (await gate.enter(gate.ticket(), 1000)).answered(500, 500)
        assert clock() - begun < 1
        assert 500 < (await gate.enter(gate.ticket(), 1)).begun - begun < 700

    in_no_time(scenario)


def test_headers_that_say_that_little_is_left_slow_down() -> None:
    async def scenario(clock: Callable[[], float]) -> None:
        gate, begun = Gate(100, clock=clock), clock()
        gate.told("requests", Allowance(limit=60, remaining=2, reset_s=2.9))  # 20 a second come back
        tasks = await enter_all(gate, 8)
        assert (await arrivals(tasks))[-1] - begun == pytest.approx(7 / 20, abs=0.01)
        for task in tasks:
            task.result().answered(1, 1)
        gate.told("requests", Allowance(limit=60, remaining=50, reset_s=1))
        begun = clock()
        assert (await arrivals(await enter_all(gate, 20)))[-1] == begun

    in_no_time(scenario)


def test_draining_ends_every_wait_and_touches_nothing_in_flight() -> None:
    async def scenario(clock: Callable[[], float]) -> None:
        gate = Gate(1, clock=clock)
        waiting: list[Any] = await enter_all(gate, 3)
        resting = asyncio.create_task(gate.rest(60))
        await asyncio.sleep(0)
        begun = clock()
        gate.drain()
        found = await asyncio.gather(*waiting[1:], resting, return_exceptions=True)
        assert [type(error) for error in found] == [NotSent] * 3
        assert (gate.in_flight, clock()) == (1, begun)
        waiting[0].result().answered(1, 1)
        with pytest.raises(NotSent):
            await gate.enter(gate.ticket(), 0)

    in_no_time(scenario)
