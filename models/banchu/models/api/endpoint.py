"""One HTTP exchange with one server, through the `openai` package with its own retries off.

Each request has a connection of its own. On one that is kept, a server or proxy that sends an answer twice shifts all
later answers by one: each request then gets its predecessor's (measured with httpx2 2.16, tests/models). And a kept
connection that the server has just closed loses a request, of which nobody knows whether it was worked on. A new one
costs a handshake, which is little beside the seconds that a model takes.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from banchu.models.api.address import Address
from banchu.models.api.errors import Refused, lost, refusal

if TYPE_CHECKING:
    from openai import AsyncOpenAI

_CONNECT_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer with status 200 whose body is JSON."""

    body: Any
    headers: Mapping[str, str]


class Endpoint:
    """Sends bodies and gives replies; everything else is an error with one line."""

    def __init__(self, address: Address, model: str, timeout_s: float) -> None:
        self.address = address
        self._model = model
        self._timeout_s = timeout_s
        self._client: AsyncOpenAI | None = None

    async def post(self, path: str, body: Mapping[str, Any], key: str) -> Reply:
        """One request, one answer. Raises Refused or ContextOverflow.

        Args:
            key: for `Idempotency-Key`: a server that honours it gives one answer however often it is asked.
        """
        import httpx2
        import openai

        who = f"openai:{self._model}@{self.address.url}"
        headers = {"Idempotency-Key": key, "Connection": "close"}
        try:
            # The package's own timeout is for each read: a server that drips would be read for ever.
            async with asyncio.timeout(self._timeout_s):
                response = await self.open().post(
                    path, cast_to=httpx2.Response, body=dict(body), options={"headers": headers}
                )
            return Reply(json.loads(response.content), response.headers)
        except openai.APIStatusError as error:
            raise refusal(self.address, self._model, error) from None
        except openai.APITimeoutError as error:
            if isinstance(error.__cause__, httpx2.ConnectTimeout | httpx2.PoolTimeout):
                raise lost(self.address, self._model, error.__cause__) from None
            raise self._silent(who) from None
        except TimeoutError:
            raise self._silent(who) from None
        except openai.APIConnectionError as error:
            raise lost(self.address, self._model, error.__cause__ or error) from None
        except UnicodeEncodeError:
            raise Refused(f"{who}: the prompt cannot be sent, it is not Unicode (half a surrogate pair)") from None
        except (openai.APIError, ValueError, RecursionError) as error:
            raise self.unreadable(error) from None

    def unreadable(self, why: object) -> Refused:
        """An answer came that is none."""
        who = f"openai:{self._model}@{self.address.url}"
        return Refused(f"{who}: the answer is not what the protocol says ({self.address.said(why)})", "lost")

    async def aclose(self) -> None:
        client, self._client = self._client, None
        if client:
            await client.close()

    def _silent(self, who: str) -> Refused:
        return Refused(f"{who}: no answer within {self._timeout_s:g} s", "lost", timed_out=True)

    def open(self) -> AsyncOpenAI:
        """The client. The first time takes a second of imports, which is better spent before a call has its turn."""
        if self._client is None:
            import httpx2
            from openai import AsyncOpenAI

            self._client = AsyncOpenAI(
                base_url=self.address.url,
                api_key=self.address.key or "none",
                max_retries=0,
                timeout=httpx2.Timeout(self._timeout_s, connect=min(_CONNECT_S, self._timeout_s)),
            )
        return self._client
