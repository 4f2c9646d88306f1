"""From what the tests report and what the kernel says of the candidate to a verdict."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import Any

from banchu.core.verdict import Verdict, VerdictKind
from banchu.sandbox.limits import Limits
from banchu.sandbox.link import Failed, Message

_OUT_OF_MEMORY_CODE = 71  # banchu.sandbox.cell.candidate.OUT_OF_MEMORY, which the app does not import
_FAILED_BEFORE = ("assertion", "tests", "raised")
_MAX_ERROR = 2000
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if chr(code) not in "\t\n"}
_CPU_SHARE = 0.75
"""A candidate that SIGKILL ended after this share of its CPU limit met that limit: it had taken SIGXCPU for nothing, or
the machine's own limit is no greater. The kernel counts ticks, which run ahead of the time that it accounts for
afterwards, on a busy machine by any amount."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a candidate's process ended."""

    ready: bool
    """Whether its code had begun to run at all."""
    code: int
    """Exit code, or minus the signal."""
    killed: bool
    """By the judge, because nothing more was asked of it."""
    cpu_s: float
    output: str
    output_bytes: int
    wall_spent: bool
    overfull: bool = False
    """Killed because it wrote more than it may."""

    @property
    def summary(self) -> str:
        if self.code >= 0:
            return f"it ended itself with exit code {self.code}"
        name = signal.Signals(-self.code).name if -self.code in set(signal.Signals) else f"signal {-self.code}"
        return f"it was killed by {name}"


def ended_of(message: Message, *, wall_spent: bool) -> Ended:
    """From the cell's last word on a candidate. Raises Failed where the cell has failed."""
    if message["op"] != "ended":
        raise Failed(str(message.get("detail")))
    return Ended(
        ready=message["ready"],
        code=message["status"],
        killed=message["killed"],
        cpu_s=message["cpu_s"],
        output=message["output"],
        output_bytes=message["output_bytes"],
        overfull=message["overfull"],
        wall_spent=wall_spent,
    )


def verdict_of(report: dict[str, Any] | None, ended: Ended, limits: Limits, wall_s: float, isolation: str) -> Verdict:
    """The verdict. No report: the tests never came back from the candidate's last answer."""
    failure = (report or {}).get("failure") or {}
    kind: VerdictKind
    if report is None:
        kind, error = "timed_out", f"the tests did not end within {limits.wall_s:g} s on what the candidate returned"
    else:
        kind, error = _by_limits(failure, ended, limits) or _by_tests(failure, ended, limits)
    return Verdict(
        kind=kind,
        tests_passed=report["passed"] if report else 0,
        tests_total=report["total"] if report else 0,
        assertion=_clean(failure.get("assertion", "")),
        expected=_clean(failure.get("expected", "")),
        actual=_clean(failure.get("actual", "")),
        error=_clean(error[:_MAX_ERROR]),
        stdout=_clean(ended.output),
        cpu_s=ended.cpu_s,
        wall_s=wall_s,
        isolation=isolation,
    )


def cpu_spent(ended: Ended, limits: Limits) -> bool:
    """Whether it met its CPU limit."""
    if ended.code == -signal.SIGXCPU and not ended.killed:
        return True
    return ended.cpu_s > limits.cpu_s or (_stopped(ended) and ended.cpu_s > limits.cpu_s * _CPU_SHARE)


def _stopped(ended: Ended) -> bool:
    """By the kernel's own decision."""
    return not ended.killed and ended.code == -signal.SIGKILL


def _clean(text: str) -> str:
    """Without what a candidate can put into a text and no file or terminal should take."""
    return text.encode("utf-8", "replace").decode().translate(_CONTROLS)


def _by_limits(failure: dict[str, Any], ended: Ended, limits: Limits) -> tuple[VerdictKind, str] | None:
    """What the kernel or the clock stopped, unless the tests had failed before: they run on only to be counted."""
    if ended.output_bytes > limits.output_kib * 1024:
        return "output_limit", f"printed {ended.output_bytes} bytes; {limits.output_kib} KiB are allowed"
    if ended.overfull:
        return "output_limit", f"wrote more than {limits.file_mib} MiB, or hundreds of files"
    if failure.get("kind") in _FAILED_BEFORE:
        return None
    if cpu_spent(ended, limits):
        return "timed_out", f"CPU limit of {limits.cpu_s:g} s"
    if ended.wall_spent:
        return "timed_out", f"wall limit of {limits.wall_s:g} s"
    if ended.code == -signal.SIGSYS:
        return "forbidden", "killed for a system call that no candidate may make"
    if _stopped(ended):
        return "out_of_memory", "killed by the kernel, which had no memory left"
    return None


def _by_tests(failure: dict[str, Any], ended: Ended, limits: Limits) -> tuple[VerdictKind, str]:
    if not failure:
        return "passed", ""
    match failure["kind"]:
        case "assertion":
            return "wrong_answer", ""
        case "tests":
            return "wrong_answer", f"the tests cannot use what the candidate returned: {failure['error']}"
        case "raised":
            return _raised(failure["failure"], limits)
        case "too_large":
            return "output_limit", f"the returned value is too large: {failure['error']}"
        case "malformed":
            return "forbidden", f"wrote to the judge's channel: {failure['error']}"
    if ended.code == _OUT_OF_MEMORY_CODE:
        return "out_of_memory", f"memory limit of {limits.memory_mib} MiB"
    if ended.killed:
        return "raised", "it closed its channel to the tests"
    return "raised", f"{ended.summary} before the tests were done"


def _raised(failure: dict[str, Any], limits: Limits) -> tuple[VerdictKind, str]:
    text = f"{failure['type']}: {failure['message']}" if failure["message"] else failure["type"]
    if failure["trace"]:
        text = f"{text}\n{failure['trace']}"
    if failure["builtin"] == "MemoryError":
        return "out_of_memory", f"memory limit of {limits.memory_mib} MiB\n{text}"
    return ("forbidden" if failure.get("denied") is True else "raised"), text
