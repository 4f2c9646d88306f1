"""Replay the shipped recorded run under other Pythons, and compare the ledgers.

    python perf/replay_elsewhere.py                       # every other Python from 3.11 on that is found here
    python perf/replay_elsewhere.py python3.13            # this one
    python perf/replay_elsewhere.py --root /srv/trixie    # the python3 of another system (debootstrap), as root

banchu is built from this tree and installed into an environment of its own for each, from the package index or, with
`--wheels FOLDER`, from files. Then `banchu demo` runs in a network namespace with nothing in it, not even a loopback
that is up: no request can leave, or reach a server here. Its ledger is compared with the digest that came with the
recording, and, cell by cell, with a ledger that is made here. Prints what differs, and what the digest leaves out among
it; exit code 1 if anything else does.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from banchu.experiments.digest import LEFT_OUT

TREE = Path(__file__).parent.parent
NO_NETWORK = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]
ABOUT = (
    "import json, os, platform, sqlite3, sys\n"
    "routes = open('/proc/net/route').read().splitlines()[1:]\n"
    "system = platform.freedesktop_os_release().get('PRETTY_NAME', '')\n"
    "print(json.dumps({'python': platform.python_version(), 'system': system, 'libc': ' '.join(platform.libc_ver()), "
    "'sqlite': sqlite3.sqlite_version, 'routes': len(routes)}))"
)
"""Says where it runs, and how many ways lead out of there."""
INSIDE = 'mount --rbind "$0" "$0" && cd "$0" && mkdir -p old && pivot_root . old && umount -l /old && exec "$@"'
"""A root of its own. Not by chroot: in one the kernel makes no user namespaces, and cells need them."""


NAMES = ("episode", "task_id", "arm", "repeat", "round", "key", "tests_sha", "code_sha")
"""What a row is called, as far as it has these."""


@dataclass(frozen=True, slots=True)
class Place:
    """A Python somewhere: here, or in the folder that is the root of another system."""

    python: str
    root: Path | None = None

    def seen(self, path: Path) -> str:
        """A path as it is called there."""
        return str(path) if self.root is None else f"/{path.relative_to(self.root)}"

    def run(self, command: list[str], folder: Path, *, network: bool = True) -> str:
        """What the command prints there. Raises SystemExit with its last words where it fails."""
        words = [] if network else list(NO_NETWORK)
        if self.root is not None:
            isolated = [*(words or ["unshare"]), "--mount", "--pid", "--fork", f"--mount-proc={self.root}/proc"]
            words = [*isolated, "sh", "-c", INSIDE, str(self.root), "env", "-C", self.seen(folder)]
        home = {"HOME": self.seen(folder), "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C.UTF-8"}
        done = subprocess.run([*words, *command], cwd=folder, env=home, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{self.python}: {' '.join(command)} failed:\n{done.stderr[-3000:]}")
        return done.stdout


def found_here() -> list[str]:
    """Other Pythons that start: on PATH, and those of pyenv."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    names = [shutil.which(f"python3.{minor}") for minor in range(11, 20)]
    found: dict[str, str] = {}
    for name in [*filter(None, names), *sorted(map(str, pyenv.glob("3.*/bin/python3")))]:
        asked = "import sys; print('.'.join(map(str, sys.version_info[:3])), sys.version_info >= (3, 11))"
        done = subprocess.run([name, "-c", asked], capture_output=True, text=True)
        version, _, fits = done.stdout.strip().partition(" ")
        if done.returncode == 0 and fits == "True" and version != ".".join(map(str, sys.version_info[:3])):
            found.setdefault(version, name)
    return list(found.values())


def replay(place: Place, folder: Path, wheel: Path, wheels: Path | None) -> tuple[dict[str, Any], Path]:
    """Install banchu there and run its demo without a network: what it said, and its ledger."""
    for file in (wheel, *(wheels.iterdir() if wheels else ())):
        shutil.copy(file, folder)
    source = ["--no-index", "--find-links", place.seen(folder)] if wheels else []
    place.run([place.python, "-m", "venv", place.seen(folder / "venv")], folder)
    pip = [place.seen(folder / "venv" / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
    place.run([*pip, *source, place.seen(folder / wheel.name)], folder)
    about = json.loads(place.run([place.seen(folder / "venv/bin/python"), "-c", ABOUT], folder, network=False))
    said = json.loads(place.run([place.seen(folder / "venv/bin/banchu"), "demo", "--json"], folder, network=False))
    (ledger,) = (folder / "runs").glob("*/ledger.sqlite")
    return {**about, **said["ledger"]}, ledger


def cells(ledger: Path) -> Counter[tuple[str, str, str]]:
    """Every value of every table, as (table, column, value with its row); JSON objects by their keys."""
    found: Counter[tuple[str, str, str]] = Counter()
    with closing(sqlite3.connect(ledger)) as db:
        db.row_factory = sqlite3.Row
        names = {
            row["id"]: f"{row['task_id']} {row['arm']} {row['repeat']}" for row in db.execute("SELECT * FROM episodes")
        }
        for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for row in map(dict, db.execute(f"SELECT * FROM {table}")):
                if "episode" in row:
                    row["episode"] = names[row["episode"]]
                if table == "meta":
                    row = {row["key"]: row["value"]}
                elif table == "verdicts":
                    row |= {f"detail.{key}": value for key, value in json.loads(row.pop("detail")).items()}
                where = [
                    str(row.get(name)) for name in ("episode", "task_id", "arm", "repeat", "round", "key", "code_sha")
                ]
                found.update((table, column, f"{' '.join(where)}: {value}") for column, value in row.items())
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pythons", nargs="*", metavar="PYTHON")
    parser.add_argument("--root", type=Path, help="the root folder of another system")
    parser.add_argument("--wheels", type=Path, help="a folder with banchu's dependencies for that Python")
    arguments = parser.parse_args()
    pythons = arguments.pythons or (["python3"] if arguments.root else found_here())
    if not pythons:
        sys.exit("no other Python from 3.11 on is found here; name one, or another system with --root")
    root = arguments.root.resolve() if arguments.root else None
    same = True
    with tempfile.TemporaryDirectory() as scratch:
        built = [sys.executable, "-m", "pip", "-q", "wheel", "--no-deps", "-w", scratch, str(TREE)]
        subprocess.run(built, check=True)
        (wheel,) = Path(scratch).glob("banchu-*.whl")
        subprocess.run([sys.executable, "-m", "banchu.cli.main", "demo"], cwd=scratch, check=True, capture_output=True)
        (here,) = (Path(scratch) / "runs").glob("*/ledger.sqlite")
        for python in pythons:
            with tempfile.TemporaryDirectory(dir=root / "tmp" if root else None) as folder:
                told, ledger = replay(Place(python, root), Path(folder), wheel, arguments.wheels)
                ours, theirs = cells(here), cells(ledger)
            differ = sorted({cell[:2] for cell in (ours - theirs) | (theirs - ours)})
            print(f"Python {told['python']}, {told['system']}, {told['libc']}, SQLite {told['sqlite']}")
            print(f"  ways out of there: {told['routes']}")
            print(f"  ledger: {'the same as recorded' if told['same'] else told['differs']}, sha256 {told['sha256']}")
            for kind, wanted in (("differs, and is left out", True), ("differs, and counts", False)):
                names = [f"{table}.{column}" for table, column in differ if ((table, column) in LEFT_OUT) is wanted]
                print(f"  {kind}: {', '.join(names) or 'nothing'}")
            same = same and told["same"] and told["routes"] == 0 and all(cell in LEFT_OUT for cell in differ)
    sys.exit(0 if same else 1)


if __name__ == "__main__":
    main()
