"""Judges the corpus on one tier without pytest, for users and interpreters that have none: `python -m ... TIER`."""

from __future__ import annotations

import json
import sys
from contextlib import closing

from banchu.sandbox import probe_isolation

from .bench import Bench
from .corpus import KINDS
from .host import Host


def main(tier: str) -> None:
    """Prints one JSON object: what went wrong, by case."""
    report = probe_isolation(tier)
    problems: dict[str, list[str]] = {}
    judged = 0
    if report.ok:
        with closing(Host()) as host, Bench(tier, host) as bench:
            for case in (case for cases in KINDS.values() for case in cases if bench.applies(case)):
                judged += 1
                try:
                    found = bench.problems(case)
                except Exception as error:  # noqa: BLE001  # the other cases are judged nevertheless
                    found = [f"{type(error).__name__}: {error}"]
                if found:
                    problems[case.name] = found
    unavailable = "" if report.ok else f"{tier}: {report.detail}; {report.remedy}"
    print(json.dumps({"unavailable": unavailable, "judged": judged, "problems": problems}))


if __name__ == "__main__":
    main(sys.argv[1])
