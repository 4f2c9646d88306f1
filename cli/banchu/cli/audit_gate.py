"""What an audit says of the gate: counts, the chance of such a log under the gate that is stated, and its own tests."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from banchu.analysis.audit import (
    UNLIKELY,
    GateCounts,
    GateRates,
    MeasuredRates,
    chance_of_gate,
    count_gate,
    is_sign_of_an_oracle,
    least_surprising_fn,
)
from banchu.analysis.layout import bounds
from banchu.experiments.audit import JudgedLog, Misfit

if TYPE_CHECKING:
    from banchu.experiments.audit.formats import Gate
    from banchu.experiments.audit.own_tests import Replayed

_CALLED: dict[str, str] = {
    "self_tests": "a gate of self-written tests",
    "visible_tests": "a gate of the prompt's examples",
    "oracle": "a gate of the sealed tests",
}
_LEAST = 10
"""Right first attempts from which on rates measured on a log are used."""


@dataclass
class GateReport:
    """Everything about the gate."""

    stated: Gate | None
    counts: GateCounts
    rates: GateRates | None = None
    """Those that the chance was reckoned with."""
    chance: float | None = None
    measured: MeasuredRates | None = None
    lines: list[str] = field(default_factory=list)
    misfits: list[Misfit] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return {
            "stated": self.stated,
            "first_attempts": asdict(self.counts),
            "never_erred": is_sign_of_an_oracle(self.counts),
            "rates": None if self.rates is None else asdict(self.rates),
            "chance": self.chance,
            "greatest_fn_that_fits": None if not self.counts.sent else least_surprising_fn(self.counts),
            "own_tests": None if self.measured is None else asdict(self.measured),
        }


def gate_report(
    judged: JudgedLog, stated: Gate | None, rates: GateRates | None, replayed: list[Replayed]
) -> GateReport:
    """What can be said of the gate of this log.

    Args:
        rates: the user's; None: those of the log's own tests, where it holds enough of them.
    """
    report = GateReport(stated, count_gate(judged.first_attempts), rates)
    if not report.counts.sent:
        return report
    report.lines = ["", _counts(report.counts)]
    if replayed:
        _add_own_tests(report, replayed)
    if not report.counts.kept:
        report.lines.append("no first attempt that was left alone is in the log, so its gate cannot be looked at")
    elif stated != "oracle":
        _add_chance(report)
    elif is_sign_of_an_oracle(report.counts):
        report.lines.append("a gate of the sealed tests is stated, and looks like this")
    return report


def _counts(counts: GateCounts) -> str:
    known = counts.sent_right + counts.sent_wrong
    passing = [f"{counts.sent_right} pass them"] if known or not counts.sent else []
    unknown = [f"{counts.sent_unknown} are not in the log"] if counts.sent_unknown else []
    return (
        f"first attempts: {counts.kept} left alone, of which {counts.kept_wrong} fail the sealed tests; {counts.sent} "
        f"sent on, of which {' and '.join([*passing, *unknown])}"
    )


def _add_chance(report: GateReport) -> None:
    counts = report.counts
    clean = is_sign_of_an_oracle(counts)
    if report.rates is None and report.measured and report.measured.fn[1] >= _LEAST:
        report.rates = report.measured.cautious
    gate = _CALLED.get(report.stated or "", "a gate")
    if report.rates is None:
        if clean:
            report.misfits.append(Misfit("gate-never-erred", _without_rates(counts, gate), odd=False))
        return
    report.chance = chance_of_gate(counts, report.rates)
    odd = report.chance <= UNLIKELY
    says = (
        f"{_seen(counts)}. {gate[0].upper()}{gate[1:]} that turns away {_percent(report.rates.fn)} of right programs "
        f"and lets through {_percent(report.rates.fp)} of wrong ones errs so seldom with a chance of "
        f"{_at_most(counts)}{_chance(report.chance)} (exact binomial; tasks independent, one rate for all"
        f"{_open(counts)})"
    )
    if odd and clean:
        says += "; a gate that knows the sealed tests always looks like this"
    if odd:
        report.misfits.append(Misfit("gate-errs-too-seldom", says))
    else:
        report.lines.append(f"{says}: no sign against the stated gate")


def _without_rates(counts: GateCounts, gate: str) -> str:
    greatest = least_surprising_fn(counts)
    return (
        f"{_seen(counts)}, which is how a gate of the sealed tests looks. It fits {gate} too, if that turns away no "
        f"more than {_percent(greatest)} of right programs (more has a chance below {UNLIKELY:.0%}; exact binomial; "
        f"tasks independent{_open(counts)}). --gate-fn and --gate-fp give the chance under rates that you know"
    )


def _seen(counts: GateCounts) -> str:
    known = counts.sent_right + counts.sent_wrong
    sent = f"{counts.sent_right} of {known} that were sent on pass them" if known else f"{counts.sent} were sent on"
    return f"{counts.kept_wrong} of {counts.kept} first attempts that were left alone fail the sealed tests, and {sent}"


def _open(counts: GateCounts) -> str:
    if not counts.sent_unknown:
        return ""
    return f"; the {counts.sent_unknown} first attempts that the log does not hold taken as it suits the log best"


def _at_most(counts: GateCounts) -> str:
    return "at most " if counts.sent_unknown else ""


def _add_own_tests(report: GateReport, replayed: list[Replayed]) -> None:
    """The rates that the tests of the log show, and where the log did not do what they say."""
    right = [each for each in replayed if each.passed is True and each.accepts is not None]
    wrong = [each for each in replayed if each.passed is False and each.accepts is not None]
    references = [each for each in replayed if each.accepts_reference is not None]
    measured = report.measured = MeasuredRates(
        (sum(not each.accepts for each in right), len(right)),
        (sum(bool(each.accepts) for each in wrong), len(wrong)),
        (sum(not each.accepts_reference for each in references), len(references)),
    )
    fn, fp, reference = measured.intervals
    report.lines.append(
        f"tests in the log, run again on {len(replayed)} records: they turn away {_ratio(measured.fn)} right first "
        f"attempts (95 %: {bounds(fn)}) and {_ratio(measured.reference)} reference solutions ({bounds(reference)}), "
        f"and let {_ratio(measured.fp)} wrong first attempts through ({bounds(fp)})"
    )
    kept = [each.task_id for each in replayed if each.accepts is False and not each.touched]
    if kept:
        report.misfits.append(
            Misfit(
                "gate-let-through",
                f"{len(kept)} first attempts were left alone though the log's own tests turn them away here",
                tuple(kept),
            )
        )
    sent = [each.task_id for each in replayed if each.accepts and each.touched]
    if sent:
        report.misfits.append(
            Misfit(
                "gate-sent-on",
                f"{len(sent)} first attempts were sent on though the log's own tests accept them here",
                tuple(sent),
            )
        )


def _ratio(counts: tuple[int, int]) -> str:
    return f"{counts[0]} of {counts[1]}"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _chance(chance: float) -> str:
    return "below 1e-300" if chance == 0 else f"{chance:.2g}"
