"""What makes two runs the same run."""

from __future__ import annotations

from typing import Any

import pytest

from banchu.core.errors import ConfigError
from banchu.experiments.config import RunConfig, config_of, differences

CONFIG = RunConfig("humaneval", "sha", ("HumanEval/0",), "scripted", "chat", ("none",))


def test_a_run_from_before_an_option_is_the_same_run() -> None:
    stored = CONFIG.to_json()
    assert not {"confirm", "critic", "reflector"} & set(stored)
    assert config_of(stored) == CONFIG
    assert config_of(stored).digest == CONFIG.digest


def test_judging_every_attempt_several_times_is_another_run() -> None:
    confirmed = config_of({**CONFIG.to_json(), "confirm": 3})
    assert confirmed.digest != CONFIG.digest
    assert config_of(confirmed.to_json()) == confirmed
    assert differences(CONFIG, confirmed) == ["confirm: not set then, 3 now"]
    assert differences(confirmed, CONFIG) == ["confirm: 3 then, not set now"]


@pytest.mark.parametrize("part", ["critic", "reflector"])
def test_a_second_model_makes_another_run(part: str) -> None:
    helped = config_of({**CONFIG.to_json(), part: "openai:other"})
    assert helped.digest != CONFIG.digest
    assert config_of(helped.to_json()) == helped
    assert differences(CONFIG, helped) == [f'{part}: not set then, "openai:other" now']


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"episode_tokens": 3000}, "episode_tokens: not set then, 3000 now"),
        ({"episode_seconds": 90.0}, "episode_seconds: not set then, 90.0 now"),
        ({"episode_usd": 0.02, "episode_rates": {"m": {"input": "1E-7", "output": "0", "call": "0"}}}, "episode_usd"),
    ],
)
def test_what_an_episode_may_use_makes_another_run(values: dict[str, Any], told: str) -> None:
    assert not [key for key in CONFIG.to_json() if key.startswith("episode")]
    bounded = config_of({**CONFIG.to_json(), **values})
    assert bounded.digest != CONFIG.digest
    assert config_of(bounded.to_json()) == bounded
    assert bounded.episode_budget
    assert not CONFIG.episode_budget
    assert differences(CONFIG, bounded)[0].startswith(told)


def test_confirm_below_1_is_refused() -> None:
    with pytest.raises(ConfigError, match="--confirm 0 is too small; the least is 1"):
        config_of({**CONFIG.to_json(), "confirm": 0})


@pytest.mark.parametrize("name", ["rounds", "repeats", "confirm"])
def test_a_run_that_nobody_would_see_end_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=f"--{name} 1000000 is too large; the most is 999,999"):
        config_of({**CONFIG.to_json(), name: 1_000_000})
