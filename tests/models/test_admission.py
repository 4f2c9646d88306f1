"""Who joins the batch next: nobody is passed over for ever, nothing exceeds its bounds, and prefixes are waited for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from banchu.core.chat import Request
from banchu.models.local.admission import ALIKE, Waiting
from banchu.models.local.batch import Row
from banchu.models.local.model import LocalModel
from banchu.models.local.prefixes import WORTH, Prefixes, common
from banchu.models.local.sampling import Sampler

PREFILL = 400


class Rows:
    """A batch's side of admission, without a model: who runs, and which prompts were read."""

    def __init__(self, cells: int = 10**9) -> None:
        self.running: list[Row] = []
        self.read: list[list[int]] = []
        self.cells = cells

    def __len__(self) -> int:
        return len(self.running)

    def shared(self, prompt: Sequence[int]) -> int:
        best = max((min(common(known, prompt), len(prompt) - 1) for known in self.read), default=0)
        return best if best >= WORTH else 0

    def has_room(self, rows: Sequence[Row]) -> bool:
        every = [*self.running, *rows]
        return len(every) == 1 or len(every) * max(row.longest for row in every) <= self.cells


def row(ticket: int, prompt: Sequence[int]) -> Row:
    return Row(ticket, list(prompt), Sampler(0.0, 1.0, 0), 10, ())


def waiting(prompts: Sequence[Sequence[int]], max_rows: int = 4) -> Waiting:
    found = Waiting(max_rows, PREFILL)
    for ticket, prompt in enumerate(prompts):
        found.add(row(ticket, prompt))
    return found


def admit(queue: Waiting, batch: Any) -> list[int]:
    rows = queue.next(batch)
    batch.running += rows
    batch.read += [one.prompt for one in rows]
    return [one.ticket for one in rows]


@settings(deadline=None)
@given(
    prompts=st.lists(st.lists(st.integers(0, 1), min_size=1, max_size=120), min_size=1, max_size=20),
    max_rows=st.integers(1, 5),
    cells=st.integers(50, 1000),
)
def test_all_are_let_in_within_the_bounds(prompts: list[list[int]], max_rows: int, cells: int) -> None:
    queue, batch, seen = waiting(prompts, max_rows), Rows(cells), []
    for _ in range(10 * len(prompts)):
        before = {one.ticket: batch.shared(one.prompt) for one in queue._rows}
        chosen = admit(queue, batch)
        unread = [len(prompts[ticket]) - before[ticket] for ticket in chosen]
        assert len(batch) <= max_rows
        assert len(chosen) <= 1 or len(chosen) * max(unread) <= PREFILL
        assert not chosen or min(unread) >= ALIKE * max(unread)
        assert len(batch) <= 1 or len(batch) * max(one.longest for one in batch.running) <= cells
        seen += chosen
        if not chosen or len(batch) == max_rows:
            batch.running = batch.running[1:]
        if not queue and not batch:
            break
    assert sorted(seen) == list(range(len(prompts)))


def test_the_same_prompt_is_read_once_and_then_shared() -> None:
    queue, batch = waiting([range(100)] * 3 + [range(200, 290)]), Rows()
    assert admit(queue, batch) == [0, 3]
    assert admit(queue, batch) == [1, 2]


def test_longest_first() -> None:
    queue, batch = waiting([range(10), range(100, 200), range(300, 350)]), Rows()
    assert [admit(queue, batch) for _ in range(3)] == [[1], [2], [0]]


def test_prompts_used_least_lately_make_room() -> None:
    import torch

    pairs = [(torch.zeros(1, 100, 1), torch.zeros(1, 100, 1))]  # 800 bytes
    kept = Prefixes(max_bytes=1700)
    one, two, three = list(range(100)), list(range(200, 300)), list(range(400, 500))
    kept.keep(one, pairs)
    kept.keep(two, pairs)
    assert kept.find(one)[1] == 99
    kept.keep(three, pairs)
    assert [kept.shared(prompt) for prompt in (one, two, three)] == [99, 0, 99]
    assert kept.shared(one[: WORTH + 1]) == WORTH
    assert kept.shared(one[:WORTH]) == 0, "not worth it"
    large = list(range(600, 1600))
    kept.keep(large, [(torch.zeros(1, 1000, 1), torch.zeros(1, 1000, 1))])
    assert [kept.shared(prompt) for prompt in (one, large)] == [99, 0], "larger than all that may be kept"


def test_a_prompt_goes_to_who_has_read_it_unless_another_has_much_less_to_do() -> None:
    model = LocalModel("m", Path, "chat")
    one, other = SimpleNamespace(load=0), SimpleNamespace(load=10)
    same, new = Request("x" * 100), Request("y" * 100)

    def pick(request: Request) -> Any:
        return model._pick([one, other], request)  # type: ignore[list-item]

    assert pick(same) is one
    one.load = 100
    assert pick(same) is one, "10 is less than 100, but not by a prompt"
    assert pick(new) is other
    one.load = 120
    assert pick(same) is other
    one.load = 0
    assert pick(same) is other, "it has read it now"
