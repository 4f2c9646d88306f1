"""`--record`, `--replay` and `--cache`, as commands take them."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from banchu.core.errors import ConfigError

if TYPE_CHECKING:
    from banchu.models.recorded import Recording

Record = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Keep every answer in FILE, and take from it what it holds instead of asking."),
]
Replay = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Take every answer from FILE; no model is opened. What it lacks is an error with a diff.",
    ),
]
Cache = Annotated[
    bool, typer.Option("--cache", help="As --record, in a file of your cache folder that all such runs share.")
]


def opened(record: Path | None, replay: Path | None, cache: bool) -> AbstractContextManager[Recording | None]:
    """The recording that the options mean, or none; close it after the run.

    Raises:
        ConfigError: two of them at once, or a file that cannot be opened.
        DataError: the file is no recording, or damaged.
    """
    given = [name for name, value in (("--record", record), ("--replay", replay), ("--cache", cache)) if value]
    if len(given) > 1:
        raise ConfigError(f"{' and '.join(given)} cannot go together; write one of them")
    if not given:
        return nullcontext()
    from banchu.models.recorded import Recording, cache_file

    if replay:
        return Recording(replay, "replay")
    return Recording(record or cache_file(), "record")
