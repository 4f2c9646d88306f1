"""The ways around the wall that a run's options leave open: said before it starts, and beside its figures."""

from __future__ import annotations

from typing import Final

from banchu.experiments.config import RunConfig

TIMED: Final = (
    "--episode-time: how busy this machine is, judging on the sealed tests included, has a say in when an episode "
    "ends, also without an oracle; --episode-tokens has no such way in"
)
CARRIED: Final = (
    "{tools}: made once for all arms of the run, so what {oracles} told of the sealed tests may come back in {others}; "
    "run the oracle arms apart, or say stateless=True of a tool that keeps nothing (docs/tools.md)"
)


def ways_around(config: RunConfig) -> list[str]:
    """A line for each."""
    found = [] if config.episode_seconds is None else [TIMED]
    shared = config.tools.get("shared", [])
    arms = [arm for arm in config.parsed_arms if arm.uses_tools]
    oracles, others = ([arm.name for arm in arms if arm.uses_oracle is known] for known in (True, False))
    if shared and oracles and others:
        named = {"tools": shared, "oracles": oracles, "others": others}
        found.append(CARRIED.format(**{key: ", ".join(names) for key, names in named.items()}))
    return found
