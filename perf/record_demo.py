"""Record the run that `banchu demo` replays: python perf/record_demo.py [--afresh]

Run it when a prompt, an arm or the demo's own choice of tasks has changed; tests/cli/test_demo.py says when. Answers
that the shipped recording has are taken from it, and the model is asked for what is missing; `--afresh` asks it for
all, which takes one to three minutes on two free cores. Needs smollm2 (`banchu models` says what it lacks). Prints what
the recording shows, and writes none in which no answer flips: then pick other tasks in cli/banchu/cli/demo.py.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import sys
import tempfile
import time
from pathlib import Path

from banchu.analysis.run import summarise_ledger
from banchu.analysis.tables import print_summary
from banchu.cli import demo
from banchu.cli.output import console
from banchu.cli.watch import Watch
from banchu.experiments.digest import digest_of
from banchu.experiments.launch import launch
from banchu.experiments.rundir import open_run
from banchu.models.recorded import Recording

TARGET = Path(demo.__file__).with_name(demo.FILE)
LARGEST = 300_000
"""Bytes: it is in every installation."""


async def walk(recording: Recording, out: Path) -> Path:
    """The folder of the demo's run, its answers from `recording`."""
    with Watch() as watch:
        launched = await launch(demo.invocation(), out, progress=watch, recording=recording)
    print(recording.summary())
    if not launched.outcome.complete:
        sys.exit("the run is not complete; nothing is written")
    return launched.folder


def record(scratch: Path, afresh: bool) -> tuple[bytes, str]:
    """A recording of the run and of nothing else, and the digest of its ledger as JSON."""
    every, used = scratch / "every.jsonl", scratch / "used.jsonl"
    if TARGET.exists() and not afresh:
        every.write_bytes(gzip.decompress(TARGET.read_bytes()))
    with Recording(every, "record") as recording:
        asyncio.run(walk(recording, scratch / "recorded"))
    # Once more, out of what there is now: answers to prompts of the past stay behind, and the replay is tried.
    with Recording(every, "replay") as recording, Recording(used, "record", opener=recording.open) as kept:
        folder = asyncio.run(walk(kept, scratch / "replayed"))
    with open_run(folder) as ledger:
        summary = summarise_ledger(ledger)
        flips = demo.flips_of(ledger, summary)
        digest = json.dumps(digest_of(ledger).to_json(), indent=1)
    print_summary(summary, console())
    demo.print_flips(flips)
    if not flips:
        sys.exit(f"no answer flips, so there is nothing to show; pick other tasks in {demo.__file__}")
    return gzip.compress(used.read_bytes(), mtime=0), f"{digest}\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--afresh", action="store_true", help="ask the model for every answer")
    arguments = parser.parse_args()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        packed, digest = record(Path(scratch), arguments.afresh)
    if len(packed) > LARGEST:
        sys.exit(f"{len(packed)} bytes are too many for a package; the most is {LARGEST}")
    TARGET.write_bytes(packed)
    TARGET.with_name(demo.DIGEST).write_text(digest)
    print(f"{TARGET.name}: {len(packed)} bytes, {time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
    main()
