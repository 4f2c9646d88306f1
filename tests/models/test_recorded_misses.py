"""What is said where a recording does not hold what was asked."""

from __future__ import annotations

import platform
from dataclasses import replace
from pathlib import Path

import pytest
from tests.models.shop import ASKED, CHAT, Shop, missed, record

from banchu.core.chat import Message, Request, Sampling


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.jsonl"


@pytest.fixture
def shop() -> Shop:
    return Shop()


async def test_a_miss_shows_what_differs_in_the_prompt(path: Path, shop: Shop) -> None:
    others = [Request(f"another {n}", Sampling(seed=n), "critic", 1) for n in range(5)]
    await record(path, shop, *others, ASKED)
    changed = (CHAT[0], Message("user", "Write f.\nIt subtracts.\nIt is short."))
    said = await missed(path, replace(ASKED, prompt=changed))
    assert said.split("\n") == [
        f"{str(path)!r} holds no answer to this request (critic, round 1, model m), and a replay buys none",
        "the nearest that it holds is of critic, round 1; what differs in the prompt:",
        "  --- recorded",
        "  +++ asked",
        "  @@ -4,3 +4,3 @@",
        "   Write f.",
        "  -It adds.",
        "  +It subtracts.",
        "   It is short.",
        "replay with the banchu, options and prompts of the recording, or ask for what is missing with --record",
    ]


async def test_a_miss_names_what_differs_beside_an_equal_prompt(path: Path, shop: Shop) -> None:
    await record(path, shop, Request("Write f.", Sampling(seed=7)), ASKED)
    said = await missed(path, replace(ASKED, sampling=Sampling(0.7, stop=("\n",), seed=9), prefill="def"))
    assert "(critic, round 1) has the same prompt, and differs in:" in said
    assert said.split("\n")[2:-1] == [
        "  sampling.temperature: 0.2 recorded, 0.7 asked",
        "  sampling.seed: 7 recorded, 9 asked",
        '  sampling.stop: not set recorded, ["\\n"] asked',
        '  prefill: not set recorded, "def" asked',
    ]


async def test_a_miss_names_both_what_differs_in_the_prompt_and_beside_it(path: Path, shop: Shop) -> None:
    await record(path, shop, ASKED)
    said = await missed(path, Request("Write g.", Sampling(seed=8), "actor", 0))
    assert "+Write g." in said
    assert "and beside the prompt:\n  sampling.seed: 7 recorded, 8 asked\n" in said


async def test_a_miss_under_another_python_says_so(path: Path, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(platform, "python_version", lambda: "3.10.1")
        await record(path, shop, ASKED)
    other = replace(ASKED, sampling=Sampling(seed=1))
    assert f"\nrecorded with Python 3.10.1, and this is {platform.python_version()}," in await missed(path, other)
    monkeypatch.setattr(platform, "python_version", lambda: "3.10.9")
    assert "Python" not in await missed(path, other)


async def test_a_key_of_another_making_is_told_from_another_request(path: Path, shop: Shop) -> None:
    await record(path, shop, ASKED)
    path.write_bytes(path.read_bytes().replace(ASKED.key("m").encode(), b"0" * 64))
    assert "the same request (critic, round 1) under another key" in await missed(path, ASKED)


@pytest.mark.parametrize(
    ("recorded", "nearest"),
    [
        # The same seed is the same place in the experiment, whatever its text.
        ([("aaa", 7, "critic", 1), ("Write f.\nIt adds.", 8, "critic", 1)], 0),
        # Then role and round, then the text.
        ([("Write f.\nIt adds.", 8, "actor", 0), ("aaa", 9, "critic", 1)], 1),
        ([("Write f.\nIt adds.", 8, "actor", 1), ("aaa", 9, "critic", 0)], 1),
        ([("aaa", 8, "critic", 1), ("Write f.\nIt adds.\nOr so.", 9, "critic", 1), ("Write f.", 10, "critic", 1)], 1),
    ],
)
async def test_the_nearest_is_the_same_place_then_the_same_role_then_the_likest_text(
    path: Path, shop: Shop, recorded: list[tuple[str, int, str, int]], nearest: int
) -> None:
    requests = [Request(text, Sampling(seed=seed), role, round) for text, seed, role, round in recorded]  # type: ignore[arg-type]
    await record(path, shop, *requests)
    said = await missed(path, Request("Write f.\nIt adds.\nIt is short.", Sampling(seed=7), "critic", 1))
    _, seed, role, round = recorded[nearest]
    assert f"is of {role}, round {round};" in said
    assert (f"sampling.seed: {seed} recorded" in said) is (seed != 7)


async def test_a_miss_is_short_and_can_be_printed_whatever_the_prompts_hold(path: Path, shop: Shop) -> None:
    await record(path, shop, Request("\n".join(f"line {n}\x1b[2J" for n in range(500))))
    said = await missed(path, Request("\n".join(f"row {n}\ud800\x00" * 99 for n in range(500))))
    assert len(said.split("\n")) < 35
    assert max(map(len, said.split("\n"))) < 400
    assert all(c.isprintable() for c in said.replace("\n", ""))
