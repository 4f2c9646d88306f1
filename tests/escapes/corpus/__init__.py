"""The corpus: hostile candidates as plain data, one module for each kind."""

from __future__ import annotations

from . import (
    controls,
    escape_files,
    escape_kernel,
    escape_network,
    escape_processes,
    resources_answers,
    resources_files,
    resources_memory,
    resources_time,
    tampering_answers,
    tampering_channel,
    tampering_exits,
    tampering_interpreter,
    tampering_judge,
    tampering_objects,
    tampering_values,
    traces,
)
from .case import Case

KINDS: dict[str, tuple[Case, ...]] = {
    "tampering": (
        *tampering_values.CASES,
        *tampering_objects.CASES,
        *tampering_exits.CASES,
        *tampering_interpreter.CASES,
        *tampering_judge.CASES,
        *tampering_channel.CASES,
        *tampering_answers.CASES,
    ),
    "escape": (*escape_files.CASES, *escape_network.CASES, *escape_processes.CASES, *escape_kernel.CASES),
    "resources": (
        *resources_time.CASES,
        *resources_memory.CASES,
        *resources_files.CASES,
        *resources_answers.CASES,
    ),
    "traces": traces.CASES,
    "controls": controls.CASES,
}

__all__ = ["KINDS", "Case"]
