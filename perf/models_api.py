"""The API model against a server with a true rate limit that does everything wrong: how much of the limit is used, and
what a call costs beside the openai package and bare HTTP.

Run: python perf/models_api.py [--rate 60] [--calls 1200] [--episodes 500] [--only limits,cost,episodes] [--json]. The
server is tests/models/storm.py, in a process of its own. README.md says more.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))  # the server's own digest, of tests/

from modelling import calls
from modelling.episodes import run_episodes
from modelling.storms import Counts, storm

CONCURRENCY = 64
FAULTS = 0.12


@dataclass(frozen=True)
class Row:
    """One way to ask, against one server."""

    name: str
    calls: int
    used: float
    """Requests that the limit let in, over what it would have let in meanwhile; a rested server's burst on top."""
    used_95: float
    """The same until 95 % of them were let in; then comes a tail in which there is little left to ask."""
    useful: float
    """Answers handed over, over all of the time: what is lost to faults is the server's doing."""
    refused: float
    """429s for each request that was let in."""
    twice: int
    """Requests whose answer was handed over twice."""
    repeats: int
    """Sent again since the answer was lost on the way; -1: not counted."""
    cpu_ms: float
    """Of a call."""


def main() -> None:
    options = _options()
    found: dict[str, list[dict[str, Any]]] = {}
    if "limits" in options.only:
        found["limits"] = [asdict(row) for row in _limits(options.rate, options.calls)]
    if "episodes" in options.only:
        found["episodes"] = [asdict(row) for row in _episodes(options.rate, options.episodes)]
    if "cost" in options.only:
        found["cost"] = list(_cost(options.calls))
    if options.json:
        print(json.dumps(found, indent=1))
        return
    for title, rows in found.items():
        print(f"\n{title}")
        if rows:
            print("  " + "  ".join(f"{name:>8}" if name != "name" else f"{name:<44}" for name in rows[0]))
        for row in rows:
            print("  " + "  ".join(f"{value:<44}" if name == "name" else _number(value) for name, value in row.items()))


def _limits(rate: float, n: int) -> list[Row]:
    """Calls as fast as they go, with a burst of a third of a second."""
    server: dict[str, Any] = {"rate": rate, "burst": max(1.0, rate / 3), "latency": 0.1}
    told = {"max_rpm": int(rate * 60)}
    rows = []
    for name, weather_options, client, options in (
        ("limit not told", {}, calls.ours, {}),
        ("limit not told, slow answers (0.5 s)", {"latency": 0.5}, calls.ours, {}),
        ("limit told in headers", {"headers": True}, calls.ours, {}),
        ("limit told by the user (--max-rpm)", {}, calls.ours, told),
        ("limit not told, 12 % faults", {"faults": FAULTS}, calls.ours, {"timeout_s": 2.0, "max_retries": 12}),
        (
            "told by the user, 12 % faults",
            {"faults": FAULTS},
            calls.ours,
            {"timeout_s": 2.0, "max_retries": 12, **told},
        ),
        ("openai package alone, its retries", {}, calls.sdk, {}),
    ):
        with storm(**{**server, **weather_options}) as weather:
            asked = asyncio.run(client(weather, n, CONCURRENCY, **options))
        rows.append(_row(name, rate, asked.calls, asked.counts, asked.tally, asked.cpu_s))
        _say(name)
    return rows


def _episodes(rate: float, n: int) -> list[Row]:
    rows = []
    for name, options in (("limit not told", {}), ("limit told by the user", {"max_rpm": int(rate * 60)})):
        weather_options: dict[str, float] = {
            "rate": rate,
            "burst": max(1.0, rate / 3),
            "latency": 0.1,
            "faults": FAULTS,
        }
        with tempfile.TemporaryDirectory() as folder, storm(**weather_options) as weather:
            cpu = time.process_time()
            options = {"timeout_s": 2.0, "max_retries": 12, **options}
            ended = asyncio.run(run_episodes(Path(folder), weather, n, CONCURRENCY, **options))
            cpu = time.process_time() - cpu
            counts = weather.counts()
        if not ended.outcome.complete or ended.misplaced or counts.delivered != ended.calls:
            sys.exit(f"the run is not whole: {ended}, {counts}")
        rows.append(_row(f"{n} episodes, 12 % faults, {name}", rate, ended.calls, counts, ended.tally, cpu))
        _say(rows[-1].name)
    return rows


def _cost(n: int) -> list[dict[str, Any]]:
    """CPU of a call without a limit, answers at once; rounds take turns, the least of three."""
    ways: dict[str, Any] = {
        "OpenAIModel": lambda weather: calls.ours(weather, n, CONCURRENCY),
        "openai package alone": lambda weather: calls.sdk(weather, n, CONCURRENCY),
        "httpx2 alone": lambda weather: calls.bare(weather, n, CONCURRENCY),
        "httpx2 alone, a connection for each": lambda weather: calls.bare(weather, n, CONCURRENCY, keep=False),
    }
    least = dict.fromkeys(ways, float("inf"))
    for _ in range(3):
        for name, ask in ways.items():
            with storm(latency=0.02) as weather:
                asked = asyncio.run(ask(weather))
            least[name] = min(least[name], 1000 * asked.cpu_s / asked.calls)
            _say(name)
    return [{"name": name, "calls": n, "cpu_ms": cpu} for name, cpu in least.items()]


def _row(name: str, rate: float, n: int, counts: Counts, tally: dict[str, int], cpu_s: float) -> Row:
    room = rate * counts.wall_s
    return Row(
        name,
        n,
        counts.let_in / room,
        0.95 * counts.let_in / (rate * counts.until_95_s),
        counts.delivered / room,
        counts.kinds.get("429", 0) / counts.let_in,
        counts.delivered_twice,
        tally.get("repeats", -1),
        1000 * cpu_s / n,
    )


def _number(value: float) -> str:
    return f"{value:>8}" if isinstance(value, int) else f"{value:>8.3f}"


def _say(words: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{words}", end="", file=sys.stderr, flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=60.0, help="the server's limit, requests a second")
    parser.add_argument("--calls", type=int, default=1200)
    parser.add_argument("--episodes", type=int, default=500)
    parser.add_argument("--only", type=lambda text: text.split(","), default=["limits", "episodes", "cost"])
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
