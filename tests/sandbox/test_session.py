"""A program that is told one thing after another: it lives, stands still in between, and is held as a command is."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator

import pytest
from tests.sandbox.commands import DAEMON, LIMITS, below, nothing_below
from tests.sandbox.sessions import TICKING, it_holds, session
from tests.sandbox.test_tiers import TIERS

from banchu.core.errors import ConfigError, SandboxError
from banchu.sandbox import CommandLimits, Session, probe_isolation


@pytest.fixture
async def told() -> AsyncIterator[Session]:
    one = session()
    yield one
    await one.aclose()


async def test_names_and_files_live_on_until_it_ends(told: Session) -> None:
    first = await told.tell(b"x = 1\nopen('f', 'w').write('left')")
    assert (first.status, first.stdout, first.isolation) == ("waiting", "", "namespaces")
    assert (await told.tell(b"x += 1; print(x, open('f').read())")).stdout == "2 left\n"
    ended = await told.tell(b"print('last'); sys.stdout.flush(); os._exit(3)")
    assert (ended.status, ended.exit_code, ended.stdout) == ("exited", 3, "last\n")
    assert (await told.tell(b"print('x' in globals(), os.listdir())")).stdout == "False []\n"


async def test_it_stands_still_while_nobody_waits(told: Session) -> None:
    await told.tell(TICKING)
    await asyncio.sleep(2)
    assert (await told.tell(b"")).stdout.count("tick") < 60
    assert (await told.tell(b"time.sleep(1)")).stdout.count("tick") > 2


@pytest.mark.slow
@pytest.mark.parametrize("tier", ["namespaces", *TIERS])
async def test_in_every_tier(tier: str) -> None:
    report = probe_isolation(tier)
    if not report.ok:
        pytest.skip(f"{tier} cannot be had here: {report.detail}")
    await it_holds(tier)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("while True: pass", "timed_out"),
        ("import time; time.sleep(60)", "timed_out"),
        ("import signal; os.kill(os.getpid(), signal.SIGSTOP)", "timed_out"),
        ("import signal; os.kill(os.getpid(), signal.SIGKILL)", "signalled"),
        ("print('a' * 10**6)", "output_limit"),
        ("os.closerange(0, 200)", "exited"),
        ("import ctypes; ctypes.string_at(0)", "signalled"),
        ("os.read(line, 1); import time; time.sleep(60)", "timed_out"),
        ("for fd in range(20):\n  try: os.write(fd, b'x' * 500000)\n  except OSError: pass", "output_limit"),
        (f"if not os.fork(): exec({DAEMON!r})\nos._exit(0)", "exited"),
        ("while True:\n  try: os.fork()\n  except OSError: pass", "timed_out"),
    ],
)
async def test_what_ends_it_is_said_and_the_next_begins_anew(code: str, status: str) -> None:
    one = session(limits=CommandLimits(cpu_s=1.0, wall_s=5.0, processes=16, output_kib=64, file_mib=8, memory_mib=512))
    try:
        await one.tell(b"x = 1")
        began = time.monotonic()
        assert (await one.tell(code.encode())).status == status
        assert time.monotonic() - began < 30
        assert (await one.tell(b"print('x' in globals())")).stdout == "False\n"
        await one.tell(b"os._exit(0)")
        nothing_below(one)
    finally:
        await one.aclose()


@pytest.mark.slow
async def test_a_mark_is_good_once_and_only_for_what_was_told() -> None:
    """Code that says for itself that it is done: the next thing is told all the same, and answered with its own."""
    one = session()
    try:
        early = b"print('early', flush=True)\nos.write(line, mark)\nimport time; time.sleep(2)\nprint('late')"
        assert (await one.tell(early)).stdout == "early\n"
        assert (await one.tell(b"print('next')")).stdout == "late\nnext\n"
        assert (await one.tell(b"os.write(line, b'.' * 100_000); print('noise')")).stdout == "noise\n"
        assert (await one.tell(b"print('on')")).stdout == "on\n"
    finally:
        await one.aclose()


@pytest.mark.slow
async def test_a_long_text_that_is_not_read_does_not_hold_it() -> None:
    one = session(limits=CommandLimits(cpu_s=1.0, wall_s=5.0))
    try:
        # What is told stands half in a socket that nobody reads from: the sender is not to wait for it.
        assert (await one.tell(b"import time; time.sleep(60)" + b"#" * 5_000_000)).status in ("timed_out", "exited")
        assert (await one.tell(b"print(1)")).stdout == "1\n"
    finally:
        await one.aclose()


@pytest.mark.slow
async def test_cancelling_ends_it_and_the_next_begins_anew(told: Session) -> None:
    await told.tell(b"x = 1")
    telling = asyncio.create_task(told.tell(b"import time; time.sleep(60)"))
    await asyncio.sleep(1)
    telling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await telling
    assert (await told.tell(b"print('x' in globals())")).stdout == "False\n"


@pytest.mark.slow
async def test_a_cell_that_is_killed_is_an_error_of_the_sandbox_and_not_the_end(told: Session) -> None:
    await told.tell(b"x = 1")
    for pid in below(told):
        os.kill(pid, signal.SIGKILL)
    with pytest.raises(SandboxError):
        await told.tell(b"x")
    assert (await told.tell(b"print('x' in globals())")).stdout == "False\n"
    await told.aclose()
    with pytest.raises(SandboxError, match="closed"):
        await told.tell(b"x")


def test_a_command_that_cannot_be_used_is_refused() -> None:
    with pytest.raises(ConfigError, match="NUL"):
        Session("namespaces", ("a\0b",), LIMITS)
