"""What makes two runs the same run."""

from __future__ import annotations

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


def test_confirm_below_1_is_refused() -> None:
    with pytest.raises(ConfigError, match="--confirm 0 is too small; the least is 1"):
        config_of({**CONFIG.to_json(), "confirm": 0})
