"""What went wrong with one request: in one line for the user, and as what the retries and the pace make of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from banchu.core.errors import ContextOverflow, ModelError
from banchu.models.api.address import Address
from banchu.models.api.headers import retry_after

if TYPE_CHECKING:
    from openai import APIStatusError

Trouble = Literal["limit", "load", "failed", "lost", "away", "final"]
"""`limit`: too many requests (429). `load`: the server has too much to do (503, 529, 408). `failed`: it says that it
failed, so it gave no answer. `lost`: it may have answered, and the answer did not arrive or cannot be read; whoever
asks again may pay twice. `away`: no connection, so nothing was sent. `final`: asking again does not help."""

_OVERFLOW: Final = (
    *("context length", "context_length", "context size", "context window", "maximum context"),
    *("too many tokens", "longer than the model"),
)
_LOAD: Final = frozenset({408, 503, 529})
_GATEWAY: Final = frozenset({502, 504, 520, 522, 524})
"""Said by a proxy about a server behind it, which may have answered."""


class Refused(ModelError):
    """A ModelError that remembers what kind of trouble it is, and how long the server asked to wait."""

    def __init__(
        self,
        message: str,
        trouble: Trouble = "final",
        *,
        status: int | None = None,
        fatal: bool = False,
        wait_s: float | None = None,
        parameter: str = "",
        timed_out: bool = False,
    ) -> None:
        super().__init__(message, retryable=trouble != "final", status=status, fatal=fatal)
        self.trouble: Trouble = trouble
        self.wait_s = wait_s
        self.parameter = parameter
        """The field of the request that the server objects to, where it names one."""
        self.burdens = trouble in ("limit", "load") or timed_out
        """Whether it is a sign that the server has too much to do."""

    def plain(self) -> ModelError:
        """The same without what only the retries need."""
        return ModelError(str(self), retryable=self.retryable, status=self.status, fatal=self.fatal)


def lost(address: Address, model: str, cause: BaseException) -> Refused:
    """The connection could not be made, or broke."""
    import httpx2

    broken = httpx2.ReadError | httpx2.WriteError | httpx2.CloseError | httpx2.RemoteProtocolError
    if isinstance(cause, broken):  # on the way, which says nothing of the next connection
        return Refused(f"openai:{model}@{address.url}: the connection broke ({address.said(cause)})", "lost")
    # Fatal once the retries are used up: whoever cannot reach the server cannot make the next call either.
    why = f"cannot reach {address.url} ({address.said(cause)}); start the server, or correct --base-url"
    return Refused(why, "away", fatal=True)


def refusal(address: Address, model: str, error: APIStatusError) -> ModelError:
    """An answer with a status that is not 200."""
    status, said = error.status_code, address.said(error.message)
    match status:
        case 401 | 403:
            why = f"{address.url} refuses the key ({status}); check {address.key_env}"
            return Refused(why, status=status, fatal=True)
        case 404:
            why = (
                f"{address.url} knows no model {model!r}, or is not the API's address (404: {said}); "
                f"check --model and --base-url"
            )
            return Refused(why, status=status, fatal=True)
        case 429 if error.code == "insufficient_quota":
            return Refused(f"{address.url}: {status}: {said}; waiting does not help", status=status, fatal=True)
        case 400 | 413 | 422 if any(words in f"{error.code} {said}".lower() for words in _OVERFLOW):
            why = f"openai:{model}@{address.url}: the prompt does not fit ({said}); lower --max-tokens"
            return ContextOverflow(why, status=status)
    return Refused(
        f"openai:{model}@{address.url}: {status}: {said}",
        _trouble(status),
        status=status,
        # A request that the server calls malformed is malformed every time.
        fatal=status in {400, 422},
        wait_s=retry_after(error.response.headers),
        parameter=str(error.param or ""),
    )


def _trouble(status: int) -> Trouble:
    if status == 429:
        return "limit"
    if status in _LOAD:
        return "load"
    if status in _GATEWAY:
        return "lost"
    # 409: the server is at work on an equal request, or holds a lock.
    return "failed" if status >= 500 or status == 409 else "final"
