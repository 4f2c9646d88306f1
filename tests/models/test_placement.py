"""Which device, which numbers, and what of it is in a model's id: decided from facts, no GPU needed."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from banchu.core.errors import BanchuError, ConfigError
from banchu.models.local import machine
from banchu.models.local.placement import Gpu, Settings, settle
from banchu.models.registry import ModelOptions, open_model

AMPERE = Gpu("new", 40 * 10**9, bf16=True)
TURING = Gpu("old", 16 * 10**9, bf16=False)


@pytest.mark.parametrize(
    ("asked", "gpus", "device", "dtype"),
    [
        (("auto", "auto"), (), "cpu", "float32"),
        (("auto", "auto"), (AMPERE,), "cuda", "bfloat16"),
        (("auto", "auto"), (TURING,), "cuda", "float16"),
        (("auto", "auto"), (AMPERE, TURING), "cuda", "float16"),  # answers must not depend on which one it rode on
        (("cuda:0", "auto"), (AMPERE, TURING), "cuda:0", "bfloat16"),
        (("cuda:1", "auto"), (AMPERE, TURING), "cuda:1", "float16"),
        (("cuda", "float32"), (AMPERE,), "cuda", "float32"),
        (("cpu", "auto"), (AMPERE,), "cpu", "float32"),
        (("cpu", "bfloat16"), (), "cpu", "bfloat16"),
    ],
)
def test_device_and_numbers_follow_from_what_there_is(
    asked: tuple[str, str], gpus: tuple[Gpu, ...], device: str, dtype: str
) -> None:
    settings = settle(*asked, "", gpus)
    assert (settings.device, settings.dtype) == (device, dtype)
    assert settings.on_gpu == (device != "cpu")


@pytest.mark.parametrize(
    ("asked", "gpus", "message"),
    [
        (("gpu", "auto", ""), (), "unknown --device 'gpu'.*auto, cpu, cuda, cuda:N"),
        (("cuda:x", "auto", ""), (AMPERE,), "unknown --device 'cuda:x'"),
        (("cpu:1", "auto", ""), (), "unknown --device 'cpu:1'"),
        (("cuda", "auto", ""), (), "--device cuda: torch sees no GPU here; use --device cpu"),
        (("cuda:2", "auto", ""), (AMPERE, TURING), "torch sees 2 GPUs, cuda:0 to cuda:1"),
        (("auto", "fp16", ""), (), "unknown --dtype 'fp16'.*Known: auto, bfloat16, float16, float32"),
        (("auto", "auto", "int3"), (), "unknown --quantize 'int3'.*Known: int4, int8"),
    ],
)
def test_what_cannot_be_had_is_refused(asked: tuple[str, str, str], gpus: tuple[Gpu, ...], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        settle(*asked, gpus)


def test_the_mark_tells_all_that_changes_the_numbers_apart_and_nothing_else() -> None:
    marks: dict[str, set[tuple[str, str]]] = {}
    for device, dtype, quantize in itertools.product(
        ("cpu", "cuda", "cuda:1", "spread"), ("float32", "bfloat16", "float16"), ("", "int8", "int4")
    ):
        mark = Settings(device, dtype, quantize, cache_bytes=hash(device)).mark
        marks.setdefault(mark, set()).add((dtype, quantize))
    assert len(marks) == 9
    assert all(len(kinds) == 1 for kinds in marks.values())
    assert marks[""] == {("float32", "")}


def test_the_id_of_a_model_on_a_cpu_is_what_it_was(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "may_have_gpu", lambda: False)
    plain = open_model(f"hf:{tiny}").id
    assert plain.startswith("hf:tiny@")
    assert len(plain) == len("hf:tiny@") + 12
    for options in (ModelOptions(device="cpu"), ModelOptions(dtype="float32", workers=3, fit_check=False)):
        assert open_model(f"hf:{tiny}", options).id == plain
    assert open_model(f"hf:{tiny}", ModelOptions(dtype="bfloat16")).id == f"{plain}+bfloat16"
    assert open_model("smollm2").id == "smollm2@b179c9523d0e"
    assert open_model("smollm2", ModelOptions(quantize="int8")).id == "smollm2@b179c9523d0e+int8"


def test_torch_is_asked_for_gpus_only_where_one_may_be_used(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def gpus() -> tuple[Gpu, ...]:
        asked.append(1)
        return ()

    monkeypatch.setattr(machine, "gpus", gpus)
    for driver, device, times in ((False, "auto", 0), (True, "cpu", 0), (True, "auto", 1)):
        monkeypatch.setattr(machine, "may_have_gpu", lambda driver=driver: driver)
        asked.clear()
        open_model(f"hf:{tiny}", ModelOptions(device=device))
        assert len(asked) == times
    with pytest.raises(ConfigError, match="torch sees no GPU"):
        open_model(f"hf:{tiny}", ModelOptions(device="cuda"))


@pytest.mark.parametrize("said", [{"device": "cpu"}, {"dtype": "float32"}, {"quantize": "int4"}, {"adapter": "x"}])
def test_what_is_for_local_models_is_refused_elsewhere(said: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "s.jsonl").write_text('{"reply": "x"}')
    ((name, value),) = said.items()
    for spec in (f"scripted:{tmp_path / 's.jsonl'}", "openai:m", "vllm:m"):
        with pytest.raises(BanchuError, match=f"--{name} {value} goes with --model smollm2 and hf:PATH_OR_ID"):
            open_model(spec, ModelOptions(base_url=None, **said))  # type: ignore[arg-type]
