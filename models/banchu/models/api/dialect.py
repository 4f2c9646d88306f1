"""Which fields of a request one model refuses: told by the user, or learned from the server's own refusal, once.

Reasoning models take neither `temperature` nor `top_p`, and `max_completion_tokens` in the place of `max_tokens`; some
servers know no `seed`. Fields that change what is asked for (messages, tools, a schema, logprobs) are never left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from banchu.core.errors import unknown
from banchu.models.api.errors import Refused

OMITTABLE: Final = ("temperature", "top_p", "max_tokens", "seed", "stop")
_LONGER: Final = "max_completion_tokens"
"""What `max_tokens` is called where that is refused. A model that takes neither is not asked: answers without a limit
cost what they like."""
_UNSUPPORTED: Final = re.compile(
    r"unsupported|not supported|does not support|unrecognized|unknown|unexpected|not permitted|not allowed"
    r"|extra_forbidden|deprecated|only the default",
    re.IGNORECASE,
)


class Dialect:
    """What one model takes.

    Args:
        omit: fields never to be sent; `max_tokens` goes as `max_completion_tokens`.

    Raises:
        ConfigError: one that cannot be left out.
    """

    def __init__(self, omit: Iterable[str] = ()) -> None:
        self._omitted: set[str] = set()
        self._learned: set[str] = set()
        for name in omit:
            if name not in OMITTABLE:
                raise unknown("field in --omit", name, OMITTABLE)
            self._omitted.add(name)

    def spell(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """The fields as this model takes them."""
        spelled = {name: value for name, value in fields.items() if name not in self._omitted}
        if "max_tokens" in fields and "max_tokens" in self._omitted:
            spelled[_LONGER] = fields["max_tokens"]
        return spelled

    def learn(self, error: Refused, sent: Mapping[str, Any]) -> bool:
        """Whether `error` says that a field of `sent` is not taken, and asking without it is worth a try."""
        if error.status not in {400, 422} or not _UNSUPPORTED.search(str(error)):
            return False
        for name in OMITTABLE:
            if name in sent and (error.parameter == name or (not error.parameter and _names(str(error), name))):
                self._omitted.add(name)
                self._learned.add(name)
                return True
        return False

    def notes(self) -> list[str]:
        """What the user should know: the sampling is not what was asked for."""
        found = [
            f"{name} is not sent: the model refuses it"
            for name in ("temperature", "top_p", "seed")
            if name in self._learned
        ]
        if "stop" in self._learned:
            found.append(
                "stop is not sent: the model refuses it; answers are cut here, after all their tokens were paid"
            )
        return found


def _names(text: str, name: str) -> bool:
    # The first name that is quoted or stands alone; "use 'max_completion_tokens' instead" comes after it.
    found = re.search(r"\b(" + "|".join((*OMITTABLE, _LONGER)) + r")\b", text)
    return found is not None and found.group(1) == name
