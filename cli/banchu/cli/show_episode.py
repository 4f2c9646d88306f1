"""One episode in full, in the order in which it happened."""

from __future__ import annotations

import difflib
from dataclasses import asdict

from banchu.cli.output import print_json
from banchu.cli.runs import check_arm
from banchu.cli.show_calls import print_block, print_calls
from banchu.core.arm import Arm
from banchu.core.errors import DataError, unknown
from banchu.core.verdict import Verdict
from banchu.experiments.ledger import EpisodeDetail, Ledger
from banchu.experiments.recalls import SEARCHED
from banchu.experiments.rundir import stored_config


def find_episodes(ledger: Ledger, task: str, arm: str | None, repeat: int | None) -> list[EpisodeDetail]:
    """The episodes of a task, by arm and repeat. Raises ConfigError for an unknown name, DataError for none."""
    config = stored_config(ledger)
    check_arm(config, arm)
    task_id = next((id for id in config.tasks if task.lower() in (id.lower(), id.rpartition("/")[2].lower())), None)
    if task_id is None:
        raise unknown("task of this run", task, config.tasks)
    repeats = range(config.repeats) if repeat is None else [repeat]
    arms = [name for name in config.arms if arm in (None, name)]
    found = [ledger.episode(task_id, name, n) for name in arms for n in repeats]
    begun = [episode for episode in found if episode is not None]
    if not begun:
        raise DataError(f"no episode of {task_id} has begun; go on with `banchu resume {ledger.path.parent}`")
    return begun


def episode_as_json(episodes: list[EpisodeDetail]) -> None:
    print_json(
        [
            {
                **asdict(episode.record),
                "calls": [asdict(call) for call in episode.calls],
                "feedback": [asdict(feedback) for feedback in episode.feedback.values()],
                "recalls": [asdict(recalled) for recalled in episode.recalls],
                "reflections": [{"round": n, "text": text} for n, text in episode.reflections.items()],
            }
            for episode in episodes
        ]
    )


def episode_as_text(episodes: list[EpisodeDetail]) -> None:
    for episode in episodes:
        _print_episode(episode)


def _print_episode(episode: EpisodeDetail) -> None:
    record = episode.record
    print(f"══ {record.task_id} · {record.arm} · repeat {record.repeat} ══")
    codes = {judged.attempt.round: judged.attempt.code for judged in record.attempts}
    _print_recalls(episode)
    revised = record.revised(chain=Arm.parse(record.arm).shows_feedback)
    for judged, answer in zip(record.attempts, record.answers, strict=True):
        attempt = judged.attempt
        print_calls(episode, attempt.round, "actor")
        print(f"── attempt {attempt.round}: {_verdict(judged.verdict)}")
        if attempt.truncated:
            print("   the reply was cut by --max-tokens")
        if attempt.code is None:
            print("   no code could be extracted from the reply")
        elif (before := revised.get(attempt.round)) is None or (earlier := codes[before]) is None:
            print_block("code", attempt.code)
        else:
            print_block(f"changes from attempt {before}", _diff(earlier, attempt.code))
        _print_trace(judged.verdict)
        _print_after(episode, attempt.round)
        if record.choices:
            print(f"── the answer so far: attempt {answer.attempt.round}, {_verdict(answer.verdict)}")
    ended = record.error or f"stopped by {record.stopped_by}"
    print(f"── end: {ended}; oracle calls {record.oracle_calls}\n")


def _print_recalls(episode: EpisodeDetail) -> None:
    """Which lessons of earlier episodes its prompts hold, with what chose them."""
    for recalled in episode.recalls:
        if not recalled.place:
            print("── recalled: nothing that it may read was found")
            continue
        scores = [f"score {recalled.score:.4f}"]
        if recalled.lexical_score is not None:
            scores.append(f"words {recalled.lexical_score:.2f}, place {recalled.lexical_rank}")
        if recalled.similarity is not None:
            scores.append(f"similarity {recalled.similarity:.3f}, place {recalled.dense_rank}")
        where = f"{recalled.place}, in all prompts from round {recalled.round}"
        if recalled.place >= SEARCHED:
            where = f"by search_memory, answer {recalled.place - SEARCHED + 1}"
        oracle = ", WRITTEN UNDER AN ORACLE" if recalled.oracle else ""
        origin = f"from {recalled.origin} after round {recalled.written} ({recalled.outcome}{oracle})"
        print(f"── recalled {where}: {origin}; {', '.join(scores)}")
        print_block("lesson", recalled.text)


def _print_after(episode: EpisodeDetail, round: int) -> None:
    if print_calls(episode, round, "tester"):
        print_block("its tests", _tests(episode))
    print_calls(episode, round, "critic")
    if round in episode.feedback:
        feedback = episode.feedback[round]
        accepts = {None: "", True: ", accepts", False: ", rejects"}[feedback.accepts]
        print_block(f"feedback ({feedback.source}{accepts})", feedback.text or "(nothing is shown)")
    print_calls(episode, round, "reflector")
    if round in episode.reflections:
        print_block("reflection", episode.reflections[round])


def _tests(episode: EpisodeDetail) -> str:
    """The tests that could be read from the reply, each with what the reference solution says of it."""
    held = {True: "holds", False: "does not hold", None: "not known whether it holds"}
    tests = [f"{test.source}  # {held[test.holds]}" for test in episode.record.self_tests]
    return "\n".join(tests) or "(none could be read)"


def _verdict(verdict: Verdict | None) -> str:
    if verdict is None:
        return "unjudged"
    tests = f", {verdict.tests_passed} of {verdict.tests_total} assertions" if verdict.tests_total else ""
    return f"{verdict.kind}{tests}, {verdict.cpu_s * 1000:.0f} ms CPU, isolation {verdict.isolation}"


def _print_trace(verdict: Verdict | None) -> None:
    if verdict is None or verdict.passed:
        return
    for name in ("assertion", "expected", "actual", "error"):
        if text := getattr(verdict, name):
            print_block(name, text)


def _diff(before: str, after: str) -> str:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=3)
    return "\n".join(list(lines)[2:]) or "(none: the same program)"
