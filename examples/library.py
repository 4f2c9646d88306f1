"""A tool: search in a folder of documentation. DOCS=FOLDER names it; its .md, .rst and .txt files are read once.

Full-text search with BM25, as SQLite has it (FTS5), over paragraphs.
"""

from __future__ import annotations

import os
import re
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

from banchu.agents.tools import Tool, tool
from banchu.core.errors import ConfigError

_KINDS = {".md", ".rst", ".txt"}


def search_docs() -> Tool:
    """The tool over the folder that the environment names; banchu calls this once, when a run starts."""
    folder = Path(os.environ.get("DOCS", ""))
    if not os.environ.get("DOCS") or not folder.is_dir():
        raise ConfigError(f"DOCS={os.environ.get('DOCS', '')!r} names no folder; write DOCS=FOLDER before the command")
    return over(folder)


def over(folder: Path) -> Tool:
    """The tool over a folder."""
    # Calls come from threads, one at a time.
    database, lock = sqlite3.connect(":memory:", check_same_thread=False), threading.Lock()
    database.execute("CREATE VIRTUAL TABLE paragraphs USING fts5 (file UNINDEXED, text, tokenize = 'porter unicode61')")
    database.executemany("INSERT INTO paragraphs VALUES (?, ?)", _paragraphs(folder))

    @tool(max_characters=4000, stateless=True)
    def search_docs(words: str) -> str:
        """Search the documentation.

        Args:
            words: what to look for, in a few words.
        """
        # Each word in quotes: whatever else a query means to FTS5 is not meant here.
        query = " OR ".join(f'"{word}"' for word in re.findall(r"\w+", words)[:30])
        with lock:
            found = database.execute(
                "SELECT file, text FROM paragraphs WHERE paragraphs MATCH ? ORDER BY rank LIMIT 3", [query or '""']
            ).fetchall()
        return "\n\n".join(f"{file}:\n{text}" for file, text in found) or "nothing was found"

    return search_docs


def _paragraphs(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.rglob("*")):
        if path.suffix in _KINDS and path.is_file():
            for text in re.split(r"\n\s*\n", path.read_text(encoding="utf-8", errors="replace")):
                if text.strip():
                    yield str(path.relative_to(folder)), text.strip()
