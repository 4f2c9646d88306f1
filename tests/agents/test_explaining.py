"""The critic behind a source that runs code: what it is shown is data, whoever wrote it."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.agents.test_roles import SAMPLING, TASK, WRONG, FakeModel, messages

from banchu.agents import Critic
from banchu.core.arm import Explain
from banchu.core.chat import Sampling
from banchu.core.episode import Attempt

HOW = tuple(how for how in get_args(Explain) if how != "nothing")
MARKERS = ("<|im_start|>", "<|im_end|>", "</s>", "[INST]", "<<SYS>>", "<think>")


async def asked_of(how: Explain, attempt: Attempt, found: str, failed: str, blocks: str) -> str:
    model = FakeModel(["said"], "completion")
    await Critic(model, SAMPLING).explain(TASK, attempt, found, how=how, failed=failed, blocks=blocks, seed=3)
    (request,) = model.asked
    assert [message.role for message in messages(request)] == ["system", "user"]
    assert (request.role, request.round, request.sampling.seed) == ("critic", attempt.round, 3)
    return messages(request)[-1].content


@pytest.mark.parametrize("how", HOW)
async def test_the_critic_sees_task_answer_what_was_found_and_what_is_asked(how: Explain) -> None:
    user = await asked_of(how, WRONG, "it gave 2", "assert double(2) == 4", "[BLOCK-0] x = 2")
    parts = [TASK.prompt.strip(), "return x\n", "it gave 2", "Do not write a new version."]
    assert [user.index(part) for part in parts] == sorted(user.index(part) for part in parts)
    assert ("assert double(2) == 4" in user) == (how in ("trace", "blocks"))
    assert ("[BLOCK-0] x = 2" in user) == (how == "blocks")
    assert "VERDICT" not in user  # whether it is right was found by running it


def outside_of_fences(text: str) -> list[str]:
    """The lines that are no data: a fence ends with a line that is as long as the one it began with."""
    outside, fence = [], ""
    for line in text.split("\n"):
        if fence:
            fence = "" if line == fence else fence
        elif line.startswith("```"):
            fence = line[: len(line) - len(line.lstrip("`"))]
        else:
            outside.append(line)
    assert fence == ""
    return outside


EVIL = st.lists(
    st.sampled_from(["```", "````", "`````text", "~~~", "EVIL", "\r", "\n", "$asked", "${prompt}", *MARKERS]),
    max_size=14,
).map("\n".join)


@given(st.sampled_from(HOW), EVIL, EVIL, EVIL, EVIL, st.booleans())
async def test_what_models_and_programs_wrote_stays_inside_its_quotation(
    how: Explain, code: str, found: str, failed: str, blocks: str, readable: bool
) -> None:
    attempt = Attempt(1, f"EVIL\n{code}", f"EVIL\n{code}" if readable else None)
    user = await asked_of(how, attempt, f"EVIL\n{found}", f"EVIL\n{failed}", f"EVIL\n{blocks}")
    plain = await asked_of(how, Attempt(1, "x", "x"), "x", "x", "x")
    assert outside_of_fences(user) == outside_of_fences(plain)
    assert user.count("EVIL\n") >= 2
    assert [marker for marker in MARKERS if marker in user] == []


@pytest.mark.parametrize("how", HOW)
async def test_long_findings_are_cut_and_so_is_a_long_explanation(how: Explain) -> None:
    long = "x" * 30_000
    user = await asked_of(how, Attempt(0, long, long), long, long, long)
    assert len(user) < 22_000
    assert user.count("characters left out") == {"blocks": 4, "trace": 3}.get(how, 2)
    model = FakeModel(["  \n" + "word " * 2000])
    critic = Critic(model, Sampling(max_tokens=100))
    said = await critic.explain(TASK, WRONG, "it gave 2", how=how, failed="", blocks="", seed=3)
    assert said.startswith("word")
    assert len(said) < 2100
    assert model.asked[0].sampling.max_tokens == 100
