"""What isolation can be had here, and what to do where it cannot."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from pathlib import Path

from banchu.core.errors import IsolationUnavailable, SandboxError
from banchu.sandbox.process import Failed, Message, Process
from banchu.sandbox.verdicts import TIER

_USER_NAMESPACES = "/proc/sys/user/max_user_namespaces"
_UNPRIVILEGED = "/proc/sys/kernel/unprivileged_userns_clone"
_APPARMOR = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns"


@dataclass(frozen=True, slots=True)
class IsolationReport:
    """What a probe found."""

    ok: bool
    tier: str
    """The tier that was tried."""
    detail: str
    """What works, or the step that was refused and why."""
    remedy: str = ""
    """What to do about it; empty when nothing needs doing."""


def probe_isolation() -> IsolationReport:
    """Build a cell for real, and take it down again. Never raises for a refusal: that is the report."""
    try:
        Process("cell").close()
    except Failed as failed:
        detail, remedy = explain(failed)
        return IsolationReport(False, TIER, detail, remedy)
    return IsolationReport(True, TIER, "user, mount, pid, network, IPC and UTS namespaces; seccomp; rlimits")


def start_error(failed: Failed) -> SandboxError:
    """The one line for the user."""
    detail, remedy = explain(failed)
    if "stage" not in failed.message:
        return SandboxError(f"the judge did not start: {detail}; {remedy}")
    return IsolationUnavailable(f"isolation {TIER!r} is not available: {detail}; {remedy}")


def explain(failed: Failed) -> tuple[str, str]:
    """Cause and remedy of a cell that could not be built."""
    message = failed.message
    stage, code = message.get("stage"), message.get("errno", 0)
    detail = " ".join(str(failed).split())
    if stage == "platform":
        return detail, "judge on Linux: a machine, a virtual machine or WSL 2"
    if stage == "machine":
        return detail, "judge on x86-64 or aarch64"
    if stage in ("user namespace", "uid_map", "namespaces"):
        return detail, _remedy(stage, code)
    if stage == "root":
        return detail, "the kernel or a container refuses mounts; run outside the container"
    return detail, _report(message)


def _remedy(stage: str, code: int) -> str:
    if code == errno.ENOSPC:
        return "user namespaces are used up or off; as root: sysctl -w user.max_user_namespaces=10000"
    if _sysctl(_APPARMOR) == "1" and code in (errno.EACCES, errno.EPERM):
        return "AppArmor forbids them; as root: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
    if stage == "uid_map" and code == errno.EACCES:
        return "AppArmor is likely; as root: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
    if _sysctl(_UNPRIVILEGED) == "0":
        return "as root: sysctl -w kernel.unprivileged_userns_clone=1"
    if _sysctl(_USER_NAMESPACES) == "0":
        return "as root: sysctl -w user.max_user_namespaces=10000"
    if code == errno.EINVAL:
        return "the kernel was built without namespaces; use one with CONFIG_USER_NS and CONFIG_PID_NS"
    return "a container forbids them; run outside it, or start it with --security-opt seccomp=unconfined"


def _report(message: Message) -> str:
    return f"this is a bug, please report it (step {message.get('stage', 'start')!r})"


def _sysctl(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""
