"""What a candidate may use before it is stopped."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace

from banchu.core.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one judgement. A generous wall beside the CPU limit: a busy machine must not change a verdict."""

    cpu_s: float = 2.0
    """CPU seconds of the candidate. The kernel stops it at the next whole second; more than this is `timed_out`."""
    cpu_factor: float = 10.0
    """Times the CPU of the task's reference solution that a candidate gets at least."""
    wall_s: float = 20.0
    """Seconds from sending the candidate to its verdict, for candidates that wait instead of working."""
    memory_mib: int = 1024
    """Address space of the candidate beyond what the bare interpreter has mapped."""
    processes: int = 1
    """The candidate itself: it cannot fork. Threads are not processes. 1 is the only value."""
    output_kib: int = 64
    """stdout and stderr together; more than this is `output_limit`."""
    file_mib: int = 16
    """/tmp as a whole, and any one file."""

    def scaled(self, reference_cpu_s: float) -> Limits:
        """With the time that a slow reference solution calls for: `cpu_factor` times its own, and as much more wall."""
        cpu_s = max(self.cpu_s, float(math.ceil(self.cpu_factor * reference_cpu_s)))
        return replace(self, cpu_s=cpu_s, wall_s=self.wall_s * cpu_s / self.cpu_s)

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not value > 0:
                raise ConfigError(f"limit {field.name}={value} must be greater than 0")
        if self.processes != 1:
            raise ConfigError(f"limit processes={self.processes} is not supported; a candidate is 1 process")
        if self.output_kib > self.file_mib * 1024:
            raise ConfigError(f"limit output_kib={self.output_kib} exceeds file_mib={self.file_mib}; raise file_mib")


@dataclass(frozen=True, slots=True)
class CommandLimits:
    """Limits of one command with all processes that it starts, unless they say otherwise."""

    cpu_s: float = 10.0
    """CPU seconds of all processes together, looked at ten times a second; of each the kernel sees to it as well."""
    wall_s: float = 30.0
    """Seconds from its start to the end of its first process, with which all others end."""
    memory_mib: int = 1024
    """Of all together where a control group can be had, and of each for itself."""
    processes: int = 32
    """Processes and threads at one time."""
    output_kib: int = 256
    """stdout and stderr together; whoever writes more is ended."""
    file_mib: int = 64
    """The workspace as a whole, and any one file."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not 0 < value < math.inf:
                raise ConfigError(f"limit {field.name}={value} must be greater than 0, and finite")
            if field.type == "int" and not isinstance(value, int):
                raise ConfigError(f"limit {field.name}={value} must be a whole number")
