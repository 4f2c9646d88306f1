"""Entries out of a file: the same from SQLite and from JSON lines, and the file is left as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from banchu.core.errors import DataError
from banchu.memory import Entry, Pool
from banchu.memory.codec import to_line
from banchu.memory.files import digest_of, read_entries
from banchu.memory.lasting import SqliteMemory
from banchu.models.embedding.hashed import HashedEmbedder


def entry(n: int, text: str = "a lesson") -> Entry:
    return Entry(f"{text} {n}", Pool("lasting", "run", "intrinsic"), f"T/{n}", "train", f"T/{n}#0", 0, order=n)


async def test_both_kinds_of_file_say_the_same(tmp_path: Path) -> None:
    entries = [entry(n, "half \ud800 a pair") for n in range(3)]
    memory = SqliteMemory(tmp_path / "m.sqlite", HashedEmbedder())
    await memory.remember(*reversed(entries))
    await memory.aclose()
    (tmp_path / "m.jsonl").write_text("\n".join(map(to_line, entries)) + "\n\n")
    before = (tmp_path / "m.sqlite").read_bytes()
    there, lines = read_entries(tmp_path / "m.sqlite"), read_entries(tmp_path / "m.jsonl")
    assert [each.embedded_by("") for each in there] == lines == entries
    assert digest_of(there) == digest_of(lines) != digest_of(lines[:2])
    assert (tmp_path / "m.sqlite").read_bytes() == before


@pytest.mark.parametrize(
    ("content", "says"), [(b"\xff\xfe", "neither"), (b"SQLite format 3\0", "no memory"), (b"{}\n", "line 1")]
)
def test_another_kind_of_file_is_one_line(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "m").write_bytes(content)
    with pytest.raises(DataError, match=says):
        read_entries(tmp_path / "m")
    with pytest.raises(DataError, match="cannot be read"):
        read_entries(tmp_path / "gone")


def test_lines_of_somebody_elses_json_are_read(tmp_path: Path) -> None:
    said = entry(0, "a line\u2028of its own\u0085")
    raw = to_line(said).encode().decode("unicode_escape").replace("\n", "\\n")
    assert "\u2028" in raw
    (tmp_path / "m").write_text(f"\ufeff{raw}\r\n", encoding="utf-8", newline="")
    assert read_entries(tmp_path / "m") == [said]
