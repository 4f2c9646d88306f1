"""How a span ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from opentelemetry.trace import Span, Status, StatusCode

from banchu.core.errors import ModelError
from banchu.experiments.journal import storable
from banchu.experiments.otel.names import ERROR_TYPE
from banchu.experiments.purchases import Draining
from banchu.graphs.context import NotCovered

NO_ERRORS: Final = (Draining, NotCovered)
"""What is raised where a run or an episode ends early, and nothing went wrong."""


def fail(span: Span, kind: str, text: str) -> None:
    """Mark a span as ended by an error."""
    span.set_attribute(ERROR_TYPE, kind)
    span.set_status(Status(StatusCode.ERROR, storable(text)))


def fail_by(span: Span, error: BaseException) -> None:
    """Likewise; the kind of an endpoint's error is its HTTP status, of any other its class."""
    status = error.status if type(error) is ModelError else None
    fail(span, str(status or type(error).__name__), str(error))


@contextmanager
def ending(span: Span) -> Iterator[None]:
    """Ends a span, whatever happens."""
    try:
        yield
    except NO_ERRORS:
        raise
    except Exception as error:
        fail_by(span, error)
        raise
    finally:
        span.end()
