"""The file of a recording: what is added is there, and what is not a recording is named with its line and a remedy."""

from __future__ import annotations

import errno
import gzip
import os
from pathlib import Path
from typing import Any

import pytest

from banchu.core.chat import Completion, Request, Sampling, Usage
from banchu.core.errors import ConfigError, DataError, ModelError, StorageError
from banchu.models.recorded.codec import Entry, encode, entry_of
from banchu.models.recorded.store import Store

MODEL = {"id": "m@1", "spec": "m", "style": "chat", "at": "2026-11-21T12:00:00+00:00"}


def call(n: int, text: str | None = None) -> Entry:
    return entry_of("m@1", Request(f"prompt {n}", Sampling(seed=n)), Completion(text or f"answer {n}", Usage(), "stop"))


def refusal(n: int, *, retryable: bool) -> Entry:
    return entry_of("m@1", Request(f"prompt {n}", Sampling(seed=n)), ModelError("busy", retryable=retryable))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A recording of one model and three calls."""
    with_calls(tmp_path / "a.jsonl", 0, 1, 2)
    return tmp_path / "a.jsonl"


def with_calls(path: Path, *numbers: int) -> None:
    store = Store(path, writes=True)
    store.add_model(MODEL)
    for n in numbers:
        store.add(call(n))
    store.close()


def answers(path: Path) -> list[str]:
    store = Store(path)
    try:
        return [entry.result().text for entry in store.entries()]
    finally:
        store.close()


def test_what_was_added_is_found_again(path: Path) -> None:
    store = Store(path)
    assert [store.find(call(n).key) for n in range(3)] == [call(n) for n in range(3)]
    assert store.find(call(3).key) is None
    assert store.models == [MODEL]
    assert len(store) == 3
    assert not store.torn
    store.close()
    store.close()


def test_the_first_answer_counts_and_a_model_is_named_once(path: Path) -> None:
    before = path.read_bytes()
    store = Store(path, writes=True)
    assert store.add(call(1, "later")) == call(1)
    store.add_model({**MODEL, "at": "another day"})
    store.close()
    assert path.read_bytes() == before


def test_an_answer_takes_the_place_of_a_refusal_that_might_pass(path: Path) -> None:
    store = Store(path, writes=True)
    for _ in range(2):
        store.add(refusal(7, retryable=True))
    store.add(call(7))
    store.add(refusal(8, retryable=False))
    assert store.add(call(8)).outcome is not call(8).outcome
    store.close()
    store = Store(path)
    assert store.find(call(7).key) == call(7)
    assert isinstance(getattr(store.find(call(8).key), "outcome", None), ModelError)
    store.close()
    assert path.read_bytes().count(b'"refusal"') == 2


def test_two_stores_see_what_the_other_adds(path: Path) -> None:
    one, other = Store(path, writes=True), Store(path, writes=True)
    one.add(call(5))
    assert other.find(call(5).key) == call(5)
    assert other.add(call(5, "mine")) == call(5)
    # What the other has not looked for yet must survive its next line.
    one.add(refusal(6, retryable=True))
    other.find(call(6).key)
    one.add(call(9))
    other.add(call(6))
    one.close()
    other.close()
    assert answers(path)[3:] == ["answer 5", "answer 6", "answer 9"]


def test_two_files_joined_are_one_recording(path: Path, tmp_path: Path) -> None:
    with_calls(tmp_path / "b.jsonl", 2, 3)
    joined = tmp_path / "joined.jsonl"
    joined.write_bytes(path.read_bytes() + (tmp_path / "b.jsonl").read_bytes())
    assert answers(joined) == [f"answer {n}" for n in range(4)]


def test_a_packed_recording_is_read(path: Path, tmp_path: Path) -> None:
    packed = tmp_path / "a.jsonl.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert answers(packed) == ["answer 0", "answer 1", "answer 2"]
    with pytest.raises(ConfigError, match=r"a\.jsonl\.gz.*--replay.*gzip"):
        Store(packed, writes=True)
    packed.write_bytes(packed.read_bytes()[:-30])
    with pytest.raises(DataError, match=r"a\.jsonl\.gz.*cannot be unpacked"):
        Store(packed)


def test_windows_line_ends_and_empty_lines_are_no_damage(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n") + b"\n\n")
    assert answers(path) == ["answer 0", "answer 1", "answer 2"]


@pytest.mark.parametrize("cut", [1, 5, 100])
def test_half_a_line_at_the_end_is_said_and_cut_off_by_the_next_writer(path: Path, cut: int) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    store = Store(path)
    assert store.torn
    assert store.find(call(2).key) is None
    store.close()
    store = Store(path, writes=True)
    assert store.torn
    store.add(call(2))
    store.close()
    assert path.read_bytes() == whole


@pytest.mark.parametrize("kept", [0, 1, 10, 40])
def test_a_writer_killed_in_its_first_moment_leaves_nothing_to_repair(path: Path, kept: int) -> None:
    header = path.read_bytes().partition(b"\n")[0]
    path.write_bytes(header[:kept])
    with pytest.raises(DataError, match="line 1"):
        Store(path)
    with_calls(path, 4)
    assert answers(path) == ["answer 4"]


@pytest.mark.parametrize("content", [b"my notes", b"my notes\n", b"\x00\xff" * 300, b"[1]\n", b"7" * 500_000])
@pytest.mark.parametrize("writes", [True, False])
def test_a_file_of_another_kind_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes, writes: bool) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"notes\.txt', line 1: this is no recording.*--record"):
        Store(path, writes=writes)
    assert path.read_bytes() == content


def test_another_version_is_refused(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b'"version":1', b'"version":9', 1))
    with pytest.raises(DataError, match=r"line 1: version 9, and this banchu reads 1; use the banchu"):
        Store(path)


@pytest.mark.parametrize("line", [b"<<<<<<< HEAD", b'{"key":"12"}', b'{"model":{"id":"m","spec":"m","style":"odd"}}'])
def test_a_line_that_is_no_call_is_named_at_once(path: Path, line: bytes) -> None:
    lines = path.read_bytes().split(b"\n")
    lines.insert(3, line)
    path.write_bytes(b"\n".join(lines))
    for writes in (False, True):
        with pytest.raises(DataError, match=r"a\.jsonl', line 4: neither a call nor a model; delete the line"):
            Store(path, writes=writes)


@pytest.mark.parametrize("damage", [(b'"text":"answer 1"', b'"text":answer 1'), (b'"text":"answer 1"', b'"text":null')])
def test_damage_inside_a_call_is_named_when_it_is_asked_for(path: Path, damage: tuple[bytes, bytes]) -> None:
    path.write_bytes(path.read_bytes().replace(*damage))
    store = Store(path)
    assert store.find(call(0).key) == call(0)
    with pytest.raises(DataError, match=r"a\.jsonl', line 4: .*; delete the line"):
        store.find(call(1).key)
    store.close()


def test_a_file_that_cannot_be_opened_is_the_users(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"missing\.jsonl.*No such file.*--record"):
        Store(tmp_path / "missing.jsonl")
    for writes in (True, False):
        with pytest.raises(ConfigError, match="directory"):
            Store(tmp_path, writes=writes)
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="choose another file"):
        Store(tmp_path / "file" / "a.jsonl", writes=True)


def test_a_full_disk_keeps_what_was_there(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, whole = Store(path, writes=True), path.read_bytes()
    write, writes = os.write, iter([10, None])

    def full(fd: int, data: Any) -> int:
        if (n := next(writes)) is None:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(fd, data[:n])

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        with pytest.raises(StorageError, match=r"a\.jsonl.*No space left.*free space"):
            store.add(call(5))
    assert path.read_bytes() == whole
    assert store.add(call(5)) == call(5)
    store.close()
    assert path.read_bytes() == whole + encode(call(5))


def test_a_file_that_is_shortened_under_a_writer_is_an_error(path: Path) -> None:
    store = Store(path, writes=True)
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(DataError, match="shortened"):
        store.add(call(5))
    store.close()
