"""What orchestration costs: 1,000 episodes of three calls, 256 in flight, to a model that sleeps 0.2 s.

Run: python perf/orchestration.py [--rounds 3] [--inspect PYTHON] [--json]. Ideal: 1,000 x 3 x 0.2 s / 256 = 2.34 s.
Each row is a process of its own; rows take turns. CPU is the process's, without start and imports. What differs: banchu
judges (by a fake that answers at once) and keeps every prompt, answer, attempt, verdict and feedback in its ledger;
the stock saver keeps the state after every superstep; inspect_ai keeps its own log. README.md says more.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
FOLDER = HERE / "orchestrating"


def rows(inspect: str | None) -> dict[str, list[str]]:
    """Names and the commands that measure them."""
    ours, stock = [sys.executable, str(FOLDER / "ours.py")], [sys.executable, str(FOLDER / "stock.py")]
    found = {
        "banchu, fresh samples": [*ours, "ARGS", "none"],
        "banchu, shown feedback": [*ours, "ARGS", "placebo"],
        "plain LangGraph, nothing kept": [*stock, "ARGS", "none"],
        "plain LangGraph, AsyncSqliteSaver": [*stock, "ARGS", "sqlite"],
    }
    if inspect:
        found["inspect_ai, defaults"] = [inspect, str(FOLDER / "inspect_row.py"), "ARGS"]
    return found


def measure(command: list[str], options: argparse.Namespace) -> dict[str, Any] | None:
    arguments = [str(options.episodes), "3", str(options.in_flight), str(options.sleep)]
    at = command.index("ARGS")
    path = f"{HERE}:{os.environ.get('PYTHONPATH', '')}"
    environment = {**os.environ, "PYTHONPATH": path, "LANGSMITH_TRACING": "false"}
    done = subprocess.run(
        [*command[:at], *arguments, *command[at + 1 :]], capture_output=True, text=True, env=environment, check=False
    )
    if done.returncode:
        print(done.stderr[-800:], file=sys.stderr)
        return None
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def main() -> None:
    options = _options()
    measured: dict[str, list[dict[str, Any]]] = {}
    for _ in range(options.rounds):
        for name, command in rows(options.inspect).items():
            if (found := measure(command, options)) is not None:
                measured.setdefault(name, []).append(found)
    ideal = options.episodes * 3 * options.sleep / options.in_flight
    table = {
        name: {key: statistics.median(each[key] for each in found) for key in ("wall_s", "cpu_s", "rss_mib", "kib")}
        for name, found in measured.items()
    }
    if options.json:
        print(json.dumps({"ideal_s": ideal, "load": os.getloadavg()[0], "rows": table}, indent=1))
        return
    what = f"{options.episodes} episodes x 3 calls of {options.sleep} s, {options.in_flight} in flight"
    print(f"{what}; ideal {ideal:.2f} s;")
    print(f"medians of {options.rounds}; {len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f}\n")
    print(f"{'':<36}{'wall s':>8}{'x ideal':>9}{'CPU s':>8}{'ms/episode':>12}{'MiB':>7}{'kept KiB':>10}")
    for name, row in table.items():
        print(
            f"{name:<36}{row['wall_s']:>8.1f}{row['wall_s'] / ideal:>9.1f}{row['cpu_s']:>8.1f}"
            f"{1000 * row['cpu_s'] / options.episodes:>12.1f}{row['rss_mib']:>7.0f}{row['kib']:>10.0f}"
        )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="the median of so many")
    parser.add_argument("--episodes", type=int, default=1000)
    parser.add_argument("--in-flight", type=int, default=256)
    parser.add_argument("--sleep", type=float, default=0.2, help="seconds a call")
    parser.add_argument("--inspect", help="a Python that has inspect_ai, which need not share our environment")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
