"""Readers of logs in which attempts follow each other: banchu's own format, Reflexion, LDB, LATS, MapCoder.

Field names are those of the projects' code and released logs:

- Reflexion: noahshinn/reflexion@218cf0e, programming_runs/reflexion.py; its first logs (blob fcd2f88a) keep the last
  program only, in `solution`, and one reflection for each retry.
- LDB: FloridSleeves/LLMDebugger@49ac191, programming/ldb.py.
- LATS: lapisrocks/LanguageAgentTreeSearch@853d816, programming/mcts.py; a task that is solved at once leaves a line
  without a program.
- MapCoder: Md-Ashraful-Pramanik/MapCoder@0027da7, src/promptings/Base.py.
"""

from __future__ import annotations

from typing import Any

from banchu.experiments.audit.rows import Fields, Row, Written


def read_banchu(fields: Fields) -> Row:
    """Our own: task_id, attempts; optional claimed (of the last attempt, or a list), reflections, tests, few_shots."""
    texts = fields.texts("attempts") if isinstance(fields.raw("attempts"), list) else None
    if texts is None:
        raise fields.wrong("attempts", "a list of strings")
    claims = _claims(fields, len(texts))
    return Row(
        name=fields.text("task_id"),
        attempts=tuple(Written(n, text, claims[n]) for n, text in enumerate(texts)),
        reflections=len(fields.texts("reflections")),
        tests=_joined(fields.texts("tests")),
        few_shots=tuple(text for text in fields.texts("few_shots") if text),
        repeat=fields.count("repeat"),
    )


def read_reflexion(fields: Fields) -> Row:
    """task_id or name, is_solved, solution and/or implementations; reflections and test_feedback where it has them."""
    claimed = fields.flag("is_solved")
    if claimed is None:
        raise fields.wrong("is_solved", "true or false")
    return _loop(fields, claimed, tests=_first_feedback(fields))


def read_lats(fields: Fields) -> Row:
    """name and acc; is_solved, solution, implementations, reflections where the first attempt did not end the task."""
    if "acc" not in fields:
        raise fields.wrong("acc", "a number from 0 to 1")
    return _loop(fields, fields.flag("is_solved"), tests=_first_feedback(fields))


def read_ldb(fields: Fields) -> Row:
    """task_id, is_solved, given_tests, seed; implementations and generated_test from a loop, solution from a seed."""
    claimed = fields.flag("is_solved")
    if claimed is None:
        raise fields.wrong("is_solved", "true or false")
    return _loop(fields, claimed, tests=_joined(fields.texts("generated_test") or fields.texts("given_tests")))


def read_mapcoder(fields: Fields) -> Row:
    """task_id, source_codes, is_solved. Between two of its programs stand the hidden tests: pass@k with an oracle."""
    for needed, what in (("source_codes", "a list of strings"), ("is_solved", "true or false")):
        if fields.raw(needed) is None:
            raise fields.wrong(needed, what)
    codes = fields.texts("source_codes")
    claimed = fields.flag("is_solved")
    return Row(
        name=fields.text("task_id", "name"),
        attempts=_attempts(codes, claimed) or (Written(0, None, claimed),),
        hidden=_hidden(fields),
    )


def _loop(fields: Fields, claimed: bool | None, *, tests: str) -> Row:
    """What Reflexion's code and its descendants write."""
    implementations = fields.texts("implementations")
    reflections = fields.texts("reflections")
    solution = fields.optional_text("solution")
    if implementations:
        last = implementations[-1] or ""
        if solution is not None and solution.strip() not in ("", last.strip()):
            implementations = [*implementations, solution]
        attempts = _attempts(implementations, claimed)
    elif solution is not None or claimed is not None:
        # The last program alone: each reflection led to one more.
        attempts = (Written(len(reflections), solution, claimed),)
    else:
        attempts = ()
    return Row(
        name=fields.text("task_id", "name"),
        attempts=attempts,
        reflections=len(reflections),
        tests=tests,
        hidden=_hidden(fields),
        accuracy=fields.share("acc"),
    )


def _attempts(texts: list[str | None], claimed: bool | None) -> tuple[Written, ...]:
    """The claim is about the last one."""
    last = len(texts) - 1
    return tuple(Written(n, text, claimed if n == last else None) for n, text in enumerate(texts))


def _claims(fields: Fields, attempts: int) -> list[bool | None]:
    claimed: Any = fields.raw("claimed")
    if isinstance(claimed, list):
        if len(claimed) != attempts or not all(each is None or isinstance(each, bool) for each in claimed):
            raise fields.wrong("claimed", f"true, false, or a list of {attempts} of them, one an attempt")
        return claimed
    last = fields.flag("claimed")
    return [last if number == attempts - 1 else None for number in range(attempts)]


def _first_feedback(fields: Fields) -> str:
    """The tests of the first attempt, which its feedback quotes; those of later ones are the same or about others."""
    feedback = fields.raw("test_feedback")
    first = feedback[0] if isinstance(feedback, list) and feedback else ""
    return first if isinstance(first, str) else ""


def _hidden(fields: Fields) -> str:
    found = fields.raw("test")
    return found if isinstance(found, str) else ""


def _joined(texts: list[str | None]) -> str:
    return "\n".join(text for text in texts if text)
