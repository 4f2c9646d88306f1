"""`banchu` in a process of its own, forked from one that has imported everything: no command pays for imports again.

Each command has its own folder, environment, files for its output and exit code, as if a shell had started it. What a
fork cannot show is an import that is missing and another seed of hashes, so tests ask processes started afresh too.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

_LIMIT_S = 100
_NEEDED = (
    "anyio._backends._asyncio",
    "banchu.analysis.report",
    "banchu.analysis.run",
    "banchu.cli.audit",
    "banchu.cli.checkup",
    "banchu.cli.judging",
    "banchu.cli.runs",
    "banchu.cli.show_episode",
    "banchu.cli.show_run",
    "banchu.cli.watch",
    "banchu.experiments.audit",
    "banchu.experiments.launch",
    "banchu.models.local",
    "banchu.models.scripted",
    "banchu.sandbox.docker",
    "docker",
    "langchain_core.tracers.stdout",
    "matplotlib.backends.backend_agg",
    "numpy.random",
    "openai",
    "rich.markdown",
)
"""What commands import when they are run. Not torch: its threads would not come along."""
ROOT = Path(__file__).parent.parent


class WarmBanchu:
    """Runs commands one after the other; close it when done."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, __file__], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def run(
        self, arguments: list[str], cwd: Path, env: Mapping[str, str], said: bytes = b""
    ) -> subprocess.CompletedProcess[str]:
        """As `subprocess.run` of `banchu ARGUMENTS`, with `said` on its standard input."""
        assert self._server.stdin
        assert self._server.stdout
        with tempfile.TemporaryFile() as stdin, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            stdin.write(said)
            stdin.seek(0)
            files = [f"/proc/{os.getpid()}/fd/{file.fileno()}" for file in (stdin, out, err)]
            order = {"arguments": arguments, "cwd": str(cwd), "env": dict(env), "files": files}
            self._server.stdin.write(f"{json.dumps(order)}\n")
            self._server.stdin.flush()
            code = int(self._server.stdout.readline())
            texts = []
            for file in (out, err):
                file.seek(0)
                texts.append(file.read().decode())
        return subprocess.CompletedProcess(arguments, code, *texts)

    def close(self) -> None:
        self._server.communicate("")
        assert self._server.returncode == 0


def _become(order: dict[str, Any]) -> None:
    """Make this process the one that was ordered."""
    signal.alarm(_LIMIT_S)  # a command that hangs ends by this signal, and the code says so
    for number, path in enumerate(order["files"]):
        file = os.open(path, os.O_RDWR if number == 0 else os.O_RDWR | os.O_APPEND)
        os.dup2(file, number)
        os.close(file)
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["env"])
    sys.argv = ["banchu", *order["arguments"]]


def _end(code: int) -> NoReturn:
    """As an interpreter ends, but for taking down each module: this copies every page that the fork has borrowed."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _serve() -> None:
    """Fork once for each line of standard input, and answer with the exit code."""
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # numpy's threads would not come along either
    for name in _NEEDED:
        importlib.import_module(name)
    from banchu.cli.main import main

    gc.freeze()  # else a child's first collection copies every page
    while line := sys.stdin.readline():
        child = os.fork()
        if child == 0:
            _become(json.loads(line))
            try:
                main()
            except SystemExit as end:
                if end.code is None or isinstance(end.code, int):
                    _end(end.code or 0)
                raise
            _end(0)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    _serve()
