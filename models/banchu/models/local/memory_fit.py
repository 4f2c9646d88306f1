"""Whether a checkpoint fits, in how many workers, and how much each may keep: decided before anything is bought."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from banchu.core.errors import ModelError
from banchu.models.local.memory_need import Need
from banchu.models.local.placement import CACHE_BYTES, QUANTIZED, Gpu, Settings

FAIR: Final = (8, 512)
"""Rows and tokens of each that a further worker must have room for; with less, fewer workers are faster."""
LEAST: Final = (1, 1024)
"""Rows and tokens of each without which nothing can be asked."""
_GPU_CACHE: Final = 2**36
_CPU: Final = "cpu"

Needs = Callable[[Settings], Need | None]
"""What the checkpoint needs with other settings, for remedies."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What there is. Bytes that models of this process have been promised are taken off already."""

    memory: int | None
    """Free, for processes; None: unknown."""
    gpus: tuple[Gpu, ...] = ()
    cores: int = 1

    def without(self, promised: Mapping[str, int], *, loaded: bool) -> Machine:
        """After what has been promised, by device (`cpu`, `cuda:0`). Once it is loaded, the free memory says so itself;
        what is free on GPUs was asked before.
        """
        memory = None if self.memory is None else self.memory - (0 if loaded else promised.get(_CPU, 0))
        gpus = [replace(gpu, free=gpu.free - promised.get(f"cuda:{i}", 0)) for i, gpu in enumerate(self.gpus)]
        return replace(self, memory=memory, gpus=tuple(gpus))


@dataclass(frozen=True, slots=True)
class Plan:
    """Workers, each with its device and cache, and what to tell the user."""

    workers: tuple[Settings, ...]
    notices: tuple[str, ...] = ()
    uses: Mapping[str, int] = field(default_factory=dict)
    """Bytes by device that other models of this process should not count on."""


def unchecked(settings: Settings, machine: Machine, workers: int | None) -> Plan:
    """As many workers as were asked for, or as there are cores or GPUs, and no questions."""
    if settings.device == _CPU:
        return Plan((settings,) * (workers or machine.cores))
    devices = [settings.device] if ":" in settings.device else [f"cuda:{i}" for i in range(len(machine.gpus))]
    return Plan(tuple(replace(settings, device=devices[i % len(devices)]) for i in range(workers or len(devices))))


def plan(id: str, settings: Settings, needs: Needs, machine: Machine, workers: int | None) -> Plan:
    """How the model runs here.

    Args:
        id: for messages.
        workers: as the user said; None: as many as fit, one a core or one a GPU at most.

    Raises:
        ModelError: fatal; it does not fit, with what it needs, what there is, and what would fit.
    """
    need = needs(settings)
    if need is None or (settings.device == _CPU and machine.memory is None):
        return unchecked(settings, machine, workers)
    if settings.device == _CPU:
        found = _on_cpu(settings, need, machine, workers)
    else:
        found = _on_gpus(settings, need, machine, workers)
    if found is not None:
        return found
    raise ModelError(_refusal(id, settings, need, needs, machine, workers), fatal=True)


def _on_cpu(settings: Settings, need: Need, machine: Machine, workers: int | None) -> Plan | None:
    assert machine.memory is not None
    room = machine.memory - need.shared
    count = workers or max(1, min(machine.cores, room // need.each(*FAIR)))
    if count * need.each(*LEAST) > room:
        return None
    each = replace(settings, cache_bytes=min(CACHE_BYTES, need.cache(room // count - need.each(0, 0))))
    notices = []
    if workers is None and count < machine.cores:
        notices.append(
            f"{count} of {machine.cores} workers, as more do not fit into {_gb(machine.memory)} of free memory: each "
            f"takes {_gb(need.each(*FAIR))} (--workers says otherwise)"
        )
    if count * need.each(*FAIR) > room:
        notices.append(f"memory is short: {_gb(each.cache_bytes)} a worker for what it has read, so few rows at a time")
    return Plan((each,) * count, tuple(notices), {_CPU: need.shared + count * need.each(*LEAST)})


def _on_gpus(settings: Settings, need: Need, machine: Machine, workers: int | None) -> Plan | None:
    named = [int(settings.device.partition(":")[2])] if ":" in settings.device else list(range(len(machine.gpus)))
    fitting = [i for i in named if machine.gpus[i].free >= need.each(*LEAST)]
    if fitting:
        count = workers or len(fitting)
        chosen = [fitting[i % len(fitting)] for i in range(count)]
        if any(chosen.count(i) * need.each(*LEAST) > machine.gpus[i].free for i in fitting):
            return None
        each = tuple(
            replace(
                settings,
                device=f"cuda:{i}",
                cache_bytes=min(_GPU_CACHE, need.cache(machine.gpus[i].free // chosen.count(i) - need.each(0, 0))),
            )
            for i in chosen
        )
        return Plan(each, (), {f"cuda:{i}": chosen.count(i) * need.each(*LEAST) for i in fitting})
    left = sum(machine.gpus[i].free for i in named) - len(named) * (need.each(0, 0) - need.own)
    if len(named) < 2 or (workers or 1) > 1 or need.own + need.rows(*LEAST) > left:
        return None
    # The layers' keys and values lie where the layers do, so all of it counts.
    cache = min(_GPU_CACHE, need.cache(left - need.own))
    told = f"spread over {len(named)} GPUs, as it fits none of them alone"
    return Plan(
        (replace(settings, device="spread", cache_bytes=cache),),
        (told,),
        {f"cuda:{i}": machine.gpus[i].free for i in named},
    )


def _refusal(id: str, settings: Settings, need: Need, needs: Needs, machine: Machine, workers: int | None) -> str:
    count = workers or 1
    parts = f"{_gb(need.weights)} of weights in {settings.quantize or settings.dtype}"
    if settings.device == _CPU:
        total, there = need.shared + count * need.each(*LEAST), f"{_gb(machine.memory or 0)} of memory are free"
    else:
        total, there = count * need.each(*LEAST), _free(machine.gpus)
    many = f" in {count} workers" if count > 1 else ""
    ways = _remedies(settings, needs, machine, workers)
    remedy = f"what fits: {', '.join(ways)}" if ways else "take a smaller model, or a machine with more memory"
    return (
        f"{id} does not fit: it needs {_gb(total)}{many} ({parts}), and {there}; {remedy} "
        f"(--no-fit-check tries it all the same)"
    )


def _remedies(settings: Settings, needs: Needs, machine: Machine, workers: int | None) -> list[str]:
    """Options with which it would fit, the least change first."""
    tries: list[tuple[str, Settings, int | None]] = []
    if workers is not None and workers > 1:
        tries += [(f"--workers {n}", settings, n) for n in range(workers - 1, 0, -1)]
    if settings.dtype == "float32":
        tries.append(("--dtype bfloat16", replace(settings, dtype="bfloat16"), workers))
    if not settings.quantize:
        tries += [(f"--quantize {name}", replace(settings, quantize=name), workers) for name in QUANTIZED]
    if settings.on_gpu:
        tries.append(("--device cpu", replace(settings, device=_CPU, dtype="float32"), workers))
        tries.append(("--device cpu --dtype bfloat16", replace(settings, device=_CPU, dtype="bfloat16"), workers))
    found: list[str] = []
    for words, other, count in tries:
        if words.startswith("--workers") and any(way.startswith("--workers") for way in found):
            continue
        need = needs(other)
        if need and (_on_cpu if other.device == _CPU else _on_gpus)(other, need, machine, count):
            found.append(words)
    return found


def _free(gpus: Sequence[Gpu]) -> str:
    return ", ".join(f"{_gb(gpu.free)} are free on cuda:{i} ({gpu.name})" for i, gpu in enumerate(gpus))


def _gb(size: int) -> str:
    return f"{max(size, 0) / 1e9:.1f} GB"
