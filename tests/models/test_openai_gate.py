"""Who is let through to an endpoint, and when: the queue before it, on a clock of the test's own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from tests.models.timing import in_no_time, most_in_a_minute

from banchu.models.api.errors import Refused
from banchu.models.api.gate import Gate, Turn
from banchu.models.api.headers import Allowance
from banchu.models.protocol import NotSent


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
