"""What a user asks for, and the configuration that comes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Final

from banchu.agents import prompts
from banchu.benchmarks import Benchmark
from banchu.core.arm import Arm, parse_arms
from banchu.core.chat import Sampling
from banchu.core.errors import DataError
from banchu.experiments.config import RunConfig
from banchu.experiments.ledger import LEDGER_NAME, Ledger
from banchu.experiments.memory_file import check_labels
from banchu.experiments.prices import Prices
from banchu.experiments.spending import models_of
from banchu.experiments.split import writers
from banchu.experiments.team import Team
from banchu.experiments.tools.kit import Kit
from banchu.experiments.tools.options import ToolOptions
from banchu.memory.files import digest_of
from banchu.models import Model, PromptStyle
from banchu.models.registry import ModelOptions
from banchu.sandbox import Limits

_MAX_TOKENS: Final[dict[PromptStyle, int]] = {"chat": 1024, "completion": 192}


@dataclass(frozen=True, slots=True)
class Invocation:
    """What a user asks for. Kept in the ledger, so that `resume` needs the folder only."""

    benchmark: str
    """`humaneval`, `mbpp:FILE`, or a .jsonl file in HumanEval's format."""
    model: str
    """`smollm2`, `hf:PATH_OR_ID`, `openai:NAME`."""
    arms: str = "none,intrinsic,oracle_trace"
    """Comma-separated."""
    rounds: int = 2
    """Attempts after the first."""
    repeats: int = 1
    limit: int | None = None
    """Only the first tasks."""
    tasks: tuple[str, ...] = ()
    """Only these tasks; ids may be short, such as `3`."""
    seed: int = 0
    temperature: float = 0.2
    top_p: float = 1.0
    max_tokens: int | None = None
    """Length of one answer; None: 1024 in chat, 192 for raw text, where small models seldom stop by themselves."""
    model_options: ModelOptions = field(default_factory=ModelOptions)
    isolation: str = "namespaces"
    """What holds a candidate, with its options, such as `docker+runtime=runsc`."""
    confirm: int = 1
    """Times each attempt is judged, with other random seeds; where the verdicts differ it is `flaky`."""
    critic: str | None = None
    """A second model that reviews answers, as `model`; None: `model` itself does."""
    reflector: str | None = None
    """A second model that writes lessons, as `model`; None: `model` itself does."""
    episode_usd: float | None = None
    """The most that one episode may cost, at what models cost when the run begins; None: no limit."""
    episode_tokens: int | None = None
    """The most tokens that one episode may use; None: no limit."""
    episode_time: float | None = None
    """Seconds inside model calls after which an episode begins no other; None: no limit."""
    tools: ToolOptions = field(default_factory=ToolOptions)
    """Tools for arms that use them."""

    memory_train: str = ""
    """With memory across tasks: how many of the tasks write lessons, as a number or a fraction."""
    memory_order: int = 0
    """The seed of the order in which those count as older and younger."""
    memory_file: str = ""
    """The file, or FILE.py:NAME of a store, that arms with memory=file read."""
    embedder: str = "none"
    """What finds lessons besides their words: `none`, `hashed`, `minilm`, `hf:PATH_OR_ID`, `openai:NAME`."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def config_of_run(
    invocation: Invocation,
    benchmark: Benchmark,
    team: Team,
    prices: Prices | None = None,
    then: RunConfig | None = None,
    kit: Kit | None = None,
) -> RunConfig:
    """The configuration of a run. Raises ConfigError where an episode may cost USD and a price is not known.

    Args:
        then: of a run that goes on: its episodes are charged what tokens cost when it began.
        kit: the run's tools, where an arm uses any.
    """
    model, arms = team.actor, parse_arms(invocation.arms)
    config = RunConfig(
        benchmark=benchmark.name,
        benchmark_digest=benchmark.digest,
        tasks=tuple(pair.task.id for pair in benchmark.tasks),
        model=model.id,
        style=model.prompt_style,
        arms=tuple(arm.name for arm in arms),
        rounds=invocation.rounds,
        repeats=invocation.repeats,
        seed=invocation.seed,
        sampling=Sampling(invocation.temperature, invocation.top_p, _max_tokens(invocation, model)),
        prompts=prompts.digest(*_later_prompts(arms)),
        limits=asdict(Limits()),
        isolation=invocation.isolation,
        confirm=invocation.confirm,
        critic=_other(team.critic, model),
        reflector=_other(team.reflector, model),
        episode_tokens=invocation.episode_tokens,
        episode_seconds=invocation.episode_time,
        tools=kit.to_json() if kit else {},
        memory_train=writers(invocation.memory_train, len(benchmark.tasks)) if invocation.memory_train else 0,
        memory_order=invocation.memory_order,
        memory_file=digest_of(team.lasting) if team.lasting else "",
        embedder=team.embedder.id if team.embedder else "",
    )
    check_labels(arms, team.lasting)
    if (usd := invocation.episode_usd) is None:
        return config
    if then:
        return replace(config, episode_usd=usd, episode_rates=then.episode_rates)
    rates = (prices or Prices()).rates(models_of(config).values(), f"--episode-usd {usd:g}")
    return replace(config, episode_usd=usd, episode_rates={model: rate.to_json() for model, rate in rates.items()})


def _later_prompts(arms: Sequence[Arm]) -> list[str]:
    """Those prompts of `LATER` that these arms use."""
    recalls, condenses = any(arm.recalls for arm in arms), any(arm.summary != "off" for arm in arms)
    return [*(["notes_lessons"] if recalls else []), *(["reflector_condense"] if condenses else [])]


def _other(model: Model, actor: Model) -> str:
    return "" if model.id == actor.id else model.id


def _max_tokens(invocation: Invocation, model: Model) -> int:
    return _MAX_TOKENS[model.prompt_style] if invocation.max_tokens is None else invocation.max_tokens


def stored_invocation(ledger: Ledger) -> Invocation:
    """What a run was started with. Raises DataError."""
    stored = ledger.meta("invocation")
    if not stored:
        raise DataError(f"{str(ledger.path.parent / LEDGER_NAME)!r} does not say how it was started; use `banchu run`")
    known = {f.name for f in fields(Invocation)}
    values = {key: value for key, value in stored.items() if key in known}
    values["tasks"] = tuple(values["tasks"])
    values["model_options"] = ModelOptions(**values["model_options"])
    if told := values.get("tools"):
        values["tools"] = ToolOptions(**{**told, "tools": tuple(told["tools"]), "mcp": tuple(told["mcp"])})
    return Invocation(**values)
