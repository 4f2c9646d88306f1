"""Where spans go: collectors that answer, that do not, and files; whatever happens there, the run goes on."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.experiments.collector import Collector, collecting

from banchu.core.errors import ConfigError
from banchu.experiments.otel import sending, traced

CLIENT = 3


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as found:
        yield found


@pytest.mark.parametrize("state", ["dead", "refusing", "stalling"])
async def test_a_collector_that_does_not_answer_costs_a_line_and_a_moment(
    lab: Any,
    collector: Collector,
    state: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(sending, "FLUSH_S", 0.5)
    collector.status, collector.stalls = 503, state == "stalling"
    url, told = collector.url, list[str]()
    if state == "dead":
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            url = f"http://user:secret@127.0.0.1:{free.getsockname()[1]}"
    with traced(url, told.append) as tracing:
        assert (await lab.run("a", lab.tasks(1), "none", tracing=tracing)).complete
        begun = time.monotonic()
    assert time.monotonic() - begun < 8  # a stalling collector would be waited for without end
    (line,) = told
    assert "of 8 spans could not be sent to 127.0.0.1:" in line
    assert "secret" not in line
    if state == "dead":
        assert line.endswith(": Connection refused")
    collector.stalls = False
    while any(thread.name == "banchu-otel-end" for thread in threading.enumerate()):
        time.sleep(0.01)  # it ends soon after, and has nothing more to say
    assert [record.name for record in caplog.records if record.name.startswith("opentelemetry")] == []
    assert "Traceback" not in capfd.readouterr().err


async def test_a_file_holds_a_span_a_line_and_is_added_to(lab: Any, collector: Collector) -> None:
    path, told = lab.folder / "spans.jsonl", list[str]()
    for name in ("a", "b"):
        with traced(str(path), told.append) as tracing:
            await lab.run(name, lab.tasks(1), "none", tracing=tracing)
    lines = path.read_text().splitlines()
    assert told == [f"otel: 8 spans to {path}"] * 2
    assert len(lines) == 16
    spans = [span for line in lines for span in json.loads(line)["resourceSpans"][0]["scopeSpans"][0]["spans"]]
    assert len({span["traceId"] for span in spans}) == 2
    assert {(len(span["traceId"]), len(span["spanId"])) for span in spans} == {(32, 16)}
    ids = {span["spanId"] for span in spans}
    assert sum(span.get("parentSpanId", "") in ids for span in spans) == 14
    assert {span["kind"] for span in spans} == {1, CLIENT}


async def test_a_disk_that_is_full_costs_a_line(lab: Any) -> None:
    told: list[str] = []
    link = lab.folder / "full.jsonl"
    link.symlink_to("/dev/full")
    with traced(str(link), told.append) as tracing:
        assert (await lab.run("a", lab.tasks(1), "none", tracing=tracing)).complete
    (line,) = told
    assert line.startswith(f"otel: 8 of 8 spans could not be sent to {link}: No space left on device")


def test_where_nothing_was_run_nothing_is_said(tmp_path: Path) -> None:
    told: list[str] = []
    with traced(f"{tmp_path}/spans.jsonl", told.append):
        pass
    assert told == []


@pytest.mark.parametrize("where", ["localhost:4318", "spans.json", "http://", "ftp://host/x.jsonl", ""])
def test_a_place_that_is_none_is_an_error_that_says_what_to_write(where: str) -> None:
    with (
        pytest.raises(ConfigError, match=r"--otel .*http://HOST:4318, a name that ends in .jsonl, or env"),
        traced(where),
    ):
        pass


def test_a_file_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--otel .*No such file or directory"), traced(f"{tmp_path}/no/s.jsonl"):
        pass


def test_without_the_package_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'banchu\[otel\]'"), traced("http://127.0.0.1:1"):
        pass


@pytest.mark.parametrize(
    ("said", "path"),
    [("", "/v1/traces"), ("/", "/v1/traces"), ("/v1/traces", "/v1/traces"), ("/a/otel", "/a/otel/v1/traces")],
)
async def test_an_address_needs_no_path_and_may_have_one(lab: Any, collector: Collector, said: str, path: str) -> None:
    with traced(f"{collector.url}{said}") as tracing, tracing.run("x", lab.config(lab.tasks(1), "none")):
        pass
    assert collector.paths == [path]


async def test_the_environment_says_where_and_who(
    lab: Any, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "my-study")
    with traced("env") as tracing, tracing.run("x", lab.config(lab.tasks(1), "none")) as run:
        run.ended(1, 0, 0)
    assert len(collector.spans) == 1
    assert collector.resources[0]["service.name"] == "my-study"
