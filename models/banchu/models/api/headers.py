"""What a server's headers say of waiting and of limits."""

from __future__ import annotations

import email.utils
import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks to wait, or None where it does not say.

    `Retry-After-Ms` in milliseconds, else `Retry-After` in seconds or as a date (RFC 9110, 10.2.3). A date is taken
    against the server's own `Date`, since clocks differ.
    """
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        seconds = _number(headers.get(name, ""))
        if seconds is not None:
            return seconds * unit
    then = _date(headers.get("retry-after", ""))
    if then is None:
        return None
    now = _date(headers.get("date", ""))
    return max(0.0, then - (time.time() if now is None else now))


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of a limit."""

    limit: float
    remaining: float
    reset_s: float
    """Until all of it is there again."""

    @property
    def per_s(self) -> float:
        """How fast it comes back; infinite where nothing is missing."""
        return (self.limit - self.remaining) / self.reset_s if self.reset_s > 0 else math.inf

    @property
    def is_low(self) -> bool:
        return self.remaining <= 0.1 * self.limit


def allowance(headers: Mapping[str, str], of: Literal["requests", "tokens"]) -> Allowance | None:
    """`x-ratelimit-*` as OpenAI, Azure and Groq send it; None where it is not there, or cannot be read."""
    limit, remaining = (_number(headers.get(f"x-ratelimit-{part}-{of}", "")) for part in ("limit", "remaining"))
    reset_s = _duration(headers.get(f"x-ratelimit-reset-{of}", ""))
    if not limit or remaining is None or reset_s is None or remaining > limit:
        return None
    return Allowance(limit, remaining, reset_s)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return max(0.0, number) if math.isfinite(number) else None


def _duration(text: str) -> float | None:
    """Seconds of "6m0s", "20ms" or "1.5"."""
    if (plain := _number(text)) is not None:
        return plain
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text.strip():
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def _date(text: str) -> float | None:
    try:
        return email.utils.parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None
