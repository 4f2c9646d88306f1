"""Answers kept in a file and taken from it: `--record`, `--replay` and `--cache`."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

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


@dataclass(frozen=True, slots=True)
class RecordFlags:
    """Where answers are kept, or taken from."""

    PANEL: ClassVar[str] = "Answers kept and replayed"
    record: Record = None
    replay: Replay = None
    cache: Cache = False

    def opened(self, *, dry: bool = False) -> AbstractContextManager[Recording | None]:
        """The recording that the options mean, or none; close it after the run.

        Args:
            dry: nothing will be bought, so nothing is kept: a file to be replayed is all that counts.

        Raises:
            ConfigError: two of them at once, or a file that cannot be opened.
            DataError: the file is no recording, or damaged.
        """
        options = (("--record", self.record), ("--replay", self.replay), ("--cache", self.cache))
        given = [name for name, value in options if value]
        if len(given) > 1:
            raise ConfigError(f"{' and '.join(given)} cannot go together; write one of them")
        if not given or (dry and not self.replay):
            return nullcontext()
        from banchu.models.recorded import Recording, cache_file

        if self.replay:
            return Recording(self.replay, "replay")
        return Recording(self.record or cache_file(), "record")
