"""The least that can be told something, and what holds for it in every tier."""

from __future__ import annotations

import asyncio

from tests.sandbox.commands import LIMITS

from banchu.sandbox import CommandLimits, Session
from banchu.sandbox.command_order import Order

TICKING = b"""
import threading, time
def tick():
    while True:
        print('tick', flush=True)
        time.sleep(0.01)
threading.Thread(target=tick, daemon=True).start()
"""

RUNS = """
import os, sys
line = os.dup(0)
os.close(0)
while mark := os.read(line, 16):
    exec(os.read(line, int.from_bytes(os.read(line, 4), "big")), globals())
    sys.stdout.flush()
    os.write(line, mark)
"""
"""The least that can be told something: Python, in its own names."""


def session(isolation: str = "namespaces", limits: CommandLimits = LIMITS) -> Session:
    return Session(isolation, (Order.PYTHON, "-c", RUNS), limits)


async def it_holds(isolation: str) -> None:
    """It lasts from one telling to the next, stands still in between, and one that is ended begins anew."""
    one = session(isolation, CommandLimits(cpu_s=1.0, wall_s=5.0, processes=16, memory_mib=512))
    try:
        assert (await one.tell(b"x = 1")).status == "waiting"
        await one.tell(TICKING)
        await asyncio.sleep(2)
        assert (await one.tell(b"print(x)")).stdout.count("tick") < 60
        assert (await one.tell(b"while True: pass")).status == "timed_out"
        assert (await one.tell(b"print('x' in globals())")).stdout == "False\n"
        bomb = await one.tell(b"while True:\n  try: os.fork()\n  except OSError: pass\n")
        assert bomb.status in ("timed_out", "signalled")
        assert (await one.tell(b"print('well')")).stdout == "well\n"
    finally:
        await one.aclose()
