"""`banchu compare`: arms of one run, or of two, on the tasks they share."""

from __future__ import annotations

from typing import Annotated

import typer


def compare(
    runs: Annotated[list[str], typer.Argument(help="RUN for all its arms, or two of RUN[:ARM].", show_default=False)],
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare arms pair by pair, within a run or across two.

    Prints how the arms' episodes ended, the difference with a paired interval, the exact McNemar test, and the tasks
    that are missing.

    Examples: `banchu compare last` · `banchu compare last:none last:oracle_trace` · `banchu compare RUN1 RUN2:none`
    """
    from dataclasses import asdict
    from itertools import combinations, product

    from banchu.analysis.compare import compare as compare_arms
    from banchu.analysis.compare import control_first
    from banchu.analysis.end_tables import end_table
    from banchu.analysis.ends import count_ends
    from banchu.analysis.reading import budget_caveats, caveats, read
    from banchu.analysis.summary import correct
    from banchu.analysis.tables import print_comparisons, print_wide
    from banchu.cli.output import console, print_json
    from banchu.cli.runs import arms_of
    from banchu.core.errors import ConfigError

    if len(runs) > 2:
        raise ConfigError(f"compare takes one RUN or two, got {len(runs)}; compare them two at a time")
    sides = [arms_of(text, name_run=len(runs) > 1) for text in runs]
    if len(sides) == 1:
        pairs = [control_first(a, b) for a, b in combinations(sides[0], 2)]
    else:
        pairs = [(a, b) for a, b in product(*sides) if a.label != b.label]
        if all(len(side) > 1 for side in sides):
            # Two whole runs: like with like, where they have an arm in common.
            pairs = [(a, b) for a, b in pairs if a.arm == b.arm] or pairs
    if not pairs:
        raise ConfigError(f"{' '.join(runs)!r} names one arm only; name a second RUN or RUN:ARM to compare it with")
    ends = {arm.label: count_ends(arm.table()) for pair in pairs for arm in pair}
    found = correct([compare_arms(a, b) for a, b in pairs])
    if json:
        print_json(
            [
                {
                    **asdict(c),
                    "beats_control": c.beats_control,
                    "ends_a": asdict(ends[c.a]),
                    "ends_b": asdict(ends[c.b]),
                    "reading": read(c),
                    "caveats": (*caveats(c), *budget_caveats(c)),
                }
                for c in found
            ]
        )
        return
    print_wide(console(), end_table(ends.items()))
    print_comparisons(found, console())
