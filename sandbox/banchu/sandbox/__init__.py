"""The judge: runs a candidate in isolation and finds a verdict on sealed tests that the candidate cannot reach."""

from banchu.sandbox.batch import Judged
from banchu.sandbox.command import CommandCell
from banchu.sandbox.command_result import CommandResult
from banchu.sandbox.isolation import ISOLATIONS
from banchu.sandbox.judge import Judge
from banchu.sandbox.limits import CommandLimits, Limits
from banchu.sandbox.probe import IsolationReport, probe_cgroups, probe_isolation
from banchu.sandbox.proving import Proof
from banchu.sandbox.session import Session

__all__ = [
    "ISOLATIONS",
    "CommandCell",
    "CommandLimits",
    "CommandResult",
    "IsolationReport",
    "Judge",
    "Judged",
    "Limits",
    "Proof",
    "Session",
    "probe_cgroups",
    "probe_isolation",
]
