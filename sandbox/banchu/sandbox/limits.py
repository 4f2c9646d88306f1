"""What a candidate may use before it is stopped."""

from __future__ import annotations

from dataclasses import dataclass, fields

from banchu.core.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one judgement. A generous wall beside the CPU limit: a busy machine must not change a verdict."""

    cpu_s: float = 4.0
    """CPU seconds of the candidate. The kernel stops it at the next whole second; more than this is `timed_out`."""
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

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not value > 0:
                raise ConfigError(f"limit {field.name}={value} must be greater than 0")
        if self.processes != 1:
            raise ConfigError(f"limit processes={self.processes} is not supported; a candidate is 1 process")
        if self.output_kib > self.file_mib * 1024:
            raise ConfigError(f"limit output_kib={self.output_kib} exceeds file_mib={self.file_mib}; raise file_mib")
