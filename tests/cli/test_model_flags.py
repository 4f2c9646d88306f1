"""Options of models, which commands take together."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from banchu.cli.model_flags import MachineFlags, ModelFlags, TryFlags
from banchu.models.registry import ModelOptions


def test_what_is_not_said_is_as_models_have_it() -> None:
    assert TryFlags().options() == ModelFlags().options() == ModelOptions()
    assert MachineFlags().said() == {}


def test_what_is_said_arrives_under_its_name() -> None:
    said = ModelFlags(
        style="chat", workers=2, device="cuda:1", dtype="float16", quantize="int4", adapter="a", fit_check=False,
        base_url="http://127.0.0.1:9", max_rpm=1, max_tpm=2, max_connections=3, patience=4.0, omit="seed",
    )  # fmt: skip
    options = said.options()
    for field in fields(ModelFlags):
        name = "patience_s" if field.name == "patience" else field.name
        assert getattr(options, name) == getattr(said, field.name)
        assert getattr(options, name) != getattr(ModelOptions(), name)
    here = MachineFlags(workers=2, device="cpu", dtype="float16", adapter="a", fit_check=False)
    assert here.said() == {"workers": 2, "device": "cpu", "dtype": "float16", "adapter": "a", "fit_check": False}
    assert ModelOptions(**here.said()).adapter == "a"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("run", "easy", "--model", "smollm2", "--quantize", "int3"), ("--quantize 'int3'", "int4, int8")),
        (("run", "easy", "--model", "smollm2", "--dtype", "fp16"), ("--dtype 'fp16'", "float16")),
        (("run", "easy", "--model", "smollm2", "--device", "gpu"), ("--device 'gpu'", "cuda:N")),
        (("run", "easy", "--model", "smollm2", "--adapter", "./none"), ("--adapter ./none", "no folder 'none'")),
        (("models", "try", "scripted:{script}", "--dtype", "float32"), ("--dtype float32 goes with --model smollm2",)),
    ],
)
def test_a_mistake_is_one_line(banchu: Any, tmp_path: Path, words: tuple[str, ...], told: tuple[str, ...]) -> None:
    (tmp_path / "s.jsonl").write_text('{"reply": "x"}')
    done = banchu(*(word.format(script=tmp_path / "s.jsonl") for word in words))
    assert done.returncode in (2, 4)
    line = done.stderr.strip().splitlines()[-1]
    for text in told:
        assert text in line
    assert "Traceback" not in done.stderr
