"""What `--record`, `--replay` and `--cache` mean: where a run's models come from."""

from __future__ import annotations

import datetime
import os
import platform
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from banchu.core.errors import ConfigError, unknown
from banchu.models.protocol import Around, Model
from banchu.models.recorded.codec import Plain
from banchu.models.recorded.models import RecordingModel, ReplayedModel, Tally
from banchu.models.recorded.store import Store
from banchu.models.registry import ModelOptions, open_model

Opener = Callable[[str, ModelOptions], Model]


def cache_file() -> Path:
    """The recording that runs share: answers.jsonl in the user's cache folder."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "banchu" / "answers.jsonl"


class Recording:
    """One file that stands between a run and its models, however many those are.

    A call is found by its model's id and everything that may change the answer, the seed included: another sample is
    another seed. An endpoint that changes its weights and keeps its name keeps its recorded answers; take a new file.

    Args:
        path: the file; made where there is none, unless replaying.
        mode: `record` asks models for what the file lacks, and adds it. `replay` opens no model: no key, no torch, no
            network; what the file lacks is an error.

    Raises:
        ConfigError: the file cannot be opened.
        DataError: it is no recording, or damaged.
    """

    def __init__(self, path: Path, mode: Literal["record", "replay"], *, opener: Opener = open_model) -> None:
        self._store = Store(path, writes=mode == "record")
        self._replays = mode == "replay"
        self._opener = opener
        self.tally = Tally()

    @property
    def notices(self) -> list[str]:
        """What the user should know before the run begins."""
        if not self._store.torn:
            return []
        cure = "a call of it may be missing" if self._replays else "it is cut off, and its answer is asked again"
        return [f"{str(self._store.path)!r} ends with half a line, of a process that was killed: {cure}"]

    @property
    def replays(self) -> bool:
        """Whether no model is asked."""
        return self._replays

    def open(self, spec: str, options: ModelOptions | None = None) -> Model:
        """As `open_model`: the model itself with its answers kept, or what was recorded of it.

        Raises:
            ConfigError: the recording knows no model of this name, or several.
            Otherwise as `open_model`.
        """
        options = options or ModelOptions()
        if self._replays:
            found = self._recorded(spec, options)
            replayed = ReplayedModel(found["id"], found["style"], self._store, self.tally, _python_differs(found))
            replayed.takes_tools = found.get("tools") is True
            return replayed
        model = self._opener(spec, options)
        at = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        made: Plain = {"at": at, "python": platform.python_version()}
        made |= {"tools": True} if Around(model).takes_tools else {}
        self._store.add_model({"id": model.id, "spec": spec, "style": model.prompt_style, **made})
        return RecordingModel(model, self._store, self.tally)

    def _recorded(self, spec: str, options: ModelOptions) -> Plain:
        models = {(m.get("id"), m.get("style")): m for m in self._store.models}.values()
        known = [m for m in models if spec in (m.get("spec"), m.get("id"))]
        if options.base_url:
            known = [m for m in known if m["id"].endswith(f"@{options.base_url.rstrip('/')}")]
        if options.style:
            known = [m for m in known if m.get("style") == options.style]
        where = f"recording {str(self._store.path)!r}"
        if not known:
            specs = {str(m.get(name)) for m in models for name in ("spec", "id")}
            raise unknown(f"model of {where}:", spec, specs, hint="Replay with the --model that was recorded.")
        if len(known) > 1:
            ways = "; ".join(f"--model {m.get('id')} --style {m.get('style')}" for m in known)
            raise ConfigError(f"{where} holds several models for {spec!r}; write one of: {ways}")
        return known[0]

    def summary(self) -> str:
        """One line: what was bought, and what was not."""
        taken = f"{self.tally.taken} answers from {str(self._store.path)!r}"
        return f"replayed: {taken}, none bought" if self._replays else f"{taken}, {self.tally.bought} bought and kept"

    def to_json(self) -> dict[str, str | int]:
        return {"file": str(self._store.path), "bought": self.tally.bought, "taken": self.tally.taken}

    def close(self) -> None:
        """Idempotent; after the models."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _python_differs(model: Plain) -> str:
    """What to know of a miss where another Python recorded: prompts hold what programs raised. Empty: the same."""
    then, now = str(model.get("python", "")), platform.python_version()
    if not then or then.split(".")[:2] == now.split(".")[:2]:
        return ""
    return f"recorded with Python {then}, and this is {now}, which may word what a program raised otherwise"
