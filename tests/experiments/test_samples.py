"""Samples from elsewhere: what becomes of each text, what is said of it, and a file of verdicts that loses nothing."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from banchu.benchmarks import Benchmark, load_benchmark
from banchu.core.errors import DataError, StorageError
from banchu.core.verdict import Verdict
from banchu.experiments.samples import Form, Samples, read_samples
from banchu.experiments.verdict_file import Finding, VerdictFile

TASK = {
    "task_id": "mine/1",
    "prompt": 'import math\n\n\ndef double(x):\n    """Twice x."""\n',
    "entry_point": "double",
    "test": "def check(candidate):\n    assert candidate(21) == 42\n",
}
BODY = "    return x * 2\n"
WHOLE = "def double(x):\n    return x * 2\n"


@pytest.fixture
def benchmark(tmp_path: Path) -> Benchmark:
    path = tmp_path / "tasks.jsonl"
    path.write_text("".join(json.dumps({**TASK, "task_id": f"mine/{n}"}) + "\n" for n in (1, 2)))
    return load_benchmark(str(path))


def write(path: Path, *rows: object) -> str:
    text = "".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return str(path)


def read(tmp_path: Path, benchmark: Benchmark, *rows: object, **options: Any) -> Samples:
    return read_samples(write(tmp_path / "samples.jsonl", *rows), benchmark, **options)


@pytest.mark.parametrize(
    ("row", "form", "field", "code"),
    [
        ({"completion": BODY}, None, None, TASK["prompt"] + BODY),
        ({"solution": WHOLE}, None, None, WHOLE),
        ({"solution": WHOLE, "completion": BODY}, None, None, WHOLE),
        ({"solution": WHOLE, "completion": BODY}, None, "completion", TASK["prompt"] + BODY),
        ({"generation": WHOLE}, None, "generation", WHOLE),
        ({"generation": BODY}, "continuation", "generation", TASK["prompt"] + BODY),
        ({"completion": WHOLE}, "program", None, WHOLE),
        ({"completion": ""}, None, None, TASK["prompt"]),
        ({"reply": f"Sure!\n```python\n{WHOLE}```\n"}, "reply", None, f"import math\n{WHOLE}"),
        ({"text": "I cannot."}, "reply", None, None),
    ],
)
def test_what_a_text_is_decides_what_is_judged(
    tmp_path: Path, benchmark: Benchmark, row: dict[str, str], form: Form | None, field: str | None, code: str | None
) -> None:
    (sample,) = read(tmp_path, benchmark, {"task_id": "mine/1", **row}, form=form, field=field).all
    assert sample.code == code


def test_lines_numbers_and_short_ids(tmp_path: Path, benchmark: Benchmark) -> None:
    path = write(
        tmp_path / "s.jsonl.gz", *({"task_id": task, "completion": BODY} for task in ("mine/2", 1)), "", {
            "task_id": "MINE/2", "completion": "x", "more": [1]
        },
    )  # fmt: skip
    samples = read_samples(path, benchmark)
    assert [(s.line, s.task_id, s.number) for s in samples.all] == [
        (1, "mine/2", 0),
        (2, "mine/1", 0),
        (4, "mine/2", 1),
    ]
    assert samples.repeated == 0


@pytest.mark.parametrize(
    ("row", "options", "note"),
    [
        ({"completion": WHOLE}, {}, "1 of 2 samples define the function itself"),
        ({"completion": "```python\n    return x * 2\n```"}, {}, "1 of 2 samples hold a ``` fence"),
        ({"solution": BODY}, {}, "1 of 2 samples never name the function"),
        ({"reply": "No."}, {"form": "reply"}, "1 of 2 samples hold no program"),
    ],
)
def test_what_looks_like_something_else_is_counted_and_judged_as_it_is(
    tmp_path: Path, benchmark: Benchmark, row: dict[str, str], options: dict[str, Any], note: str
) -> None:
    fine = {key: WHOLE if key != "completion" else BODY for key in row}
    samples = read(tmp_path, benchmark, {"task_id": 1, **fine}, {"task_id": 1, **row}, **options)
    assert [text for text in samples.notes if note in text] == list(samples.notes) != []
    assert read(tmp_path, benchmark, {"task_id": 1, **fine}, **options).notes == ()


@pytest.mark.parametrize(
    ("row", "options", "message"),
    [
        ("{torn", {}, "line 2: not valid JSON"),
        ("7", {}, "line 2: is int, not an object"),
        ({"completion": BODY}, {}, "line 2: field 'task_id' is missing; it must name a task, such as 'mine/1'"),
        ({"task_id": None, "completion": BODY}, {}, "line 2: field 'task_id' is NoneType"),
        ({"task_id": "mine/3", "completion": BODY}, {}, "line 2: unknown task 'mine/3'"),
        ({"task_id": "mine/1", "text": "x"}, {}, "line 2: no field 'solution' or 'completion' (there: text); name"),
        ({"task_id": "mine/1", "text": "x"}, {"field": "code"}, "line 2: field 'code' is missing (there: text)"),
        ({"task_id": "mine/1", "completion": ["a", "b"]}, {}, "line 2: field 'completion' is list; it must be a str"),
    ],
)
def test_a_bad_line_is_named_with_its_remedy(
    tmp_path: Path, benchmark: Benchmark, row: object, options: dict[str, Any], message: str
) -> None:
    first = {"task_id": 1, "completion": BODY, "code": BODY}
    with pytest.raises(DataError) as caught:
        read(tmp_path, benchmark, first, row, **options)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "message"), [(b"", "holds no sample"), (b"\xff\xfe", "not UTF-8"), (None, "cannot be")]
)
def test_a_bad_file_is_named(tmp_path: Path, benchmark: Benchmark, data: bytes | None, message: str) -> None:
    path = tmp_path / "s.jsonl"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(DataError, match=message):
        read_samples(str(path), benchmark)


HOW = {"benchmark": "mine", "limits": {"cpu_s": 2.0}}


@pytest.fixture
def samples(tmp_path: Path, benchmark: Benchmark) -> Samples:
    return read(tmp_path, benchmark, *({"task_id": 1, "completion": f"    return {n}\n"} for n in range(4)))


def judged(path: Path, samples: Samples, *kinds: Any, how: dict[str, Any] = HOW) -> VerdictFile:
    """A file with these verdicts on the first samples; None is unjudged."""
    with VerdictFile(path, how, samples) as file:
        for sample, kind in zip(samples.all, kinds, strict=False):
            file.add(Finding(sample, None, "the judge failed") if kind is None else Finding(sample, Verdict(kind)))
    return file


def kinds(file: VerdictFile) -> list[str | None]:
    return [found.verdict.kind if found.verdict else None for found in file.findings.values()]


def test_verdicts_are_found_again_and_unjudged_samples_are_not(tmp_path: Path, samples: Samples) -> None:
    path = tmp_path / "verdicts.jsonl"
    judged(path, samples, "passed", None, "wrong_answer")
    assert [json.loads(line)["passed"] for line in path.read_text().splitlines()] == [True, None, False]
    again = judged(path, samples)
    assert kinds(again) == ["passed", "wrong_answer"]
    assert again.earlier == {1, 3}
    assert len(path.read_text().splitlines()) == 2


@pytest.mark.parametrize("cut", [1, 40, 200])
def test_a_line_torn_by_a_kill_costs_only_itself(tmp_path: Path, samples: Samples, cut: int) -> None:
    path = tmp_path / "verdicts.jsonl"
    judged(path, samples, "passed", "passed", "raised")
    path.write_bytes(path.read_bytes()[:-cut])
    with VerdictFile(path, HOW, samples) as file:
        assert kinds(file) == ["passed", "passed"]
        file.add(Finding(samples.all[3], Verdict("raised")))
    assert kinds(judged(path, samples)) == ["passed", "passed", "raised"]


def test_lines_that_moved_keep_their_verdicts_and_equal_programs_share_one(
    tmp_path: Path, benchmark: Benchmark, samples: Samples
) -> None:
    path = tmp_path / "verdicts.jsonl"
    judged(path, samples, "passed", "raised", "raised", "raised")
    moved = ({"task_id": 1, "completion": f"    return {n}\n"} for n in (3, 2, 1, 0, 0))
    now = read(tmp_path, benchmark, *moved)
    assert now.repeated == 1
    assert kinds(judged(path, now)) == ["raised", "raised", "raised", "passed", "passed"]
    assert [json.loads(line)["line"] for line in path.read_text().splitlines()] == [1, 2, 3, 4, 5]


def test_verdicts_of_another_way_or_of_other_programs_are_not_mixed_in(
    tmp_path: Path, benchmark: Benchmark, samples: Samples
) -> None:
    path = tmp_path / "verdicts.jsonl"
    judged(path, samples, "passed")
    before = path.read_bytes()
    with pytest.raises(DataError, match=r"another way \(cpu_s: 2.0 then, 5.0 now\); --fresh"):
        judged(path, samples, how={**HOW, "limits": {"cpu_s": 5.0}})
    with pytest.raises(DataError, match=r"verdicts on 1 programs that .* does not hold; --fresh"):
        judged(path, read(tmp_path, benchmark, {"task_id": 1, "completion": "other"}))
    assert path.read_bytes() == before
    with VerdictFile(path, {"benchmark": "other"}, samples, fresh=True) as file:
        assert file.findings == {}
    assert path.read_bytes() == b""


@pytest.mark.parametrize(
    "text", ['{"task_id": "mine/1", "completion": "x"}\n', "[]\n", "notes\n", "\n", "notes", '{"task_id": 1}']
)
@pytest.mark.parametrize("fresh", [False, True])
def test_a_file_that_is_something_else_is_never_touched(
    tmp_path: Path, samples: Samples, text: str, fresh: bool
) -> None:
    path = tmp_path / "notes.txt"
    path.write_text(text)
    with pytest.raises(DataError, match="line 1: is no verdict of `banchu judge`, and is left as it is"):
        VerdictFile(path, HOW, samples, fresh=fresh)
    assert path.read_text() == text


def test_a_file_belongs_to_one_process_at_a_time(tmp_path: Path, samples: Samples) -> None:
    path = tmp_path / "verdicts.jsonl"
    judged(path, samples, "passed", None)
    with VerdictFile(path, HOW, samples), pytest.raises(StorageError, match="being written by another process"):
        VerdictFile(path, HOW, samples)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, samples: Samples) -> None:
    with pytest.raises(StorageError, match=r"cannot be written \(No such file.*--out"):
        VerdictFile(tmp_path / "nowhere" / "v.jsonl", HOW, samples)
