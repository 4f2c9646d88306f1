"""`banchu show`: a run, or one of its episodes in full."""

from __future__ import annotations

from typing import Annotated

import typer


def show(
    run: Annotated[str, typer.Argument(help="A run's folder, its name under ./runs, or `last`.")],
    task: Annotated[str | None, typer.Argument(help="A task id, such as `HumanEval/3` or `3`.")] = None,
    arm: Annotated[str | None, typer.Option(help="Only this arm.")] = None,
    repeat: Annotated[int | None, typer.Option(help="Only this repeat, counted from 0.")] = None,
    answers: Annotated[
        int | None,
        typer.Option(help="Answers to choose from in each task: prints what guessing under an oracle's stop reaches."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show a run, or everything that was said and judged on one of its tasks.

    A run: its configuration, its numbers, a strip of verdicts for each episode. A task: every prompt, answer, diff
    between attempts, verdict, feedback and reflection.

    Verdict traces contain sealed tests: they are for you, and no arm but the oracle's saw them.

    Examples: `banchu show last` · `banchu show last 3 --arm oracle_trace`
    """
    from banchu.cli.runs import find_run
    from banchu.experiments.rundir import open_run

    with open_run(find_run(run)) as ledger:
        if task is None:
            from banchu.cli.show_run import run_as_json, run_as_text

            if json:
                run_as_json(ledger, arm, repeat, answers)
            else:
                run_as_text(ledger, arm, repeat, answers)
            return
        from banchu.cli.show_episode import episode_as_json, episode_as_text, find_episodes

        episodes = find_episodes(ledger, task, arm, repeat)
        if json:
            episode_as_json(episodes)
        else:
            episode_as_text(episodes)
