"""Statistics from episode records alone. Start with `summarise`, then `print_summary`."""

from banchu.analysis.arms import Accuracy, ArmSummary, Tokens, summarise_arm
from banchu.analysis.budgets import AtBudget, at_budgets
from banchu.analysis.compare import ArmData, Comparison, compare, control_first, planned_pairs
from banchu.analysis.detail import flip_table, sample_table
from banchu.analysis.edits import ArmEdits, arm_edits
from banchu.analysis.flips import Flips, count_flips
from banchu.analysis.gate_quality import GateQuality, WrittenTests, gate_quality, written_tests
from banchu.analysis.intervals import Interval, clustered_wilson, paired_interval, wilson
from banchu.analysis.mcnemar import mcnemar_exact, sign_flip_exact
from banchu.analysis.multiplicity import holm
from banchu.analysis.null import guess_null, mean_guess_null
from banchu.analysis.oracle_parts import OracleParts, oracle_parts
from banchu.analysis.outcomes import OutcomeTable, tabulate
from banchu.analysis.passk import PassAtK, arm_pass_at_k, measure, pass_at_k
from banchu.analysis.power import mcnemar_power, tasks_needed
from banchu.analysis.reading import budget_caveats, caveats, notes, read
from banchu.analysis.summary import RunSummary, correct, summarise
from banchu.analysis.tables import arm_table, comparison_table, print_comparisons, print_summary

__all__ = [
    "Accuracy",
    "ArmData",
    "ArmEdits",
    "ArmSummary",
    "AtBudget",
    "Comparison",
    "Flips",
    "GateQuality",
    "Interval",
    "OracleParts",
    "OutcomeTable",
    "PassAtK",
    "RunSummary",
    "Tokens",
    "WrittenTests",
    "arm_edits",
    "arm_pass_at_k",
    "arm_table",
    "at_budgets",
    "budget_caveats",
    "caveats",
    "clustered_wilson",
    "compare",
    "comparison_table",
    "control_first",
    "correct",
    "count_flips",
    "flip_table",
    "gate_quality",
    "guess_null",
    "holm",
    "mcnemar_exact",
    "mcnemar_power",
    "mean_guess_null",
    "measure",
    "notes",
    "oracle_parts",
    "paired_interval",
    "pass_at_k",
    "planned_pairs",
    "print_comparisons",
    "print_summary",
    "read",
    "sample_table",
    "sign_flip_exact",
    "summarise",
    "summarise_arm",
    "tabulate",
    "tasks_needed",
    "wilson",
    "written_tests",
]
