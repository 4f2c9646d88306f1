"""Prompts as files: strict filling, a digest, and quotation that holds."""

import re
import string
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banchu.agents import prompts
from banchu.agents.quoting import bounded, quoted


def test_missing_and_superfluous_values_are_refused() -> None:
    with pytest.raises(ValueError, match=r"'actor_first' has the placeholders \['entry_point', 'prompt'\], not \[\]"):
        prompts.render("actor_first")
    with pytest.raises(ValueError, match="superfluous"):
        prompts.render("critic_neutral", superfluous="x")
    with pytest.raises(ValueError, match="unknown prompt 'nobody'"):
        prompts.render("nobody")


def test_values_are_not_filled_again() -> None:
    assert "$feedback" in prompts.render("notes_feedback", feedback="$feedback ${x} $$")


@pytest.mark.parametrize("name", prompts.names())
def test_every_prompt_renders(name: str) -> None:
    text = (resources.files("banchu.agents.prompts") / f"{name}.md").read_text()
    template = string.Template(text)
    rendered = prompts.render(name, **{each: f"<{each}>" for each in template.get_identifiers()})
    assert "$" not in rendered
    assert rendered == rendered.strip("\n")


def test_digest_is_stable_and_of_all_files() -> None:
    assert prompts.digest() == prompts.digest()
    assert re.fullmatch("[0-9a-f]{64}", prompts.digest())
    assert {"actor_first", "completion_retry", "critic_leading", "reflector_reflect"} <= set(prompts.names())


@given(st.text(alphabet=st.sampled_from("`~ \n\ra<|s>/[]INST$"), max_size=60) | st.text(max_size=60))
def test_quotation_ends_where_its_fence_ends(text: str) -> None:
    lines = quoted(text, 1000).split("\n")
    fence = lines[-1]
    assert lines[0] == f"{fence}text"
    assert set(fence) == {"`"}
    assert len(fence) >= 3
    assert not any(fence in line for line in lines[1:-1])
    assert "\r" not in "".join(lines)


@given(st.text(max_size=300), st.integers(min_value=3, max_value=100))
def test_bounded(text: str, limit: int) -> None:
    short = bounded(text, limit)
    assert len(short) <= limit + 50
    assert short == text if len(text) <= limit else short.startswith(text[: limit * 2 // 3])
