"""How a run ended."""

from __future__ import annotations

from dataclasses import dataclass

from banchu.experiments.budget import SpentBudget


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended."""

    total: int
    """Episodes in the run."""
    done: int
    failed: int
    """Ended by a model error; counted as not solved, tried again at the next start."""
    unjudged: int
    """Attempts without a verdict because the judge failed; judged at the next start."""
    budget: SpentBudget | None = None
    """The budget that was spent before every episode had ended."""

    @property
    def open(self) -> int:
        """Episodes that did not end: the run was interrupted, or what their feedback needs failed."""
        return self.total - self.done - self.failed

    @property
    def complete(self) -> bool:
        return self.done == self.total and not self.unjudged
