"""OpenTelemetry spans of a run, for those who ask with `--otel`. Nothing of OpenTelemetry is imported before."""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from banchu.core.errors import ConfigError
from banchu.experiments.tracing import Tracing

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace.export import SpanExporter

    from banchu.experiments.otel.sending import Sending

__all__ = ["traced"]

_CONTENT: Final = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
_CONTENT_ON: Final = ("true", "span_only", "span_and_event")


@contextmanager
def traced(where: str, tell: Callable[[str], object] = lambda line: None) -> Iterator[Tracing]:
    """What records a run as spans and sends them, to the end of the block.

    Args:
        tell: is told in one line, at the end, how many spans arrived.
        where: an address (http://HOST:4318), a file that ends in .jsonl, or `env` for what OTEL_EXPORTER_OTLP_ENDPOINT
            and its kin say.

    Raises:
        ConfigError: none of these; a file that cannot be opened; OpenTelemetry is not installed.
    """
    lacking = [n for n in ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http") if not _there(n)]
    if lacking:
        raise ConfigError(f"--otel needs {', '.join(lacking)}; pip install 'banchu[otel]'")
    from opentelemetry.sdk.trace import TracerProvider

    from banchu.experiments.otel.sending import Heard, Sending, finish
    from banchu.experiments.otel.spans import Spans

    sending, heard = Sending(_exporter(where)), Heard()
    # Not the process's own provider: what else is instrumented there goes elsewhere. Ended here, not at exit.
    provider = TracerProvider(resource=_resource(), shutdown_on_exit=False)
    provider.add_span_processor(sending)
    try:
        content = os.environ.get(_CONTENT, "").strip().lower() in _CONTENT_ON
        yield Spans(provider.get_tracer("banchu", version("banchu")), content=content)
    finally:
        finish(provider, sending, heard)
        if sending.ended:
            tell(_line(where, sending, heard.first))


def _there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # a parent of it
        return False


def _exporter(where: str) -> SpanExporter:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    from banchu.experiments.otel.sending import FileExporter

    if where == "env":
        return OTLPSpanExporter()
    if where.endswith(".jsonl") and "://" not in where:
        return FileExporter(Path(where))
    parts = urlsplit(where)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(
            f"--otel {where!r} is neither an address nor a file; write http://HOST:4318, a name that ends in .jsonl, "
            f"or env for what OTEL_EXPORTER_OTLP_ENDPOINT says"
        )
    path = parts.path.rstrip("/")
    path = path if path.endswith("/v1/traces") else f"{path}/v1/traces"
    return OTLPSpanExporter(endpoint=parts._replace(path=path).geturl())


def _resource() -> Resource:
    """What OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME say, and our name where they give none."""
    from opentelemetry.sdk.resources import Resource

    found = Resource.create({"service.version": version("banchu")})
    if str(found.attributes.get("service.name", "")).startswith("unknown_service"):
        found = found.merge(Resource({"service.name": "banchu"}))
    return found


def _line(where: str, sending: Sending, heard: str) -> str:
    to = where if "://" not in where else urlsplit(where).netloc.rpartition("@")[2]  # no password
    arrived, ended = sending.counted.arrived, sending.ended
    if arrived >= ended:
        return f"otel: {arrived} spans to {to}"
    said = sending.counted.why or heard or "no answer"
    system = re.search(r"\[Errno \d+\] ([\w ]+)", said)  # of a library's sentence, what the system said
    why = system[1] if system else said[:150]
    return f"otel: {ended - arrived} of {ended} spans could not be sent to {to}: {why}"
