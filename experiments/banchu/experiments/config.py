"""What a run is: everything that may change a number in it, and how two of them differ."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

from banchu.core.arm import Arm
from banchu.core.chat import Sampling
from banchu.core.errors import ConfigError
from banchu.experiments.episode_budget import EpisodeBudget
from banchu.experiments.prices import rate_of
from banchu.experiments.split import check_memory


@dataclass(frozen=True, slots=True)
class RunConfig:
    """The resolved configuration, kept in the ledger. Equal configurations are the same run."""

    benchmark: str
    """Its name."""
    benchmark_digest: str
    """sha256 of its content, sealed tests included."""
    tasks: tuple[str, ...]
    """Task ids, in order."""
    model: str
    """The model's id, with what identifies its weights or endpoint."""
    style: str
    """How code is asked for: chat or completion."""
    arms: tuple[str, ...]
    """Names of the arms."""
    rounds: int = 2
    """Attempts after the first."""
    repeats: int = 1
    """Episodes of each arm on each task, with other seeds."""
    seed: int = 0
    """Every seed of the run derives from it."""
    sampling: Sampling = field(default_factory=Sampling)
    """Temperature, top_p and max_tokens of the actor; critic and reflector use the same temperature."""
    prompts: str = ""
    """sha256 of the prompt files."""
    limits: dict[str, Any] = field(default_factory=dict)
    """The judge's limits."""
    isolation: str = "namespaces"
    """The tier that the judge was asked for."""
    confirm: int = 1
    """Times each attempt is judged."""
    critic: str = ""
    """The id of the model that reviews answers; empty: `model`."""
    reflector: str = ""
    """The id of the model that writes lessons; empty: `model`."""
    episode_usd: float | None = None
    """The most that one episode may cost; None: no limit."""
    episode_tokens: int | None = None
    """The most tokens of prompts and answers that one episode may use; None: no limit."""
    episode_seconds: float | None = None
    """Seconds inside model calls after which an episode begins no other; None: no limit."""
    episode_rates: dict[str, dict[str, str]] = field(default_factory=dict)
    """With `episode_usd`: USD a token, and a call, by model, as they were when the run began."""
    tools: dict[str, Any] = field(default_factory=dict)
    """What the tools of the run are and how they are called, as `Kit.to_json` has it; {}: no arm uses any."""
    memory_train: int = 0
    """With memory across tasks: how many of the tasks write lessons, and are not measured."""
    memory_order: int = 0
    """The seed of the order in which those count as older and younger."""
    memory_file: str = ""
    """sha256 of the lessons that arms with memory=file read; empty: none do."""
    embedder: str = ""
    """The id of what finds lessons besides their words; empty: words alone."""

    def __post_init__(self) -> None:
        for name, least in (("rounds", 0), ("repeats", 1), ("confirm", 1)):
            if getattr(self, name) < least:
                raise ConfigError(f"--{name} {getattr(self, name)} is too small; the least is {least}")
            if getattr(self, name) > _MOST:
                raise ConfigError(f"--{name} {str(getattr(self, name))[:40]} is too large; the most is {_MOST:,}")
        if not 0 <= self.sampling.temperature <= 2:
            raise ConfigError(f"--temperature {self.sampling.temperature} is outside 0 to 2")
        if not 0 < self.sampling.top_p <= 1:
            raise ConfigError(f"--top-p {self.sampling.top_p} is outside (0, 1]")
        if self.sampling.max_tokens < 1:
            raise ConfigError(f"--max-tokens {self.sampling.max_tokens} is too small; the least is 1")
        _ = self.episode_budget  # refuses what is none
        if any("memory" in arm for arm in self.arms) or any(getattr(self, name) for name in _OF_MEMORY):
            check_memory(self)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, equal after a round trip through a file."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        for name, usual in _LATER.items():
            if plain[name] == usual:
                del plain[name]  # runs that are older than the option are the same runs
        return plain

    @property
    def digest(self) -> str:
        """sha256 of the configuration; names the run's folder."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()

    @property
    def parsed_arms(self) -> tuple[Arm, ...]:
        """The arms, each with what the run knows of it: whether a tool of its own knows the answer."""
        arms = tuple(Arm.parse(name) for name in self.arms)
        if not self.tools.get("oracles"):
            return arms
        return tuple(replace(arm, oracle_tool=True) if arm.uses_tools else arm for arm in arms)

    @property
    def episode_budget(self) -> EpisodeBudget:
        rates = {model: rate_of(plain) for model, plain in self.episode_rates.items()}
        return EpisodeBudget(self.episode_usd, self.episode_tokens, self.episode_seconds, rates)


_MOST: Final = 999_999
_OF_MEMORY: Final = ("memory_train", "memory_order", "memory_file", "embedder")
_LATER: Final[dict[str, Any]] = {
    "confirm": 1,
    "critic": "",
    "reflector": "",
    "episode_usd": None,
    "episode_tokens": None,
    "episode_seconds": None,
    "episode_rates": {},
    "tools": {},
    "memory_train": 0,
    "memory_order": 0,
    "memory_file": "",
    "embedder": "",
}
"""Options that came later, with what they were before."""


def config_of(stored: dict[str, Any]) -> RunConfig:
    """The configuration that `to_json` wrote."""
    values = dict(stored)
    values["sampling"] = Sampling(**{**values["sampling"], "stop": tuple(values["sampling"]["stop"])})
    return RunConfig(**{**values, "tasks": tuple(values["tasks"]), "arms": tuple(values["arms"])})


def differences(stored: RunConfig, now: RunConfig) -> list[str]:
    """One line for each key that differs, with both values; empty: the same run."""
    old, new = _flat(stored.to_json()), _flat(now.to_json())
    keys = dict.fromkeys((*old, *new))
    return [f"{k}: {_short(old.get(k))} then, {_short(new.get(k))} now" for k in keys if old.get(k) != new.get(k)]


def _flat(plain: dict[str, Any]) -> dict[str, Any]:
    """With each key of what the tools are as one of its own: two boxes may differ in one digest alone."""
    tools = plain.pop("tools", {})
    return {**plain, **{f"tools.{key}": value for key, value in tools.items()}}


def _short(value: Any) -> str:
    text = "not set" if value is None else json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."
