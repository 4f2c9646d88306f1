"""What a token costs, and what nobody knows."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from banchu.core.chat import Usage
from banchu.core.errors import ConfigError
from banchu.experiments.prices import FREE, Prices, Rate, read_prices

OPENAI = "https://api.openai.com/v1"


def test_a_listed_model_has_the_price_of_whom_the_address_pays() -> None:
    rate = Prices().rate(f"openai:gpt-4o-mini@{OPENAI}")
    assert rate
    assert rate.of(Usage(1_000_000, 0)) == Decimal("0.15")
    assert rate.of(Usage(0, 1_000_000)) == Decimal("0.60")
    assert Prices().rate(f"openai:gpt-4o-mini@{OPENAI} without temperature,top_p") == rate


@pytest.mark.parametrize(
    "model",
    [f"openai:my-own@{OPENAI}", "openai:gpt-4o-mini@http://127.0.0.1:8000/v1", "mine:gpt-4o-mini", "gpt-4o-mini"],
)
def test_a_price_that_is_on_no_list_is_unknown_and_not_0(model: str) -> None:
    assert Prices().rate(model) is None


@pytest.mark.parametrize("model", ["smollm2@0123", "hf:./checkpoint@0123", "scripted:a.jsonl@0123"])
def test_models_of_this_machine_and_fakes_cost_nothing_unless_the_user_says_so(model: str) -> None:
    assert Prices().rate(model) is FREE
    own = Rate(Decimal(1), Decimal(2))
    assert Prices({model.partition(":")[0]: own}).rate(model) == own


def test_a_name_that_begins_like_a_local_model_is_not_one() -> None:
    assert Prices().rate("smollm2-hosted:x") is None


def test_the_users_file_wins_and_the_longest_beginning_in_it(tmp_path: Path) -> None:
    file = tmp_path / "prices.toml"
    file.write_text('["openai:gpt-4o"]\ninput = 100\noutput = 200\n["openai:gpt-4o-mini"]\ninput = 0.1\noutput = 0\n')
    prices = read_prices(file)
    mini, other = prices.rate(f"openai:gpt-4o-mini@{OPENAI}"), prices.rate(f"openai:gpt-4o@{OPENAI}")
    assert mini == Rate(Decimal("0.0000001"), Decimal(0))
    assert other == Rate(Decimal("0.0001"), Decimal("0.0002"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x =", ["is not TOML"]),
        ("", ["holds no price"]),
        ('["a"]\ninput = 1\n', ["'a'", "has input", "input and output"]),
        ('["a"]\ninput = 1\noutput = -2\n', ["'a'", "output -2", "0 or more"]),
        ('["a"]\ninput = "cheap"\noutput = 2\n', ["'a'", "input 'cheap'", "per million"]),
        ('["a"]\ninput = true\noutput = 2\n', ["input True"]),
        ('["a"]\ninput = 1\noutput = nan\n', ["output nan"]),
        ("a = 3\n", ["'a'", "is 3"]),
        ('["a"]\n', ["has nothing"]),
    ],
)
def test_a_file_that_cannot_be_used_is_told_with_field_value_and_remedy(
    tmp_path: Path, text: str, told: list[str]
) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_prices(file)
    assert "\n" not in str(caught.value)
    for words in ("--prices", "prices.toml", *told):
        assert words in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--prices '.*none.toml' cannot be read: .*; check the path"):
        read_prices(tmp_path / "none.toml")
