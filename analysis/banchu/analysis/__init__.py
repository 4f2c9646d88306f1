"""Statistics from episode records alone. Start with `summarise`, then `print_summary`."""

from banchu.analysis.arms import Accuracy, ArmSummary, Tokens, summarise_arm
from banchu.analysis.compare import ArmData, Comparison, compare
from banchu.analysis.detail import flip_table, sample_table
from banchu.analysis.flips import Flips, count_flips
from banchu.analysis.intervals import Interval, bootstrap_difference, clustered_wilson, wilson
from banchu.analysis.mcnemar import mcnemar_exact, sign_flip_exact
from banchu.analysis.multiplicity import holm
from banchu.analysis.outcomes import OutcomeTable, tabulate
from banchu.analysis.passk import PassAtK, arm_pass_at_k, measure, pass_at_k
from banchu.analysis.reading import caveats, notes, read
from banchu.analysis.summary import RunSummary, correct, summarise
from banchu.analysis.tables import arm_table, comparison_table, print_comparisons, print_summary

__all__ = [
    "Accuracy",
    "ArmData",
    "ArmSummary",
    "Comparison",
    "Flips",
    "Interval",
    "OutcomeTable",
    "PassAtK",
    "RunSummary",
    "Tokens",
    "arm_pass_at_k",
    "arm_table",
    "bootstrap_difference",
    "caveats",
    "clustered_wilson",
    "compare",
    "comparison_table",
    "correct",
    "count_flips",
    "flip_table",
    "holm",
    "mcnemar_exact",
    "measure",
    "notes",
    "pass_at_k",
    "print_comparisons",
    "print_summary",
    "read",
    "sample_table",
    "sign_flip_exact",
    "summarise",
    "summarise_arm",
    "tabulate",
    "wilson",
]
