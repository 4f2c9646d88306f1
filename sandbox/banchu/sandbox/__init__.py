"""The judge: runs a candidate in isolation and finds a verdict on sealed tests that the candidate cannot reach."""

from banchu.sandbox.batch import Judged
from banchu.sandbox.isolation import ISOLATIONS
from banchu.sandbox.judge import Judge
from banchu.sandbox.limits import Limits
from banchu.sandbox.probe import IsolationReport, probe_isolation
from banchu.sandbox.proving import Proof

__all__ = ["ISOLATIONS", "IsolationReport", "Judge", "Judged", "Limits", "Proof", "probe_isolation"]
