"""Images: of this machine's Python, of Debian's, on a base of the user's; made anew when the cell has changed."""

from __future__ import annotations

import hashlib
import io
import re
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from banchu.core.errors import ConfigError
from banchu.core.sealed import SealedTests, TestSuite
from banchu.sandbox import Judge, probe_isolation
from banchu.sandbox.docker import image as images
from banchu.sandbox.docker.image import CELL_LABEL, build, cell_digest, default_name
from banchu.sandbox.docker.rootfs import cell_files, root_of
from banchu.sandbox.link import Failed
from banchu.sandbox.process import own_python

pytestmark = pytest.mark.slow

SEALED = SealedTests(TestSuite("def check(candidate):\n    assert candidate(2) == 4\n", "f", "", ""))
DEBIAN = Path("/usr/bin/python3")
NAMES = ("banchu-test-debian", "banchu-test-base", "banchu-test-own", "banchu-test-none", "banchu-test-old")


@pytest.fixture
def client(docker_daemon: Any) -> Iterator[Any]:
    yield docker_daemon
    for found in docker_daemon.images.list():
        for tag in found.tags:
            if tag.startswith(NAMES):
                docker_daemon.images.remove(tag, force=True)


def judged(name: str, code: str = "def f(x):\n    return x * x\n") -> str:
    judge = Judge(slots=1, isolation=f"docker+image={name}")
    try:
        verdict = judge.judge_sync(SEALED, code)
    finally:
        judge.close()
    return verdict.kind if verdict.passed else f"{verdict.kind}: {verdict.error}"


def imported(client: Any, name: str, tar: bytes) -> None:
    client.api.import_image_from_data(tar, repository=name, tag="1")


def test_the_same_machine_gives_the_same_bytes_and_nothing_private() -> None:
    digests, entries = set(), []
    for _ in range(2):  # it differs too when somebody edits the cell between the two
        with root_of(own_python()) as root:
            digests.add(hashlib.sha256(root.tar.read()).hexdigest())
            root.tar.seek(0)
            with tarfile.open(fileobj=root.tar) as tar:
                entries = tar.getmembers()
    assert len(digests) == 1
    names = [entry.name for entry in entries]
    assert names == sorted(names, key=lambda name: name.split("/"))
    assert {(e.uid, e.gid, e.mtime, e.uname) for e in entries} == {(0, 0, 0, "")}
    assert not [name for name in names if re.search(r"site-packages|dist-packages|/test/|passwd|tester", name)]
    assert {
        "tmp",
        "bin/sh",
        "usr/bin/python3",
        "banchu/boot.py",
        "banchu/cell/server.py",
        "banchu/wire/tunnel.py",
    } <= set(names)


def test_another_cell_asks_for_another_image(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = cell_digest()
    changed = tmp_path / "server.py"
    changed.write_text("# another")
    kept = [path for path in cell_files() if path.name != "server.py"]
    monkeypatch.setattr(images, "cell_files", lambda: [*kept, changed])
    monkeypatch.setattr(images, "BOOT", tmp_path / "boot.py")
    monkeypatch.setattr(Path, "relative_to", lambda self, _other: Path(self.name))
    assert cell_digest.__wrapped__() != before
    assert default_name().endswith(before)


def test_an_image_with_another_cell_or_none_is_refused(client: Any) -> None:
    empty = io.BytesIO()
    tarfile.open(fileobj=empty, mode="w").close()
    labels = [f"LABEL {CELL_LABEL}=0123456789ab", "LABEL a=b"]
    for tag, said in enumerate(["another version of the cell", "no cell"]):
        name, content = f"banchu-test-old:{tag}", empty.getvalue() + bytes(10240)
        client.api.import_image_from_data(content, repository="banchu-test-old", tag=str(tag), changes=[labels[tag]])
        report = probe_isolation(f"docker+image={name}")
        assert (report.ok, report.tier) == (False, "docker")
        assert said in report.detail
        assert report.remedy == f"make it anew: banchu sandbox build --image {name} [--base IMAGE]"


@pytest.mark.skipif(not DEBIAN.exists() or sys.version_info[:2] != (3, 11), reason="takes Debian's Python")
def test_debians_python_will_do(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "own_python", lambda: str(DEBIAN))
    for _ in range(2):  # the second takes the first one's place
        assert build(client, "banchu-test-debian:1") == "banchu-test-debian:1"
    assert client.images.list(filters={"dangling": True, "label": f"{CELL_LABEL}={cell_digest()}"}) == []
    assert judged("banchu-test-debian:1") == "passed"
    modules = "import ssl, sqlite3, ctypes, decimal, zoneinfo, unittest, lzma, bz2, hashlib, multiprocessing\n"
    assert judged("banchu-test-debian:1", modules + "def f(x):\n    return x * x\n") == "passed"
    threads = "import threading\ndef f(x):\n    t = threading.Thread(target=print)\n    t.start()\n    t.join()\n"
    assert judged("banchu-test-debian:1", threads + "    return x * x\n") == "passed"


def test_a_base_of_the_users(client: Any) -> None:
    python = Path(own_python()).resolve()
    with root_of(str(python)) as root:
        content = root.tar.read()
    tar = io.BytesIO(content)
    with tarfile.open(fileobj=tar, mode="a") as archive:
        secret = tarfile.TarInfo("home/secret")
        secret.size, secret.mode = 3, 0o644
        archive.addfile(secret, io.BytesIO(b"abc"))
    changes = [f"ENV LD_LIBRARY_PATH={root.library_path}"] if root.library_path else []
    client.api.import_image_from_data(tar.getvalue(), repository="banchu-test-base", tag="1", changes=changes)
    assert build(client, "banchu-test-own:1", "banchu-test-base:1") == "banchu-test-own:1"
    assert judged("banchu-test-own:1") == "passed"
    # What else lies in a user's image is not for candidates.
    assert "PermissionError" in judged("banchu-test-own:1", "open('/home/secret')\ndef f(x):\n    return x * x\n")


def test_a_base_without_python_is_refused_and_leaves_no_image(client: Any) -> None:
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("nothing"))
    imported(client, "banchu-test-none", tar.getvalue())
    with pytest.raises(ConfigError, match="base image 'banchu-test-none:1' has no python3"):
        build(client, "banchu-test-own:2", "banchu-test-none:1")
    assert not [found.tags for found in client.images.list() if "banchu-test-own:2" in found.tags]


def test_a_base_that_is_nowhere(client: Any) -> None:
    with pytest.raises((ConfigError, Failed), match="banchu-test-nowhere"):
        build(client, "banchu-test-own:3", "banchu-test-nowhere:1")


@pytest.mark.parametrize("name", ["Upper:1", "a b", "x:", "x:a b", ""])
def test_a_name_that_is_none(name: str) -> None:
    call: Callable[[], str] = lambda: build(None, name or " ")  # noqa: E731
    with pytest.raises(ConfigError, match="is not a name in lower case"):
        call()


def test_a_list_of_images_says_which_is_this_versions(client: Any) -> None:
    (mine,) = (found for found in images.images(client) if found.name == default_name())
    assert mine.current
    assert mine.bytes > 10_000_000
