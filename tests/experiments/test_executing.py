"""What programs say, without what differs from one run to the next: two runs must tell a model the same."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from banchu.core.errors import IsolationUnavailable
from banchu.experiments.executing import plain
from banchu.experiments.tools.cells import Pool

FAILS = "import os\nprint(os.getcwd())\ndef f():\n    return 1 / 0\nf()\n"


def test_the_folder_of_a_cell_has_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = f"{tempfile.gettempdir()}/banchu-slot-123-a_b4c5d6"
    assert plain(f'File "{folder}/main.py", line 2; {folder}; {folder}/a/b') == 'File "./main.py", line 2; .; ./a/b'
    assert plain("/elsewhere/banchu-slot-1-x and banchu-slot-1-x") == "/elsewhere/banchu-slot-1-x and banchu-slot-1-x"
    link = tmp_path / "link"
    link.symlink_to(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(link))
    assert plain(f"{link}/banchu-slot-1-x {tmp_path}/banchu-slot-1-x") == ". ."


@pytest.mark.slow
@pytest.mark.parametrize("isolation", ["namespaces", "bwrap", "landlock", "landlock+python=/usr/bin/python3"])
async def test_a_program_that_fails_says_the_same_in_another_cell(isolation: str) -> None:
    said = []
    for _ in range(2):
        pool = Pool(isolation)
        try:
            said.append(await pool.run_python(FAILS, timeout_s=5))
        except IsolationUnavailable as why:
            pytest.skip(str(why))
        finally:
            await pool.aclose()
    assert "ZeroDivisionError" in said[0].errors
    assert said[0] == said[1]
