"""A stand-in for an OpenTelemetry collector: a loopback server that reads real OTLP/HTTP."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class Seen:
    """A span as it arrived."""

    name: str
    trace: str
    id: str
    parent: str
    kind: int
    begun: int
    ended: int
    told: dict[str, Any]
    events: dict[str, dict[str, Any]]
    failed: str | None


@dataclass
class Collector:
    """What a collector was sent."""

    port: int
    spans: list[Seen] = field(default_factory=list)
    resources: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    raw: bytes = b""
    status: int = 200
    stalls: bool = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def named(self, begins: str) -> list[Seen]:
        return [span for span in self.spans if span.name == begins or span.name.startswith(f"{begins} ")]

    def take(self, body: bytes) -> None:
        self.raw += body
        for of_resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.resources.append(_plain(of_resource.resource.attributes))
            for of_scope in of_resource.scope_spans:
                self.spans += [_seen(span) for span in of_scope.spans]


def _seen(span: Any) -> Seen:
    events = {event.name: _plain(event.attributes) for event in span.events}
    ids = (span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex())
    times = (span.start_time_unix_nano, span.end_time_unix_nano)
    failed = span.status.message if span.status.code == 2 else None
    return Seen(span.name, *ids, span.kind, *times, _plain(span.attributes), events, failed)


def _plain(attributes: Any) -> dict[str, Any]:
    return {each.key: _value(each.value) for each in attributes}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    found = getattr(value, kind)
    return [_value(each) for each in found.values] if kind == "array_value" else found


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector on a port of its own."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            while collector.stalls:
                time.sleep(0.05)
            collector.paths.append(self.path)
            if collector.status == 200:
                collector.take(gzip.decompress(body) if self.headers["Content-Encoding"] == "gzip" else body)
            self.send_response(collector.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector = Collector(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield collector
    finally:
        collector.stalls = False
        server.shutdown()
        thread.join()
        server.server_close()
