"""What isolation can be had here, and what to do where it cannot."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from banchu.core.errors import IsolationUnavailable, SandboxError
from banchu.sandbox.cells import open_cell
from banchu.sandbox.cgroup import Group, Unavailable
from banchu.sandbox.isolation import Isolation, parse_isolation
from banchu.sandbox.limits import Limits
from banchu.sandbox.link import Failed, Message

_USER_NAMESPACES = "/proc/sys/user/max_user_namespaces"
_UNPRIVILEGED = "/proc/sys/kernel/unprivileged_userns_clone"
_APPARMOR = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns"
_ALTERNATIVES = "or ask for another isolation: --isolation landlock, --isolation docker"
_WALLS: Final = {
    "namespaces": "user, mount, pid, network, IPC and UTS namespaces",
    "landlock": "a folder of the slot's own",
    "bwrap": "bubblewrap's namespaces",
    "docker": "a container without network, read-only",
}


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


def probe_isolation(isolation: str = "namespaces") -> IsolationReport:
    """Build a cell for real, and take it down again. A refusal is no error but the report. Raises ConfigError."""
    wanted = parse_isolation(isolation)
    try:
        cell = open_cell(wanted, Limits())
    except Failed as failed:
        detail, remedy = explain(failed)
        return IsolationReport(False, wanted.tier, detail, remedy)
    cell.close()
    landlock = f"Landlock {cell.layers['landlock']}" if cell.layers.get("landlock") else "no Landlock in this kernel"
    return IsolationReport(True, wanted.tier, "; ".join([_WALLS[wanted.tier], landlock, "seccomp", "rlimits"]))


def probe_cgroups() -> tuple[bool, str, str]:
    """Whether slots get control groups: (they do, what was found, what to do)."""
    try:
        group = Group.make(64, 16)
    except Unavailable as why:
        remedy = "optional: systemd-run --user --scope -p Delegate=yes banchu ..., or run as root"
        return False, f"{why}; memory is bounded by address space alone", remedy
    group.close()
    return True, f"cgroup {group.version}: memory and number of processes of each slot", ""


def start_error(failed: Failed, isolation: Isolation) -> SandboxError:
    """The one line for the user."""
    detail, remedy = explain(failed)
    if "stage" not in failed.message:
        return SandboxError(f"the judge did not start: {detail}; {remedy}")
    return IsolationUnavailable(f"isolation {str(isolation)!r} is not available: {detail}; {remedy}")


def explain(failed: Failed) -> tuple[str, str]:
    """Cause and remedy of a cell that could not be built."""
    message = failed.message
    stage, code = message.get("stage"), message.get("errno", 0)
    detail = " ".join(str(failed).split())
    if remedy := message.get("remedy"):
        return detail, str(remedy)
    if stage in _REMEDIES:
        return detail, _REMEDIES[stage]
    if stage in ("user namespace", "uid_map", "namespaces"):
        return detail, f"{_remedy(stage, code)}; {_ALTERNATIVES}"
    return detail, _report(message)


_REMEDIES: Final = {
    "platform": "judge on Linux: a machine, a virtual machine or WSL 2; or with --isolation docker",
    "machine": "judge on x86-64 or aarch64",
    "root": f"the kernel or a container refuses mounts; run outside the container, {_ALTERNATIVES}",
    "landlock": "it takes Linux 6.2 or newer with Landlock on; ask for another isolation: --isolation docker",
    "tmp": "Python must lie where its user can read it: name another with --isolation landlock+python=/usr/bin/python3",
    "bwrap": "install bubblewrap (apt-get install bubblewrap), or ask for another isolation",
    "start": "name a Python from 3.11, as in --isolation namespaces+python=/usr/bin/python3",
}


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
