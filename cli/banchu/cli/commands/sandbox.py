"""`banchu sandbox`: the images that `--isolation docker` starts its containers from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from banchu.sandbox.docker.image import Image

app = typer.Typer(help="Make, list and remove the images for --isolation docker.", no_args_is_help=True)


@app.command()
def build(
    image: Annotated[str | None, typer.Option(help="Its name. Without one it is found by itself.")] = None,
    base: Annotated[
        str | None, typer.Option(help="An image with Python 3.11 or newer to build on, as python:3.12-slim.")
    ] = None,
) -> None:
    """Make the image for --isolation docker, out of this machine's Python or on top of a base of yours.

    No registry is asked, but for a base that is not here yet. Make it anew after an update of banchu.

    Examples: `banchu sandbox build` · `banchu sandbox build --base python:3.12-slim --image my-cell`
    """
    from banchu.core.errors import SandboxError
    from banchu.sandbox import probe_isolation
    from banchu.sandbox.docker.daemon import connect
    from banchu.sandbox.docker.image import build as build_image
    from banchu.sandbox.docker.image import default_name
    from banchu.sandbox.link import Failed
    from banchu.sandbox.probe import explain

    try:
        name = build_image(connect(), image, base)
    except Failed as failed:
        raise SandboxError("the image was not made: {}; {}".format(*explain(failed))) from None
    spec = "docker" if name == default_name() else f"docker+image={name}"
    report = probe_isolation(spec)
    if not report.ok:
        raise SandboxError(f"image {name} was made, but no cell starts in it: {report.detail}; {report.remedy}")
    print(f"{name}: a cell starts in it ({report.detail})")
    print(f"use it with --isolation {spec}")


@app.command("list")
def list_images(json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the images that hold a cell, and whether it is this version's.

    Example: `banchu sandbox list`
    """
    from dataclasses import asdict

    from banchu.cli.output import print_json, print_table

    found = _images()
    if json:
        print_json([asdict(row) for row in found])
        return
    rows = [(r.name, "yes" if r.current else "no: build it anew", r.bytes // 10**6, r.created[:16]) for r in found]
    print_table(("image", "of this version", "MB", "made"), rows)


@app.command()
def remove(
    image: Annotated[str | None, typer.Argument(help="Its name; without one: all that are of other versions.")] = None,
) -> None:
    """Remove an image, or all that hold another version's cell.

    Examples: `banchu sandbox remove` · `banchu sandbox remove my-cell`
    """
    from banchu.core.errors import SandboxError, unknown
    from banchu.sandbox.docker.daemon import connect
    from banchu.sandbox.docker.image import remove as remove_image
    from banchu.sandbox.link import Failed

    found = _images()
    chosen = [row for row in found if (row.name == image if image else not row.current)]
    if image and not chosen:
        raise unknown("image", image, [row.name for row in found])
    for row in chosen:
        try:
            remove_image(connect(), row)
        except Failed as failed:
            raise SandboxError(f"image {row.name} was not removed: {failed}") from None
        print(f"removed {row.name}")
    if not chosen:
        print("nothing to remove")


def _images() -> list[Image]:
    from banchu.core.errors import SandboxError
    from banchu.sandbox.docker.daemon import connect
    from banchu.sandbox.docker.image import images
    from banchu.sandbox.link import Failed
    from banchu.sandbox.probe import explain

    try:
        return images(connect())
    except Failed as failed:
        raise SandboxError("{}; {}".format(*explain(failed))) from None
