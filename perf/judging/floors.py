"""Rows below which nothing can go: the program in this process, in a bare fork, and in a fresh interpreter."""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from banchu.sandbox.process import FLAGS, own_python
from judging.programs import Program
from judging.rows import Entry, Outcome

_ZYGOTE = Path(__file__).with_name("zygote.py")


class InProcess:
    """exec() here: no isolation at all, not even of memory."""

    def __init__(self, _group: str) -> None:
        pass

    def prepare(self, programs: Sequence[Program]) -> None:
        pass

    def judge(self, programs: Sequence[Program]) -> list[Outcome]:
        return [self._one(program) for program in programs]

    def close(self) -> None:
        pass

    def _one(self, program: Program) -> Outcome:
        start = time.perf_counter()
        passed = False
        with contextlib.suppress(Exception), contextlib.redirect_stdout(io.StringIO()):
            exec(compile(program.script, "<program>", "exec"), {"__name__": "program"})
            passed = True
        return Outcome(program.task_id, passed, time.perf_counter() - start)


class BareFork:
    """A warm process that forks for each program, with its check inside, and waits."""

    def __init__(self, _group: str) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._file = Path(self._folder.name, "programs.json")
        command = [own_python(), *FLAGS, str(_ZYGOTE), str(self._file)]
        self._zygote = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def prepare(self, programs: Sequence[Program]) -> None:
        self._file.write_text(json.dumps([program.script for program in programs]))
        assert self._ask("load") == len(programs)

    def judge(self, programs: Sequence[Program]) -> list[Outcome]:
        ended = self._ask("go")
        return [
            Outcome(program.task_id, code == 0, wall) for program, (code, wall) in zip(programs, ended, strict=True)
        ]

    def close(self) -> None:
        self._zygote.communicate()
        self._folder.cleanup()

    def _ask(self, word: str) -> Any:
        assert self._zygote.stdin is not None
        assert self._zygote.stdout is not None
        self._zygote.stdin.write(f"{word}\n")
        self._zygote.stdin.flush()
        return json.loads(self._zygote.stdout.readline())


class FreshInterpreter:
    """`python -I file.py`."""

    def __init__(self, _group: str) -> None:
        self._folder = tempfile.TemporaryDirectory()

    def prepare(self, programs: Sequence[Program]) -> None:
        for number, program in enumerate(programs):
            self._file(number).write_text(program.script)

    def judge(self, programs: Sequence[Program]) -> list[Outcome]:
        return [self._one(number, program) for number, program in enumerate(programs)]

    def close(self) -> None:
        self._folder.cleanup()

    def _one(self, number: int, program: Program) -> Outcome:
        start = time.perf_counter()
        done = subprocess.run([own_python(), "-I", str(self._file(number))], stdout=subprocess.DEVNULL, check=False)
        return Outcome(program.task_id, done.returncode == 0, time.perf_counter() - start)

    def _file(self, number: int) -> Path:
        return Path(self._folder.name, f"{number}.py")


def rows() -> dict[str, Entry]:
    return {
        "bare fork": Entry(BareFork, "a warm fork server, nothing else"),
        "exec() in process": Entry(InProcess, "no isolation"),
        "python -I file.py": Entry(FreshInterpreter, "a fresh interpreter"),
    }
