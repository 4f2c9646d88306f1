from __future__ import annotations

import ast

from banchu.core.sealed import SealedTests, unseal
from banchu.sandbox import Judge

Tasks = list[tuple[str, SealedTests, str]]


def test_every_reference_solution_passes_all_of_its_tests(judge: Judge, humaneval: Tasks) -> None:
    assert len(humaneval) == 164
    verdicts = {task: judge.judge_sync(sealed, reference) for task, sealed, reference in humaneval}
    assert {task: verdict for task, verdict in verdicts.items() if not verdict.passed} == {}
    assert all(v.tests_passed == v.tests_total >= 1 and v.isolation == "namespaces" for v in verdicts.values())


def test_no_empty_answer_and_no_pass_body_scores(judge: Judge, humaneval: Tasks) -> None:
    for task, sealed, _ in humaneval:
        assert judge.judge_sync(sealed, "").kind == "no_answer"
        body = f"def {unseal(sealed).entry_point}(*args, **kwargs):\n    pass\n"
        # HumanEval/38, 50 and their like call helpers of the prompt, but never pass on a None.
        assert not judge.judge_sync(sealed, body).passed, task


def test_the_prompts_own_body_scores_nothing(judge: Judge, humaneval: Tasks) -> None:
    for task, sealed, _ in humaneval:
        prompt = unseal(sealed).context
        ast.parse(prompt)
        assert not judge.judge_sync(sealed, prompt).passed, task
