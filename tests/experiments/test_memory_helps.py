"""Whether a memory helps can be seen where it does: a fake that solves a task once it was told of one like it.

It is a fake, and called so: it stands in for a model whose lessons carry over between tasks of a kind.
"""

from __future__ import annotations

from typing import Any

import pytest

from banchu.analysis.run import arms_of_run, summarise_ledger
from banchu.benchmarks import load_benchmark, select
from banchu.core.chat import Request
from banchu.core.sealed import unseal
from banchu.experiments.runner import Runner
from banchu.experiments.split import measured_tasks
from banchu.models.scripted import ScriptedModel

OFF, TASK, ACROSS = "visible_tests", "visible_tests+memory=task", "visible_tests+memory=across"
SHUFFLED, EMPTY = f"{ACROSS}+control=shuffled", f"{ACROSS}+control=empty"


def kind(name: str) -> str:
    return name.partition("_")[0]


@pytest.mark.slow
async def test_on_easy_the_arms_come_out_as_they_must(lab: Any) -> None:
    benchmark = select(load_benchmark("easy"), None, 48)
    known = {pair.task.prompt.strip(): pair for pair in benchmark.tasks}

    def reply(request: Request) -> str:
        pair = next(pair for prompt, pair in known.items() if prompt in request.prompt_text)
        lesson = f"Of {kind(pair.task.entry_point)}: mind the end."
        if request.role == "reflector":
            return lesson
        told = lesson in request.prompt_text
        return f"```python\n{unseal(pair.sealed).reference if told else 'def f(): pass'}\n```"

    arms = [OFF, TASK, ACROSS, SHUFFLED, EMPTY]
    model = ScriptedModel(reply, id="scripted:told")
    config = lab.config(benchmark, ",".join(arms), rounds=1, repeats=2, memory_train=24)
    assert (await Runner(lab.folder / "run", config, benchmark, model, lab.judge).run()).complete
    with lab.ledger("run") as ledger:
        summary, data = summarise_ledger(ledger), arms_of_run(ledger)
    first = {arm.arm: arm.accuracy[0] for arm in summary.arms}
    assert {accuracy.n for accuracy in first.values()} == {48}  # 24 tasks, twice, in every arm
    assert {each.task_ids for each in data} == {measured_tasks(config)}
    assert first[OFF].solved == first[EMPTY].solved == 0
    assert first[TASK].solved == 24  # each task's second episode
    assert first[ACROSS].solved >= 24  # where any writer was of its kind
    assert first[SHUFFLED].solved < first[ACROSS].solved / 2
    assert all(arm.accuracy[1].value == 1 for arm in summary.arms)  # its own reflection tells it too
    assert any("24 of 48 tasks wrote lessons" in note for note in summary.notes)
