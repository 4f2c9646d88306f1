"""Tests that nobody vouches for: what they find, and what they cannot do."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from banchu.core.sealed import TestSuite
from banchu.sandbox.isolation import Isolation
from banchu.sandbox.limits import Limits
from banchu.sandbox.proving import ProvingGround

RIGHT = "def f(x):\n    return x * x\n"
FIRST = "def check(candidate):\n    assert candidate(2) == 4\n"


@pytest.fixture(scope="module")
def ground() -> Iterator[ProvingGround]:
    ground = ProvingGround(Isolation(), Limits(cpu_s=1.0, wall_s=3.0, memory_mib=256))
    yield ground
    ground.close()


def suite(check: str) -> TestSuite:
    return TestSuite(check, "f", "", "")


@pytest.mark.parametrize(
    ("code", "kind", "passed"),
    [
        (RIGHT, "passed", 2),
        ("def f(x):\n    return 4\n", "wrong_answer", 1),
        ("def f(x):\n    return 1 / 0\n", "raised", 0),
        ("import os\nos._exit(0)\n", "raised", 0),
        ("def f(x):\n    while True: pass\n", "timed_out", 0),
    ],
)
def test_they_find_what_sealed_tests_would(ground: ProvingGround, code: str, kind: str, passed: int) -> None:
    proof = ground.prove(suite(f"{FIRST}    assert f(3) == 9\n"), code)
    assert proof.verdict is not None
    assert (proof.verdict.kind, proof.verdict.tests_passed, proof.verdict.isolation) == (kind, passed, "namespaces")


def test_broken_tests_are_told_before_the_program_has_come_up(ground: ProvingGround, monkeypatch: Any) -> None:
    send, held = ground._programs.send, []

    def late(message: dict[str, Any], fds: Any = ()) -> None:
        if message["op"] == "run":
            held.append((message, [os.dup(fd) for fd in fds]))
            return
        for order, copies in held:
            send(order, copies)
            for fd in copies:
                os.close(fd)
        held.clear()
        send(message, fds)

    monkeypatch.setattr(ground._programs, "send", late)
    for _ in range(5):
        assert "SyntaxError" in ground.prove(suite("def check(:\n"), RIGHT).broken
    monkeypatch.undo()
    assert ground.prove(suite(FIRST), RIGHT).verdict


@pytest.mark.parametrize(
    ("check", "why"),
    [
        ("def check(:\n", "SyntaxError"),
        ("def check(candidate):\n    assert nothing == 4\n", "NameError"),
        ("import os\nos._exit(0)\n", "exit code 0"),
        ("while True: pass\n", "CPU limit of 1 s"),
        ("x = bytearray(1 << 40)\n", "MemoryError"),
        ("import os\nos.write(3, b'\\0\\0\\0\\2{}')\nos._exit(0)\n", "no report"),
        ("import os\nos.write(3, b'\\xff' * 64)\nos._exit(0)\n", "no report"),
    ],
)
def test_those_that_cannot_run_say_why_and_harm_nothing(ground: ProvingGround, check: str, why: str) -> None:
    proof = ground.prove(suite(check), RIGHT)
    assert proof.verdict is None
    assert why in proof.broken
    after = ground.prove(suite(FIRST), RIGHT)
    assert after.verdict is not None
    assert after.verdict.passed


@pytest.mark.slow
def test_those_that_wait_for_ever_say_so_and_harm_nothing() -> None:
    ground = ProvingGround(Isolation(), Limits(wall_s=1.0))
    proof = ground.prove(suite("import time\ntime.sleep(60)\n"), RIGHT)
    assert proof.verdict is None
    assert "none came within 1 s" in proof.broken
    after = ground.prove(suite(FIRST), RIGHT)
    assert after.verdict is not None
    assert after.verdict.passed
    ground.close()


@pytest.mark.parametrize(
    "tries",
    [
        "open('/etc/passwd').read()",
        "import socket\nsocket.create_connection(('127.0.0.1', 22), 1)",
        "import os\nif os.fork() == 0: os._exit(0)",
        "import os\nos.kill(os.getppid(), 9)",
        "import subprocess\nsubprocess.run(['/bin/true'], check=True)",
    ],
)
def test_they_are_held_as_a_candidate_is(ground: ProvingGround, tries: str) -> None:
    proof = ground.prove(suite(f"{tries}\n{FIRST}"), RIGHT)
    assert proof.verdict is None, "the attempt worked"


def test_a_forged_report_is_only_a_verdict_on_their_own_tests(ground: ProvingGround) -> None:
    forged = '{"passed": 3, "total": 3, "failure": null}'
    frame = f"len({forged!r}).to_bytes(4, 'big') + {forged!r}.encode()"
    proof = ground.prove(suite(f"import os\nos.write(3, {frame})\nos._exit(0)\n"), "def f(x):\n    return 0\n")
    assert proof.verdict is not None
    assert proof.verdict.passed  # their word; whoever asks must not take it for the truth
