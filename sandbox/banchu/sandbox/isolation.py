"""What a user asks of isolation: a tier and its options, such as `docker+runtime=runsc`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from banchu.core.errors import ConfigError, unknown

ISOLATIONS: Final[dict[str, str]] = {
    "namespaces": "own user, mount, pid, network, IPC and UTS namespaces; Landlock, seccomp, rlimits (the default)",
    "landlock": "where user namespaces are forbidden: Landlock, seccomp, rlimits and a folder of the slot's own",
    "bwrap": "as landlock, inside bubblewrap's namespaces",
    "docker": "one warm container a slot, with the same cell inside",
}
"""Tier: what holds a candidate there."""

_OPTIONS: Final[dict[str, tuple[str, ...]]] = {
    "namespaces": ("python",),
    "landlock": ("python",),
    "bwrap": ("python",),
    "docker": ("image", "runtime", "transport"),
}


@dataclass(frozen=True)
class Isolation:
    """One way to hold a candidate. `str()` is the specification in its canonical form."""

    tier: str = "namespaces"
    options: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return "+".join([self.tier, *(f"{name}={value}" for name, value in sorted(self.options.items()))])


def parse_isolation(text: str) -> Isolation:
    """The isolation that a specification names. Raises ConfigError."""
    tier, *parts = text.split("+")
    if tier not in ISOLATIONS:
        raise unknown("isolation", tier, ISOLATIONS)
    options: dict[str, str] = {}
    for part in parts:
        name, equals, value = part.partition("=")
        if name not in _OPTIONS[tier]:
            raise unknown(f"option of isolation {tier!r}", name, _OPTIONS[tier])
        if not (equals and value):
            raise ConfigError(f"isolation {text!r}: option {name!r} needs a value, as in {tier}+{name}=...")
        options[name] = value
    return Isolation(tier, options)
