"""What became of the requests of one model, so that nobody has to guess what was paid for."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from banchu.models.api.errors import Trouble


@dataclass(slots=True)
class Tally:
    """Counts of one model since it was opened. An answer that came is never asked for again.

    What cannot be avoided: a request whose answer was lost on the way is sent again, and the server may have worked,
    and be paid, for both. `repeats` counts these; servers that honour `Idempotency-Key` do not charge them.
    """

    sent: int = 0
    answered: int = 0
    refused: int = 0
    """The server said that it gave no answer: 429, 503, 500, a malformed request."""
    unreachable: int = 0
    """No connection: nothing was sent."""
    lost: int = 0
    """The server may have answered: a timeout, a broken connection, an answer that cannot be read, a cancelled call."""
    repeats: int = 0
    """Sent again after having been lost."""

    def failed(self, trouble: Trouble) -> None:
        if trouble == "lost":
            self.lost += 1
        elif trouble == "away":
            self.unreachable += 1
        else:
            self.refused += 1

    def to_json(self) -> dict[str, int]:
        return asdict(self)
