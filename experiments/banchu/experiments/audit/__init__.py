"""Attempts from elsewhere: reading the logs of other systems, judging them again, and saying what does not fit."""

from banchu.experiments.audit.formats import FORMATS
from banchu.experiments.audit.judged import JudgedLog
from banchu.experiments.audit.log import Log, read_log
from banchu.experiments.audit.misfits import Misfit, find_misfits

__all__ = ["FORMATS", "JudgedLog", "Log", "Misfit", "find_misfits", "read_log"]
