"""Logs of other systems: each is recognised by its fields, read into the same rows, or refused with what it lacks."""

from __future__ import annotations

import gzip
import io
import json
import struct
import zipfile
from typing import Any

import pytest

from banchu.core.errors import ConfigError, DataError
from banchu.experiments.audit.formats import FORMATS, read_rows
from banchu.experiments.audit.rows import Row

PROGRAM = "def f(x):\n    return x\n"
OTHER = "def f(x):\n    return x + 1\n"
LOOP = {"is_solved": True, "reflections": ["I was wrong."], "implementations": [PROGRAM, OTHER], "solution": OTHER}
FEEDBACK = ["Tested passed:\nassert f(1) == 1\n\nTests failed:\nassert f(2) == 3 # output: 2"]
SAMPLE: dict[str, Any] = {
    "id": "HumanEval/0",
    "epoch": 2,
    "messages": [
        {"role": "user", "content": "def f(x):"},
        {"role": "assistant", "content": "I shall look at the file."},
        {"role": "assistant", "content": f"```python\n{PROGRAM}```"},
        {"role": "tool", "content": "wrong"},
        {"role": "assistant", "content": [{"type": "text", "text": f"```python\n{OTHER}```"}]},
    ],
    "output": {"choices": [{"message": {"role": "assistant", "content": f"```python\n{OTHER}```"}}]},
    "scores": {"verify": {"value": "C"}},
}


def rows(*records: object, wanted: str = "auto") -> tuple[str, list[Row]]:
    data = "".join(f"{json.dumps(record)}\n" for record in records).encode()
    found, read = read_rows(data, "log", wanted)
    return found.name, [row for _, row in read]


def archive(*samples: dict[str, Any], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as file:
        file.writestr("_journal/start.json", json.dumps({"version": 2}))
        for sample in samples:
            file.writestr(f"samples/{sample['id']}_epoch_{sample['epoch']}.json", json.dumps(sample))
        file.writestr("header.json", json.dumps({"version": 2, "status": "success"}))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "record", "rounds", "claims"),
    [
        ("banchu", {"task_id": "T/1", "attempts": [PROGRAM, None], "claimed": True}, [0, 1], [None, True]),
        ("banchu", {"task_id": 1, "attempts": [PROGRAM, OTHER], "claimed": [False, True]}, [0, 1], [False, True]),
        ("banchu", {"task_id": "T/1", "attempts": []}, [], []),
        ("reflexion", {"task_id": "T/1", **LOOP}, [0, 1], [None, True]),
        ("reflexion", {"task_id": "T/1", **LOOP, "solution": PROGRAM}, [0, 1, 2], [None, None, True]),
        ("reflexion", {"task_id": "T/1", **LOOP, "implementations": None}, [1], [True]),
        ("reflexion", {"task_id": "T/1", "is_solved": False, "reflections": ["a", "b"], "solution": ""}, [2], [False]),
        ("reflexion", {"name": "T_1_f", "is_solved": True, "solution": PROGRAM}, [0], [True]),
        ("lats", {"name": "T_1_f", "acc": 1.0}, [], []),
        ("lats", {"name": "T_1_f", "acc": 0.5, **LOOP}, [0, 1], [None, True]),
        ("ldb", {"task_id": "T/1", "given_tests": [], "seed": "", "debug_iter": 1, **LOOP}, [0, 1], [None, True]),
        ("ldb", {"task_id": "T/1", "given_tests": [], "is_solved": False, "solution": PROGRAM}, [0], [False]),
        ("mapcoder", {"task_id": "T/1", "source_codes": [PROGRAM, OTHER], "is_solved": False}, [0, 1], [None, False]),
        ("mapcoder", {"name": "T_1_f", "source_codes": [], "is_solved": True}, [0], [True]),
        ("human-eval", {"task_id": "T/1", "completion": "    return x\n"}, [0], [None]),
        ("human-eval", {"task_id": "T/1", "completion": "", "result": "passed", "passed": True}, [0], [True]),
        ("evalplus", {"task_id": "T/1", "solution": PROGRAM}, [0], [None]),
        ("inspect", {"eval": {}, "samples": [SAMPLE]}, [0, 1], [None, True]),
    ],
)
def test_a_log_is_known_by_its_fields(
    name: str, record: dict[str, Any], rounds: list[int], claims: list[bool | None]
) -> None:
    found, (row,) = rows(record)
    assert found == name
    assert [each.round for each in row.attempts] == rounds
    assert [each.claimed for each in row.attempts] == claims


def test_what_else_a_record_holds() -> None:
    hidden = "def check(candidate):\n    pass\n"
    _, (lats,) = rows({"name": "T_1_f", "acc": 0.25, "test": hidden, "test_feedback": FEEDBACK, **LOOP})
    assert (lats.name, lats.accuracy, lats.hidden, lats.tests, lats.reflections) == (
        "T_1_f",
        0.25,
        hidden,
        FEEDBACK[0],
        1,
    )
    _, (ldb,) = rows({"task_id": "T/1", "given_tests": ["assert f(1)"], "generated_test": ["assert f(2)"], **LOOP})
    assert ldb.tests == "assert f(2)"
    more = {"tests": ["assert f(1)", "assert f(2)"], "few_shots": ["def g(): ..."], "repeat": 3}
    _, (ours,) = rows({"task_id": "T/1", "attempts": [PROGRAM], **more})
    assert (ours.tests, ours.few_shots, ours.repeat) == ("assert f(1)\nassert f(2)", ("def g(): ...",), 3)


def test_a_format_is_taken_from_the_first_record_and_may_be_named() -> None:
    later = {"name": "T_2_g", "acc": 0.5, "is_solved": False, "solution": ""}
    assert rows({"name": "T_1_f", "acc": 1.0}, later)[0] == "lats"
    assert rows({"task_id": "T/1", "is_solved": True, "solution": PROGRAM}, wanted="evalplus")[0] == "evalplus"


@pytest.mark.parametrize(
    ("record", "wanted", "says"),
    [
        ({"task_id": "T/1", "text": "x"}, "auto", r"log, line 1: the fields \(task_id, text\) .* no known log"),
        ({"attempts": [PROGRAM]}, "auto", r"'task_id' is missing, and must be a string\. A line needs task_id"),
        ({"task_id": "T/1", "attempts": "x"}, "auto", r"'attempts' is str, and must be a list of strings"),
        ({"task_id": "T/1", "attempts": [1]}, "auto", r"'attempts' is list, and must be a list of strings"),
        ({"task_id": "T/1", "attempts": ["x"], "claimed": [True, True]}, "auto", r"'claimed' .* a list of 1 of them"),
        ({"task_id": "T/1", "attempts": ["x"], "claimed": "yes"}, "auto", r"'claimed' is str, .* true or false"),
        ({"task_id": "T/1", "attempts": ["x"], "repeat": -1}, "auto", r"'repeat' is int, .* whole number from 0"),
        ({"task_id": "T/1", "is_solved": None, "solution": ""}, "auto", r"'is_solved' is NoneType, .* Reflexion needs"),
        ({"task_id": "T/1", "is_solved": True, "solution": ["assert f(1)"]}, "auto", r"'solution' is list, .* string"),
        ({"name": "T_1_f", "acc": 95}, "auto", r"'acc' is int, .* number from 0 to 1\. A line of LATS"),
        ({"task_id": "T/1", "solution": PROGRAM}, "reflexion", r"'is_solved' is missing"),
        ({"task_id": "T/1", "solution": PROGRAM}, "human-eval", r"'completion' is missing.* human-eval needs"),
        ({"task_id": True, "completion": ""}, "auto", r"'task_id' is bool"),
        ({"eval": {}, "samples": [1]}, "auto", r"sample 1: is int, not a sample of Inspect"),
        ({"eval": {}, "samples": {}}, "auto", r"no log of Inspect with samples"),
        ({"eval": {}, "samples": [{"epoch": 1}]}, "auto", r"'id' is missing.* A sample of Inspect"),
        ([1], "auto", r"line 1: is list, not an object"),
    ],
)
def test_a_record_that_does_not_fit_is_refused_with_what_was_expected(record: Any, wanted: str, says: str) -> None:
    with pytest.raises(DataError, match=says):
        rows(record, wanted=wanted)


def test_an_unknown_format_and_an_empty_file() -> None:
    with pytest.raises(ConfigError, match=r"unknown format of a log 'reflexio'\. Did you mean 'reflexion'"):
        rows({"task_id": "T/1"}, wanted="reflexio")
    with pytest.raises(DataError, match=r"log: holds no attempt"):
        rows()
    with pytest.raises(DataError, match=r"log, line 2: not valid JSON"):
        list(read_rows(b'{"task_id": "T/1", "attempts": []}\n{"task', "log")[1])


def test_an_inspect_log_gives_each_sample_with_its_conversation() -> None:
    data = archive({**SAMPLE, "id": "HumanEval/1", "epoch": 1, "scores": {"verify": {"value": 0.0}}}, SAMPLE)
    found, read = read_rows(data, "log.eval")
    first, second = (row for _, row in read)
    assert (found.name, first.name, first.repeat, second.repeat) == ("inspect", "HumanEval/1", 0, 1)
    assert [each.claimed for each in first.attempts] == [None, False]
    assert [each.text for each in second.attempts] == [f"```python\n{PROGRAM}```", f"```python\n{OTHER}```"]
    assert {each.form for each in second.attempts} == {"reply"}


@pytest.mark.parametrize(
    ("scores", "claimed"),
    [
        ({"a": {"value": "I"}}, False),
        ({"a": {"value": 1.0}}, True),
        ({"a": {"value": True}}, True),
        ({"a": {"value": float("nan")}, "b": {"value": "C"}}, True),
        ({"a": {"value": {"x": 1}}}, None),
        ({"a": None}, None),
        (None, None),
    ],
)
def test_what_a_scorer_of_inspect_says(scores: Any, claimed: bool | None) -> None:
    ((_, row),) = read_rows(archive({**SAMPLE, "scores": scores}), "log.eval")[1]
    assert row.attempts[-1].claimed is claimed


def test_a_message_that_inspect_keeps_as_an_attachment_is_found() -> None:
    message = {"role": "assistant", "content": "attachment://abc"}
    sample = {"id": 1, "epoch": 1, "messages": [message], "attachments": {"abc": PROGRAM}}
    ((_, row),) = read_rows(archive(sample), "log.eval")[1]
    assert [each.text for each in row.attempts] == [PROGRAM]


def test_a_sample_of_inspect_without_an_answer_keeps_its_score() -> None:
    ((_, row),) = read_rows(archive({"id": 1, "epoch": 1, "messages": [], "scores": SAMPLE["scores"]}), "log")[1]
    assert [(each.text, each.claimed) for each in row.attempts] == [(None, True)]


def test_zstandard_is_read_as_new_versions_of_inspect_write_it() -> None:
    zstandard = pytest.importorskip("zstandard")
    text = json.dumps(SAMPLE).encode()
    packed = zstandard.compress(text[:100]) + zstandard.compress(text[100:])  # a stream of two frames
    data = bytearray(archive(SAMPLE, compression=zipfile.ZIP_STORED).replace(text, packed))
    local = data.index(b"samples/") - 30
    central = data.rindex(b"samples/") - 46
    for place in (local + 8, central + 10):
        data[place : place + 2] = struct.pack("<H", 93)
    struct.pack_into("<I", data, central + 20, len(packed))
    # What lies behind has moved by the bytes that were saved.
    saved = len(text) - len(packed)
    end = data.rindex(b"PK\x05\x06")
    struct.pack_into("<I", data, end + 16, struct.unpack_from("<I", data, end + 16)[0] - saved)
    header = data.rindex(b"header.json") - 46
    struct.pack_into("<I", data, header + 42, struct.unpack_from("<I", data, header + 42)[0] - saved)
    ((_, row),) = read_rows(bytes(data), "log.eval")[1]
    assert (row.name, len(row.attempts)) == ("HumanEval/0", 2)
    damaged = bytes(data).replace(packed, packed[:-3] + b"\0\0\0")
    with pytest.raises(DataError, match=r"damaged|not valid JSON"):
        list(read_rows(damaged, "log.eval")[1])


def test_archives_that_are_no_log_of_inspect_are_refused() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("a.txt", "x")
    with pytest.raises(DataError, match=r"without header\.json"):
        list(read_rows(buffer.getvalue(), "a.zip")[1])
    with pytest.raises(DataError, match="damaged archive"):
        list(read_rows(archive(SAMPLE)[:200], "a.eval")[1])
    with pytest.raises(DataError, match="is an archive, not reflexion"):
        read_rows(archive(SAMPLE), "a.eval", "reflexion")


def test_gzip_is_read_and_every_format_says_what_it_expects() -> None:
    data = gzip.compress(json.dumps({"task_id": "T/1", "attempts": [PROGRAM]}).encode())
    assert [row.name for _, row in read_rows(data, "log.gz")[1]] == ["T/1"]
    assert [name for name, each in FORMATS.items() if "needs" not in each.expects] == []
