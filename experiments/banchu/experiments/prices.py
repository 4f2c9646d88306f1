"""What a token costs: a user's own file first, then the lists of genai-prices. An unknown price is unknown, not 0.

genai-prices (MIT) holds list prices in its package, so nothing is asked over the network. A rate is that of a short
call at this moment: discounts for cached prompts or batches, and surcharges for prompts of 100,000 tokens, are not in.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from banchu.core.chat import Usage
from banchu.core.errors import ConfigError

_FREE: Final = re.compile(r"smollm2(?:@|$)|hf:|vllm:|scripted:")
"""Models of this machine, and fakes: nobody sends a bill for them. What the machine costs is not counted."""
_ENDPOINT: Final = re.compile(r"openai:(?P<name>.+)@(?P<url>https?://\S+)(?: without \S+)?")
_MILLION: Final = 1_000_000
_PROBE: Final = 1000
"""Tokens of the call whose price is asked: below every tier."""
_SHAPE: Final = '["openai:NAME"]\ninput = 0.15\noutput = 0.60'


@dataclass(frozen=True, slots=True)
class Rate:
    """What a model's tokens cost in USD."""

    input: Decimal
    """A token of a prompt."""
    output: Decimal
    """A token of an answer."""
    call: Decimal = Decimal(0)
    """A call, whatever its length."""

    def of(self, usage: Usage, calls: int = 1) -> Decimal:
        """USD for so many tokens of so many calls."""
        return self.input * usage.prompt_tokens + self.output * usage.completion_tokens + self.call * calls

    def to_json(self) -> dict[str, str]:
        """Decimals as text, for `rate_of`."""
        return {name: str(value) for name, value in asdict(self).items()}


def rate_of(plain: Mapping[str, str]) -> Rate:
    """The rate that `to_json` wrote."""
    return Rate(**{name: Decimal(value) for name, value in plain.items()})


FREE: Final = Rate(Decimal(0), Decimal(0))


class Prices:
    """Rates by a model's id.

    Args:
        own: the user's, by id or by how ids begin; the longest that fits wins, over every list.
    """

    def __init__(self, own: Mapping[str, Rate] | None = None) -> None:
        self._own = dict(own or {})
        self._known: dict[str, Rate | None] = {}

    def rate(self, model: str) -> Rate | None:
        """The rate of the model with this id; None: nobody knows it."""
        if model not in self._known:
            self._known[model] = self._find(model)
        return self._known[model]

    def rates(self, models: Iterable[str], asked: str) -> dict[str, Rate]:
        """The rate of each model.

        Args:
            asked: the option that needs them, as it was written.

        Raises:
            ConfigError: nobody knows the price of one.
        """
        found = {}
        for model in models:
            if (rate := self.rate(model)) is None:
                name = model.partition("@")[0]
                raise ConfigError(
                    f"{asked}: the price of {model!r} is not known; write it into a file, as [{name!r}] with "
                    f"input = USD and output = USD per million tokens, and give that with --prices FILE"
                )
            found[model] = rate
        return found

    def _find(self, model: str) -> Rate | None:
        own = max((begin for begin in self._own if model.startswith(begin)), key=len, default=None)
        if own is not None:
            return self._own[own]
        if _FREE.match(model):
            return FREE
        endpoint = _ENDPOINT.fullmatch(model)
        return _listed(endpoint["name"], endpoint["url"]) if endpoint else None


def read_prices(path: Path | None) -> Prices:
    """Prices with a user's TOML file: a table for each model id, or beginning of ids, with `input` and `output` in USD
    per million tokens. None: the lists alone.

    Raises:
        ConfigError: the file cannot be read, or holds something else; names file, field, value and remedy.
    """
    if path is None:
        return Prices()
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"--prices {str(path)!r} cannot be read: {error.strerror}; check the path") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"--prices {str(path)!r} is not TOML ({error}); write tables such as {_SHAPE!r}") from None
    if not tables:
        raise ConfigError(f"--prices {str(path)!r} holds no price; write tables such as {_SHAPE!r}")
    return Prices({name: _rate(table, f"--prices {str(path)!r}, {name!r}") for name, table in tables.items()})


def _rate(table: Any, where: str) -> Rate:
    if not isinstance(table, dict) or set(table) != {"input", "output"}:
        found = f"has {', '.join(table) or 'nothing'}" if isinstance(table, dict) else f"is {table!r}"
        raise ConfigError(f"{where} {found}; it must have input and output, as in {_SHAPE!r}")
    values = []
    for name in ("input", "output"):
        value = table[name]
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
            raise ConfigError(f"{where}: {name} {value!r} is no price; write USD per million tokens, 0 or more")
        values.append(Decimal(str(value)) / _MILLION)
    return Rate(*values)


def _listed(name: str, url: str) -> Rate | None:
    """From the lists. The address says who is paid: a server of one's own is on none of them, whatever it serves."""
    from genai_prices import Usage as Counted
    from genai_prices import calc_price

    try:
        found = calc_price(Counted(input_tokens=_PROBE, output_tokens=_PROBE), name, provider_api_url=url)
    except (LookupError, ValueError):  # no such provider or model; one that is not paid by the token
        return None
    call = found.total_price - found.input_price - found.output_price
    return Rate(found.input_price / _PROBE, found.output_price / _PROBE, call)
