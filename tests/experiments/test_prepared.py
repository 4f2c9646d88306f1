"""What a model finds out before a run begins, and what of it may differ where a run goes on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from banchu.core.errors import ConfigError, ModelError
from banchu.experiments.launch import Invocation, launch, plan, resume
from banchu.experiments.progress import Silent
from banchu.models.registry import ModelOptions

MODEL = """
from banchu.core.chat import Completion, Usage
from banchu.core.errors import ModelError

class Mine:
    prompt_style = "chat"

    def __init__(self, name, options):
        self.id = f"mine+{options.dtype}"
        self.fits = options.fit_check
        self.device = options.device

    async def prepare(self):
        if not self.fits:
            raise ModelError(f"{self.id} does not fit", fatal=True)
        return [f"runs on {self.device}"]

    async def complete(self, request):
        return Completion("def f():\\n    return 1\\n", Usage(1, 1), "stop")

    async def aclose(self):
        pass
"""


class Heard(Silent):
    def __init__(self) -> None:
        self.notices: list[str] = []

    def notice(self, text: str) -> None:
        self.notices.append(text)


@pytest.fixture
def invocation(tmp_path: Path) -> Invocation:
    (tmp_path / "mine.py").write_text(MODEL)
    return Invocation("humaneval", f"{tmp_path / 'mine.py'}:Mine", arms="none", rounds=0, limit=1)


async def test_a_model_that_does_not_fit_ends_the_run_before_there_is_one(
    invocation: Invocation, tmp_path: Path
) -> None:
    heavy = replace(invocation, model_options=ModelOptions(fit_check=False))
    with pytest.raises(ModelError, match="does not fit"):
        await launch(heavy, tmp_path / "runs")
    assert not (tmp_path / "runs").exists()
    assert (await plan(heavy, tmp_path / "runs")) is not None  # which loads nothing


async def test_what_it_has_to_say_is_said_at_the_start_and_a_run_goes_on_elsewhere(
    invocation: Invocation, tmp_path: Path
) -> None:
    heard = Heard()
    begun = await launch(invocation, tmp_path / "runs", progress=heard)
    assert heard.notices == ["mine+auto: runs on auto"]
    heard = Heard()
    again = await resume(begun.folder, progress=heard, here={"device": "cuda:1"})
    assert heard.notices == ["mine+auto: runs on cuda:1"]
    assert again.outcome.complete
    with pytest.raises(ConfigError, match=r"cannot go on.*model.*mine\+float16"):
        await resume(begun.folder, here={"dtype": "float16"})


async def test_without_anything_said_a_run_goes_on_as_it_was_begun(invocation: Invocation, tmp_path: Path) -> None:
    begun = await launch(replace(invocation, model_options=ModelOptions(dtype="bfloat16")), tmp_path / "runs")
    heard: Any = Heard()
    assert (await resume(begun.folder, progress=heard)).outcome.complete
    assert heard.notices == ["mine+bfloat16: runs on auto"]
