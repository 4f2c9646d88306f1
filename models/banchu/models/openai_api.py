"""Any OpenAI-compatible endpoint through the `openai` package.

Chats go to /chat/completions, raw text to /completions. Relies on neither `n` nor /models. How many calls are in flight
and how many are sent in a second follows from what the server bears (`api/gate.py`); tenacity's retries are the only
ones, so a limit is counted once.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from banchu.core.chat import Completion, Request
from banchu.core.errors import ConfigError, ModelError
from banchu.models.api.address import Address
from banchu.models.api.answers import Unreadable, read_answer
from banchu.models.api.backoff import Backoff
from banchu.models.api.body import body_of, idempotency_key, path_of, prefilled
from banchu.models.api.dialect import Dialect
from banchu.models.api.endpoint import Endpoint, Reply
from banchu.models.api.errors import Refused
from banchu.models.api.estimate import Estimate
from banchu.models.api.gate import Gate, Turn
from banchu.models.api.headers import allowance
from banchu.models.api.tally import Tally
from banchu.models.protocol import PromptStyle


class OpenAIModel:
    """One model behind one endpoint.

    Tokens are the server's own count; a server that reports none leaves them 0. The seed is sent with every request;
    whether the same request gives the same answer is the server's affair.

    Args:
        timeout_s: for one request.
        max_retries: of a call, after failures other than a 429; 0: no retry at all.
        patience_s: how long a call is tried again, 429s included.
        max_connections: requests in flight at most; how many there are is adapted to what the server bears.
        max_rpm, max_tpm: requests and tokens in any minute at most; None: as the server bears.
        omit: fields that the model does not take, beside those that its server will name.

    Raises:
        ConfigError: no key where one is needed, or one that cannot be sent; an address that is none or holds one; a
            limit below 1.
    """

    def __init__(
        self,
        name: str,
        *,
        base_url: str | None = None,
        api_key_env: str = "OPENAI_API_KEY",
        prompt_style: PromptStyle = "chat",
        timeout_s: float = 600.0,
        max_retries: int = 6,
        patience_s: float = 1800.0,
        max_connections: int = 256,
        max_rpm: int | None = None,
        max_tpm: int | None = None,
        omit: Iterable[str] = (),
    ) -> None:
        for option, value in (("connections", max_connections), ("rpm", max_rpm), ("tpm", max_tpm)):
            if value is not None and value < 1:
                raise ConfigError(f"--max-{option} {value} is too small; the least is 1")
        self._name = name
        self._address = Address(base_url, api_key_env, name)
        self._style: PromptStyle = prompt_style
        self._endpoint = Endpoint(self._address, name, timeout_s)
        self._gate = Gate(max_connections, max_rpm, max_tpm)
        self._omit = sorted(omit)
        self._dialect = Dialect(self._omit)
        self._estimate = Estimate()
        self._max_retries = max_retries
        self._patience_s = patience_s
        self.tally = Tally()

    @property
    def id(self) -> str:
        without = f" without {','.join(self._omit)}" if self._omit else ""
        return f"openai:{self._name}@{self._address.url}{without}"

    @property
    def takes_tools(self) -> bool:
        return True

    @property
    def prompt_style(self) -> PromptStyle:
        return self._style

    @property
    def notes(self) -> list[str]:
        """What a report should say: fields that were not sent, and answers that may have been paid for twice."""
        found = self._dialect.notes()
        if self.tally.repeats:
            found.append(
                f"{self.tally.repeats} of {self.tally.sent} requests went out again because their answers were lost on "
                f"the way; the server may have charged both"
            )
        return found

    async def complete(self, request: Request) -> Completion:
        """As `Model.complete`. Raises also NotSent, where the model is drained while the call waits."""
        self._endpoint.open()
        body = prefilled(body_of(request, self._name), request.prefill)
        call = _Call(request, body, self._gate.ticket(), Backoff(self._max_retries, self._patience_s))
        try:
            completion: Completion = await call.backoff.retrying(self._gate.rest)(self._attempt, call)
        except Refused as error:
            raise call.backoff.told(error) from None
        return completion

    def drain(self) -> None:
        """Send nothing more: calls that wait for their turn or their next attempt raise NotSent."""
        self._gate.drain()

    async def aclose(self) -> None:
        await self._endpoint.aclose()

    async def _attempt(self, call: _Call) -> Completion:
        while True:
            body = self._dialect.spell(call.body)
            turn = await self._gate.enter(call.ticket, self._estimate.of(call.request))
            try:
                return await self._exchange(call, body, turn)
            except Refused as error:
                # Asked again at once: a field that is not taken is no failure of the server's.
                if not self._dialect.learn(error, body):
                    raise
            finally:
                turn.left()

    async def _exchange(self, call: _Call, body: dict[str, Any], turn: Turn) -> Completion:
        self._begin(call)
        begun = time.monotonic()
        try:
            reply = await self._endpoint.post(path_of(call.request), body, idempotency_key(self._address.url, body))
            completion = self._read(call.request, body, reply, time.monotonic() - begun)
        except Refused as error:
            self.tally.failed(error.trouble)
            call.lost = error.trouble == "lost"
            turn.refused(error)
            raise
        except ModelError:
            self.tally.failed("final")
            raise
        except BaseException:  # cancelled
            self.tally.failed("lost")
            raise
        self.tally.answered += 1
        self._estimate.learn(call.request, completion.usage)
        turn.answered(completion.usage.prompt_tokens, completion.usage.completion_tokens)
        for what in ("requests", "tokens"):
            self._gate.told(what, allowance(reply.headers, what))
        return completion

    def _begin(self, call: _Call) -> None:
        call.backoff.sent()
        self.tally.sent += 1
        self.tally.repeats += call.lost

    def _read(self, request: Request, body: dict[str, Any], reply: Reply, wall_s: float) -> Completion:
        cuts = () if "stop" in body else request.sampling.stop
        try:
            return read_answer(reply.body, request, wall_s, cuts)
        except Unreadable as error:
            raise self._endpoint.unreadable(error) from None


class _Call:
    """One call through all its attempts."""

    def __init__(self, request: Request, body: dict[str, Any], ticket: int, backoff: Backoff) -> None:
        self.request = request
        self.body = body
        self.ticket = ticket
        self.backoff = backoff
        self.lost = False
        """Whether the last attempt's answer was lost, so that the next may be paid for twice."""
