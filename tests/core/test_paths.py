"""Paths as people write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from banchu.core.paths import user_path


def test_a_tilde_is_the_home_folder_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/of/mine")
    assert user_path("~/tasks.jsonl") == Path("/home/of/mine/tasks.jsonl")
    assert user_path("a/~/b") == Path("a/~/b")
    assert user_path("~nobody-of-this-name/tasks.jsonl") == Path("~nobody-of-this-name/tasks.jsonl")
