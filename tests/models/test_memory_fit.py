"""Does it fit, in how many workers, and what is said where it does not: functions of what a machine has."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banchu.core.chat import Request, Sampling
from banchu.core.errors import ModelError
from banchu.models.local import model as local_model
from banchu.models.local.memory_fit import FAIR, LEAST, Machine, plan
from banchu.models.local.memory_need import CONTEXT, PROCESS, Need, need_of
from banchu.models.local.placement import DTYPES, PREFIX_PART, QUANTIZED, Gpu, Settings
from banchu.models.registry import ModelOptions, open_model

GB = 10**9


def needs(parameters: int, stored: str = "bfloat16") -> Any:
    """A model of so many parameters, as `need_of` would have it."""

    def need(settings: Settings) -> Need:
        width = QUANTIZED.get(settings.quantize, DTYPES[settings.dtype])
        size, mapped = int(parameters * width), not settings.on_gpu and settings.dtype == stored
        shared, own = (size, 0) if mapped and not settings.quantize else (0, size)
        per_token = 50_000 * DTYPES[settings.dtype]
        return Need(shared, own, per_token, 300 * 10**6, CONTEXT if settings.on_gpu else PROCESS, 8192)

    return need


SMALL, SEVEN = needs(135 * 10**6, "float32"), needs(7 * GB)
CPU, CUDA = Settings(), Settings("cuda", "bfloat16")


def test_smollm2_fits_a_usual_machine_in_all_its_cores() -> None:
    found = plan("m", CPU, SMALL, Machine(22 * GB, (), 2), None)
    assert len(found.workers) == 2
    assert not found.notices
    assert found.workers[0].cache_bytes == 2**32
    assert len(plan("m", CPU, SMALL, Machine(16 * GB, (), 4), None).workers) == 4


def test_fewer_workers_than_cores_are_said_unless_they_were_asked_for() -> None:
    machine = Machine(6 * GB, (), 8)
    found = plan("m", CPU, SMALL, machine, None)
    assert 1 <= len(found.workers) < 8
    (notice,) = found.notices
    assert f"{len(found.workers)} of 8 workers" in notice
    assert "6.0 GB" in notice
    assert "--workers" in notice
    assert plan("m", CPU, SMALL, machine, 1).notices == ()


def test_what_does_not_fit_is_refused_with_the_numbers_and_what_would() -> None:
    with pytest.raises(ModelError) as error:
        plan("hf:big@0", CPU, SEVEN, Machine(22 * GB, (), 4), None)
    assert error.value.fatal
    said = str(error.value)
    assert re.search(r"hf:big@0 does not fit: it needs 28\.9 GB \(28\.0 GB of weights in float32\)", said)
    assert "22.0 GB of memory are free" in said
    assert "what fits: --dtype bfloat16, --quantize int8, --quantize int4" in said
    assert "--no-fit-check" in said
    assert "\n" not in said
    with pytest.raises(ModelError, match=r"it needs \d+\.\d GB in 12 workers"):
        plan("m", CPU, SMALL, Machine(6 * GB, (), 8), 12)
    with pytest.raises(ModelError, match="take a smaller model, or a machine with more memory"):
        plan("m", CPU, SEVEN, Machine(GB, (), 4), None)


def test_the_workers_that_are_named_as_fitting_are_the_most_that_do() -> None:
    machine = Machine(6 * GB, (), 8)
    with pytest.raises(ModelError) as error:
        plan("m", CPU, SMALL, machine, 20)
    (count,) = map(int, re.findall(r"--workers (\d+)", str(error.value)))
    assert plan("m", CPU, SMALL, machine, count)
    with pytest.raises(ModelError):
        plan("m", CPU, SMALL, machine, count + 1)


def test_short_memory_is_used_and_said() -> None:
    need = SMALL(CPU)
    just = need.shared + need.each(*LEAST) + 10**6
    found = plan("m", CPU, SMALL, Machine(just, (), 1), None)
    assert any("memory is short" in notice for notice in found.notices)
    assert found.workers[0].cache_bytes < 10**9
    with pytest.raises(ModelError, match="does not fit"):
        plan("m", CPU, SMALL, Machine(just - 2 * 10**6, (), 1), None)


@given(
    st.integers(0, 200 * GB),
    st.integers(1, 64),
    st.none() | st.integers(1, 64),
    st.integers(10**6, 70 * GB),
    st.sampled_from(sorted(DTYPES)),
    st.sampled_from(["", "int8"]),
)
def test_a_plan_never_promises_more_than_there_is(
    free: int, cores: int, workers: int | None, parameters: int, dtype: str, quantize: str
) -> None:
    settings, of = Settings("cpu", dtype, quantize), needs(parameters)
    need = of(settings)
    try:
        found = plan("m", settings, of, Machine(free, (), cores), workers)
    except ModelError as error:
        assert need.shared + (workers or 1) * need.each(*LEAST) > free
        for words in re.findall(r"--(dtype bfloat16|quantize int\d|workers \d+)", str(error)):
            name, value = words.split()
            changed = replace(settings, **{name: value}) if name != "workers" else settings
            assert plan("m", changed, of, Machine(free, (), cores), int(value) if name == "workers" else workers)
        return
    count = len(found.workers)
    assert count == workers or (workers is None and count <= cores)
    used = need.shared + sum(need.each(0, 0) + int((1 + PREFIX_PART) * each.cache_bytes) for each in found.workers)
    assert used <= free
    assert found.uses["cpu"] <= free
    assert (not found.notices) or count < cores or need.shared + count * need.each(*FAIR) > free


def gpu(free: float, name: str = "G") -> Gpu:
    return Gpu(name, int(free * GB), bf16=True)


@pytest.mark.parametrize(
    ("gpus", "settings", "workers", "devices"),
    [
        ([gpu(24)], CUDA, None, ["cuda:0"]),
        ([gpu(24), gpu(24)], CUDA, None, ["cuda:0", "cuda:1"]),
        ([gpu(2), gpu(24)], CUDA, None, ["cuda:1"]),
        ([gpu(24), gpu(24)], Settings("cuda:1", "bfloat16"), None, ["cuda:1"]),
        ([gpu(24), gpu(24)], CUDA, 1, ["cuda:0"]),
        ([gpu(40), gpu(40)], CUDA, 3, ["cuda:0", "cuda:1", "cuda:0"]),
        ([gpu(12), gpu(12)], CUDA, None, ["spread"]),
        ([gpu(12), gpu(12)], Settings("cuda", "bfloat16", "int4"), None, ["cuda:0", "cuda:1"]),
    ],
)
def test_gpus_are_chosen_by_what_is_free_on_them(
    gpus: list[Gpu], settings: Settings, workers: int | None, devices: list[str]
) -> None:
    found = plan("m", settings, SEVEN, Machine(64 * GB, tuple(gpus), 8), workers)
    assert [each.device for each in found.workers] == devices
    for i, one in enumerate(gpus):
        on_it = [each for each in found.workers if each.device == f"cuda:{i}"]
        need = SEVEN(settings)
        assert sum(need.each(0, 0) + (1 + PREFIX_PART) * each.cache_bytes for each in on_it) <= one.free
        assert found.uses.get(f"cuda:{i}", 0) <= one.free


def test_what_fits_no_gpu_is_refused_and_the_cpu_named_where_it_fits() -> None:
    with pytest.raises(ModelError) as error:
        plan("m", CUDA, SEVEN, Machine(64 * GB, (gpu(8, "Small GPU"),), 8), None)
    said = str(error.value)
    assert "8.0 GB are free on cuda:0 (Small GPU)" in said
    assert "--quantize int4" in said
    assert "--quantize int8" not in said
    assert "--device cpu" in said
    with pytest.raises(ModelError, match="does not fit"):
        plan("m", Settings("cuda:0", "bfloat16"), SEVEN, Machine(4 * GB, (gpu(12), gpu(12)), 8), None)
    with pytest.raises(ModelError, match="in 4 workers"):
        plan("m", CUDA, SEVEN, Machine(4 * GB, (gpu(24),), 8), 4)


async def test_a_model_that_does_not_fit_starts_no_process(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_model, "memory_available", lambda: 10**8)
    model: Any = open_model(f"hf:{tiny}")
    for ask in (model.prepare, model.start, lambda: model.complete(Request("a", Sampling(max_tokens=1)))):
        with pytest.raises(
            ModelError, match=r"hf:tiny@\w+ does not fit: it needs .* 0\.1 GB of memory are free"
        ) as error:
            await ask()
        assert error.value.fatal
    assert not model._workers
    await model.aclose()
    anyway: Any = open_model(f"hf:{tiny}", ModelOptions(fit_check=False, workers=1))
    assert await anyway.prepare() == []
    await anyway.aclose()


async def test_what_one_model_will_take_another_does_not_count_on(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    need = need_of(tiny, CPU)
    assert need
    free = int(1.5 * (need.shared + need.each(*LEAST)))
    monkeypatch.setattr(local_model, "memory_available", lambda: free)
    first: Any = open_model(f"hf:{tiny}", ModelOptions(workers=1))
    second: Any = open_model(f"hf:{tiny}", ModelOptions(workers=1, dtype="bfloat16"))
    await first.prepare()
    with pytest.raises(ModelError, match="does not fit"):
        await second.prepare()
    await first.aclose()
    await second.prepare()
    await second.aclose()
