"""Any OpenAI-compatible endpoint through the `openai` package.

Chats go to /chat/completions, raw text to /completions. Relies on neither `n` nor /models. The package's own retries
are off: tenacity's are the only ones, so a limit is counted once.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit

from banchu.core.chat import Completion, FinishReason, Request, Usage
from banchu.core.errors import ConfigError, ContextOverflow, ModelError
from banchu.models.protocol import PromptStyle

if TYPE_CHECKING:
    from openai import APIStatusError, AsyncOpenAI
    from tenacity import RetryCallState

DEFAULT_URL: Final = "https://api.openai.com/v1"
_RETRYABLE: Final = frozenset({408, 409, 429})
_OVERFLOW: Final = (
    *("context length", "context_length", "context size", "context window", "maximum context"),
    *("too many tokens", "longer than the model"),
)
_LONGEST_WAIT_S: Final = 60.0


class OpenAIModel:
    """One model behind one endpoint.

    Tokens are the server's own count; a server that reports none leaves them 0. The seed is sent with every request;
    whether the same request gives the same answer is the server's affair.

    Raises:
        ConfigError: no key where one is needed, or one that cannot be sent; an address that is none or holds one.
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
    ) -> None:
        self._name = name
        self._url = (base_url or os.environ.get("OPENAI_BASE_URL") or DEFAULT_URL).rstrip("/")
        parts = urlsplit(self._url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ConfigError(f"--base-url {self._url!r} is not an address; write http://HOST:PORT/v1")
        if parts.username or parts.password:
            # The address is part of the model's id, which the ledger keeps.
            raise ConfigError(f"--base-url holds a password; write it without, and export {api_key_env}=...")
        self._key_env = api_key_env
        self._key = os.environ.get(api_key_env, "").strip()
        if not (self._key.isascii() and self._key.isprintable()):
            raise ConfigError(f"${api_key_env} holds a character that no key has; export it again")
        if not self._key and parts.hostname not in {"localhost", "127.0.0.1", "::1"}:
            raise ConfigError(f"--model openai:{name}: no key for {self._url}; export {api_key_env}=...")
        self._style: PromptStyle = prompt_style
        self._timeout_s = timeout_s
        self._max_retries = max_retries
        self._client: AsyncOpenAI | None = None

    @property
    def id(self) -> str:
        return f"openai:{self._name}@{self._url}"

    @property
    def prompt_style(self) -> PromptStyle:
        return self._style

    async def complete(self, request: Request) -> Completion:
        import tenacity

        retrying = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception(lambda error: isinstance(error, ModelError) and error.retryable),
            stop=self._is_enough,
            wait=_wait,
            reraise=True,
        )
        try:
            completion: Completion = await retrying(self._ask, request)
        except _Refused as error:
            raise ModelError(str(error), retryable=error.retryable, status=error.status, fatal=error.fatal) from None
        return completion

    async def aclose(self) -> None:
        client, self._client = self._client, None
        if client:
            await client.close()

    def _is_enough(self, state: RetryCallState) -> bool:
        error = state.outcome.exception() if state.outcome else None
        # A server that is not there seldom comes up while one waits; a busy one does.
        unreachable = isinstance(error, ModelError) and error.fatal
        return state.attempt_number > (min(2, self._max_retries) if unreachable else self._max_retries)

    async def _ask(self, request: Request) -> Completion:
        import openai

        begun = time.monotonic()
        try:
            answer = await self._send(request)
        except openai.APIStatusError as error:
            raise self._refusal(error) from None
        except openai.APITimeoutError:
            raise _Refused(f"{self.id}: no answer within {self._timeout_s:.0f} s", retryable=True) from None
        except openai.APIConnectionError as error:
            raise self._lost(error.__cause__ or error) from None
        except UnicodeEncodeError:
            raise _Refused(f"{self.id}: the prompt cannot be sent, it is not Unicode (half a surrogate pair)") from None
        except (openai.APIError, ValueError) as error:
            raise _Refused(
                f"{self.id}: the answer is not what the protocol says ({self._said(error)})", retryable=True
            ) from None
        return self._read(answer, time.monotonic() - begun)

    async def _send(self, request: Request) -> Any:
        sampling = request.sampling
        options: dict[str, Any] = {
            "model": self._name,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "max_tokens": sampling.max_tokens,
            "seed": sampling.seed,
        }
        if sampling.stop:
            options["stop"] = list(sampling.stop)
        client = self._connected()
        if isinstance(request.prompt, str):
            return await client.completions.create(prompt=request.prompt, **options)
        messages: Any = [{"role": message.role, "content": message.content} for message in request.prompt]
        return await client.chat.completions.create(messages=messages, **options)

    def _connected(self) -> AsyncOpenAI:
        if self._client is None:
            from openai import AsyncOpenAI

            self._client = AsyncOpenAI(
                base_url=self._url, api_key=self._key or "none", max_retries=0, timeout=self._timeout_s
            )
        return self._client

    def _read(self, answer: Any, wall_s: float) -> Completion:
        try:
            choice = answer.choices[0]
            text = choice.message.content if hasattr(choice, "message") else choice.text
            if not isinstance(text, str | None):
                raise TypeError
        except (AttributeError, LookupError, TypeError):
            raise _Refused(f"{self.id}: the answer holds no choice that can be read", retryable=True) from None
        usage = getattr(answer, "usage", None)
        counted = Usage(_count(usage, "prompt_tokens"), _count(usage, "completion_tokens"))
        reason = choice.finish_reason if choice.finish_reason in {"length", "content_filter"} else "stop"
        return Completion(text or "", counted, cast(FinishReason, reason), wall_s)

    def _said(self, words: object) -> str:
        """One line of what a server or a library said, without the key."""
        text = str(words).replace(self._key, "***") if self._key else str(words)
        return " ".join(text.split())[:300]

    def _lost(self, cause: BaseException) -> ModelError:
        import httpx2

        broken = httpx2.ReadError | httpx2.WriteError | httpx2.CloseError | httpx2.RemoteProtocolError
        if isinstance(cause, broken):  # on the way, which says nothing of the next connection
            return _Refused(f"{self.id}: the connection broke ({self._said(cause)})", retryable=True)
        # Fatal once the retries are used up: whoever cannot reach the server cannot make the next call either.
        why = f"cannot reach {self._url} ({self._said(cause)}); start the server, or correct --base-url"
        return _Refused(why, retryable=True, fatal=True)

    def _refusal(self, error: APIStatusError) -> ModelError:
        status, said = error.status_code, self._said(error.message)
        match status:
            case 401 | 403:
                return _Refused(
                    f"{self._url} refuses the key ({status}); check {self._key_env}", status=status, fatal=True
                )
            case 404:
                return _Refused(
                    f"{self._url} knows no model {self._name!r}, or is not the API's address (404: {said}); "
                    f"check --model and --base-url",
                    status=status,
                    fatal=True,
                )
            case 429 if error.code == "insufficient_quota":
                return _Refused(f"{self._url}: {status}: {said}; waiting does not help", status=status, fatal=True)
            case 400 | 413 | 422 if any(words in f"{error.code} {said}".lower() for words in _OVERFLOW):
                return ContextOverflow(
                    f"{self.id}: the prompt does not fit ({said}); lower --max-tokens", status=status
                )
            case _:
                return _Refused(
                    f"{self.id}: {status}: {said}",
                    retryable=status in _RETRYABLE or status >= 500,
                    status=status,
                    # A request that the server calls malformed is malformed every time.
                    fatal=status in {400, 422},
                    wait_s=_retry_after(error),
                )


class _Refused(ModelError):
    """A ModelError that remembers how long the server asked to wait."""

    def __init__(
        self,
        message: str,
        *,
        retryable: bool = False,
        status: int | None = None,
        fatal: bool = False,
        wait_s: float | None = None,
    ) -> None:
        super().__init__(message, retryable=retryable, status=status, fatal=fatal)
        self.wait_s = wait_s


def _wait(state: RetryCallState) -> float:
    """The server's Retry-After where it gave one, else exponential with jitter."""
    import tenacity

    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, _Refused) and error.wait_s is not None:
        return error.wait_s
    return float(tenacity.wait_random_exponential(multiplier=0.5, max=20)(state))


def _retry_after(error: APIStatusError) -> float | None:
    try:
        return min(max(0.0, float(error.response.headers.get("retry-after", ""))), _LONGEST_WAIT_S)
    except ValueError:
        return None


def _count(usage: object, name: str) -> int:
    """Tokens, or 0 where the server says nothing that is a number of them."""
    count = getattr(usage, name, None)
    return count if isinstance(count, int) and count >= 0 else 0
