"""Where spans go: over OTLP/HTTP to a collector, or into a file as OTLP JSON, one span a line.

Sending is done beside the run, in a thread, and never holds it up: what cannot be sent is lost, and counted.
"""

from __future__ import annotations

import base64
import json
import logging
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from google.protobuf.json_format import MessageToDict
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from banchu.core.errors import ConfigError

FLUSH_S: Final = 5.0
"""How long the end of a run waits for spans to be sent."""
_LOG: Final = logging.getLogger("opentelemetry")
_IDS: Final = ("traceId", "spanId", "parentSpanId")
_QUEUE: Final = 65_536
"""Spans that wait while nobody takes them; of more, the oldest are lost."""


class FileExporter(SpanExporter):
    """Appends spans to a file, in the format of the collector's otlpjsonfile receiver.

    Raises:
        ConfigError: it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._file = path.open("a", encoding="utf-8")
        except OSError as error:
            raise ConfigError(f"--otel {path}: {error.strerror}; write a file that can be made") from None

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self._file.writelines(f"{line}\n" for line in otlp_json(spans))
        self._file.flush()
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        self._file.close()


def otlp_json(spans: Sequence[ReadableSpan]) -> Iterator[str]:
    """Each span as OTLP has it in JSON: ids in hexadecimal, where protobuf's own JSON has base64."""
    for of_resource in MessageToDict(encode_spans(spans), use_integers_for_enums=True)["resourceSpans"]:
        for of_scope in of_resource["scopeSpans"]:
            for span in of_scope["spans"]:
                span |= {name: base64.b64decode(span[name]).hex() for name in _IDS if name in span}
                alone = {**of_resource, "scopeSpans": [{**of_scope, "spans": [span]}]}
                yield json.dumps({"resourceSpans": [alone]}, separators=(",", ":"))


class Counted(SpanExporter):
    """An exporter that counts what arrived. A batch that could not be sent is lost."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._given_up = False
        self.arrived = 0
        self.why = ""
        """What was wrong with the first batch that was lost, if an exception says so."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if self._given_up:
            return SpanExportResult.FAILURE
        try:
            result = self._exporter.export(spans)
        except Exception as error:  # noqa: BLE001  # whatever it is, the run goes on without these spans
            self.why = self.why or " ".join(f"{type(error).__name__}: {error}".split())
            return SpanExportResult.FAILURE
        if result is SpanExportResult.SUCCESS:
            self.arrived += len(spans)
        return result

    def give_up(self) -> None:
        """Send nothing more, and try nothing again."""
        self._given_up = True
        self._exporter.shutdown()

    def shutdown(self) -> None:
        self._exporter.shutdown()


class Sending(BatchSpanProcessor):
    """Hands spans that have ended to an exporter, in a thread of its own."""

    def __init__(self, exporter: SpanExporter) -> None:
        self.counted = Counted(exporter)
        self.ended = 0
        super().__init__(self.counted, max_queue_size=_QUEUE, schedule_delay_millis=1000, max_export_batch_size=512)

    def on_end(self, span: ReadableSpan) -> None:
        self.ended += 1
        super().on_end(span)


class Heard(logging.Handler):
    """OpenTelemetry's own log, of which the first line is kept and none is printed. To be closed."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.first = ""
        _LOG.addHandler(self)
        _LOG.propagate = False

    def emit(self, record: logging.LogRecord) -> None:
        self.first = self.first or " ".join(record.getMessage().split())

    def close(self) -> None:
        _LOG.removeHandler(self)
        _LOG.propagate = not any(isinstance(handler, Heard) for handler in _LOG.handlers)
        super().close()


def finish(provider: TracerProvider, sending: Sending, heard: Heard) -> None:
    """Send what is left, for at most FLUSH_S."""

    def end() -> None:
        provider.shutdown()
        heard.close()

    # A thread, because the SDK's own end waits 30 s, and for an answer that does not come as long as it takes.
    ending = threading.Thread(target=end, name="banchu-otel-end", daemon=True)
    ending.start()
    ending.join(FLUSH_S)
    if ending.is_alive():
        sending.counted.give_up()
