"""How long a memory takes to find three reflections among 1,000, 100,000 and 1,000,000, by words and by vectors,
beside a plain numpy scan and LangGraph's InMemoryStore.

Run: python perf/memory.py [--sizes 1000,100000,1000000] [--rows sqlite,numpy] [--keep FOLDER] [--json]. README.md says
more.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from remembering.rows import ROWS, fill_file, measure

LANGGRAPH_ASKED = 10
LANGGRAPH_MOST = 100_000
"""Its vectors are lists of Python floats, which are turned into an array at each search: 12 GB for a million."""


def main() -> None:
    options = _options()
    if options.row:
        print(json.dumps(asdict(measure(options.row, options.sizes[0], options.keep, options.asked))))
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        if options.fill:
            for n in options.sizes:
                asyncio.run(fill_file(folder / f"{n}.sqlite", n))
            return
        found = [_alone(name, n, folder, options) for n in options.sizes for name in ROWS if _wanted(name, n, options)]
    if options.json:
        print(json.dumps(found, indent=1))
        return
    print(f"{'':<36}{'entries':>10}{'p50 ms':>10}{'p99 ms':>10}{'first ms':>11}{'fill s':>9}{'MiB':>8}{'disk':>8}")
    for row in found:
        times = f"{row['p50_ms']:>10.2f}{row['p99_ms']:>10.2f}{row['first_ms']:>11.1f}{row['fill_s']:>9.1f}"
        print(f"{row['name']:<36}{row['entries']:>10,}{times}{row['memory_mib']:>8.0f}{row['disk_mib']:>8.0f}")


def _alone(name: str, n: int, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """One row in a process of its own."""
    command = [sys.executable, __file__, "--row", name, "--sizes", str(n), "--keep", str(folder)]
    # Seconds each: nobody needs two hundred of those.
    asked = min(options.asked, LANGGRAPH_ASKED) if name.startswith("LangGraph") and n > 10_000 else options.asked
    done = subprocess.run([*command, "--asked", str(asked)], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"{name} at {n:,} entries ended with {done.returncode}")
    found: dict[str, Any] = json.loads(done.stdout)
    print(f"{name}, {n:,}: {found['p50_ms']:.2f} ms", file=sys.stderr)
    return found


def _wanted(name: str, n: int, options: argparse.Namespace) -> bool:
    if name.startswith("LangGraph") and n > LANGGRAPH_MOST:
        return False
    return not options.rows or any(name.lower().startswith(row.lower()) for row in options.rows)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=_numbers, default=[1000, 100_000, 1_000_000])
    parser.add_argument("--rows", type=lambda text: text.split(","), default=[], help="how names of rows begin")
    parser.add_argument("--asked", type=int, default=200, help="recalls of each row")
    parser.add_argument("--keep", type=Path, help="where files are made, and used again")
    parser.add_argument("--fill", action="store_true", help="only make the files")
    parser.add_argument("--row", help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _numbers(text: str) -> list[int]:
    return [int(n) for n in text.split(",")]


if __name__ == "__main__":
    main()
