"""Images with a cell inside: made of this machine's Python or of a user's own image, named for what they hold."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import json
import platform
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from banchu.core.errors import ConfigError, SandboxError
from banchu.sandbox.docker.daemon import refusals
from banchu.sandbox.docker.owner import OWNER_LABEL, owner
from banchu.sandbox.docker.rootfs import HOME, cell_files, copy_cell, root_of, write_tar
from banchu.sandbox.link import Failed
from banchu.sandbox.process import BOOT, own_python

REPOSITORY: Final = "banchu-cell"
CELL_LABEL: Final = "banchu.cell"
"""On images and containers: the digest of the cell's code."""
PYTHON_LABEL: Final = "banchu.python"
"""On images: the interpreter's path."""
_LEAST_PYTHON: Final = (3, 11)
_RECIPE: Final = "2"
"""Raise it when images are made in another way."""


@dataclass(frozen=True)
class Image:
    """One image that holds a cell."""

    name: str
    id: str
    current: bool
    """Whether the cell inside is this version's."""
    bytes: int
    created: str


@functools.cache
def cell_digest() -> str:
    """12 hexadecimal digits of the cell's code: another cell, another image."""
    digest = hashlib.sha256(_RECIPE.encode())
    for path in cell_files():
        content = path.read_bytes()
        digest.update(f"\0{path.relative_to(BOOT.parent)}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:12]


def default_name(base: str | None = None) -> str:
    """What an image is called where the user gives no name."""
    stem = platform.python_version() if base is None else re.sub(r"[^a-z0-9.]+", "-", base.lower()).strip("-.")
    return f"{REPOSITORY}:{stem}-{cell_digest()}"


def build(client: Any, name: str | None = None, base: str | None = None) -> str:
    """Make an image and return its name.

    Args:
        client: of the daemon that keeps it.
        name: what to call it; None: `default_name`.
        base: an image with Python in it; None: an image of this machine's Python, made from nothing.

    Raises:
        ConfigError: the name, or a base without a Python that will do.
        SandboxError: this machine's Python cannot be copied.
        Failed: the daemon refuses.
    """
    name = name or default_name(base)
    repository, _, tag = name.rpartition(":") if ":" in name.rpartition("/")[2] else (name, "", "latest")
    if not re.fullmatch(r"[a-z0-9][a-z0-9._/:-]*", repository) or not re.fullmatch(r"\w[\w.-]{0,127}", tag):
        raise ConfigError(f"image name {name!r} is not a name in lower case with a tag, as in my-cell:1")
    name = f"{repository}:{tag}"
    with _replacing(client, name):
        if base is None:
            _build_own(client, repository, tag)
        else:
            _build_on(client, name, base)
    return name


@contextmanager
def _replacing(client: Any, name: str) -> Iterator[None]:
    """What had the name before has none now: it goes, unless it is in use."""
    import docker

    with refusals(name):
        before = {image.id for image in client.images.list(name)}
    yield
    with refusals(name):
        for image in before - {image.id for image in client.images.list(name)}:
            with contextlib.suppress(docker.errors.APIError):
                client.images.remove(image)


def _build_own(client: Any, repository: str, tag: str) -> None:
    python = str(Path(own_python()).resolve())
    with root_of(python) as root, tempfile.NamedTemporaryFile(prefix="banchu-image-", suffix=".tar") as tar:
        while piece := root.tar.read(2**20):
            tar.write(piece)
        tar.flush()
        changes = [f"LABEL {CELL_LABEL}={cell_digest()} {PYTHON_LABEL}={json.dumps(python)}", "WORKDIR /"]
        if root.library_path:
            changes.append(f"ENV LD_LIBRARY_PATH={json.dumps(root.library_path)}")
        with refusals(f"{repository}:{tag}"):
            said = client.api.import_image(tar.name, repository=repository, tag=tag, changes=changes)
    if '"error"' in said:
        raise SandboxError(f"the daemon did not import the image: {said.strip()[:300]}")


def _build_on(client: Any, name: str, base: str) -> None:
    import docker

    labels = f"LABEL {CELL_LABEL}={cell_digest()} {PYTHON_LABEL}=python3"
    recipe = f"FROM {base}\nCOPY banchu {HOME}\n{labels}\nUSER 0:0\nWORKDIR /\nHEALTHCHECK NONE\n"
    with tempfile.TemporaryDirectory(prefix="banchu-image-") as folder:
        copy_cell(Path(folder, HOME[1:]))
        Path(folder, "Dockerfile").write_text(recipe)
        context = io.BytesIO()
        write_tar(Path(folder), context)
    context.seek(0)
    with refusals(base):
        try:
            client.images.build(fileobj=context, custom_context=True, tag=name, rm=True, forcerm=True)
        except docker.errors.BuildError as error:
            raise ConfigError(f"base image {base!r} cannot be built upon: {error.msg}") from None
        version = _python_of(client, name)
    if version is None or version < _LEAST_PYTHON:
        with refusals(name):
            client.images.remove(name)
        found = "no python3" if version is None else f"Python {version[0]}.{version[1]}"
        raise ConfigError(f"base image {base!r} has {found}; use one with Python 3.11 or newer, as python:3.12-slim")


def _python_of(client: Any, name: str) -> tuple[int, int] | None:
    import docker

    program = "import sys, json; print(json.dumps(sys.version_info[:2]))"
    container = client.containers.create(
        name,
        ["-I", "-S", "-c", program],
        entrypoint="python3",
        labels={OWNER_LABEL: owner()},
        network_mode="none",
        read_only=True,
    )
    try:
        container.start()
        container.wait()
        major, minor = json.loads(container.logs(stderr=False))
    except (docker.errors.APIError, ValueError):
        return None
    finally:
        container.remove(force=True)
    return major, minor


def python_of(client: Any, name: str) -> str:
    """The interpreter's path in an image, which must hold this version's cell. Raises Failed."""
    with refusals(name):
        image = client.images.get(name)
    labels = image.labels
    if labels.get(CELL_LABEL) != cell_digest():
        holds = "another version of the cell" if CELL_LABEL in labels else "no cell"
        option = "" if name == default_name() else f" --image {name} [--base IMAGE]"
        remedy = f"make it anew: banchu sandbox build{option}"
        raise Failed(f"image {name!r} holds {holds}", {"stage": "docker", "remedy": remedy})
    if volumes := image.attrs["Config"].get("Volumes"):
        detail = f"image {name!r} declares a volume ({min(volumes)}), which candidates could share"
        raise Failed(detail, {"stage": "docker", "remedy": "use a base image without VOLUME"})
    return str(labels[PYTHON_LABEL])


def images(client: Any) -> list[Image]:
    """All that hold a cell, by name."""
    with refusals(""):
        found = client.images.list(filters={"label": CELL_LABEL})
    rows = []
    for image in found:
        current = image.labels[CELL_LABEL] == cell_digest()
        size, created = image.attrs["Size"], image.attrs["Created"]
        rows += [Image(name, image.id, current, size, created) for name in image.tags or [image.short_id]]
    return sorted(rows, key=lambda row: row.name)


def remove(client: Any, image: Image) -> None:
    """Forget one name of an image, and the image with its last. Raises Failed."""
    with refusals(image.name):
        client.images.remove(image.name)
