"""Which of a run's models an option is for, and who refuses it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from banchu.core.errors import ConfigError
from banchu.experiments.invocation import Invocation
from banchu.experiments.team import Team
from banchu.models import Model
from banchu.models.openai_api import OpenAIModel
from banchu.models.registry import ModelOptions
from banchu.models.scripted import ScriptedModel

ENDPOINT: dict[str, Any] = {"base_url": "http://127.0.0.1:9/v1", "omit": "top_p", "max_rpm": 60, "max_tpm": 1000}


@pytest.fixture
def script(tmp_path: Path) -> str:
    path = tmp_path / "s.jsonl"
    path.write_text('{"reply": "x"}\n')
    return f"scripted:{path}"


def told(model: str, critic: str | None, reflector: str | None, **options: Any) -> dict[str, ModelOptions]:
    """What each model of a run is opened with."""
    found = {}

    def open_fake(spec: str, options: ModelOptions) -> Model:
        found[spec] = options
        return ScriptedModel(lambda request: "", id=spec)

    invocation = Invocation("easy", model, critic=critic, reflector=reflector, model_options=ModelOptions(**options))
    Team(invocation, open_fake)
    return found


def given(options: ModelOptions) -> dict[str, Any]:
    return {name: getattr(options, name) for name in ENDPOINT}


NONE = {"base_url": None, "omit": "", "max_rpm": None, "max_tpm": None}


@pytest.mark.parametrize(
    ("model", "critic", "reflector", "behind"),
    [
        ("openai:m", None, None, {"openai:m"}),
        ("smollm2", "openai:m", None, {"openai:m"}),
        ("hf:a/b", None, "openai:m", {"openai:m"}),
        ("hf:a/b", "openai:m", "openai:n", {"openai:m", "openai:n"}),
        ("openai:m", "hf:a/b", "vllm:a/b", {"openai:m"}),
        ("mine.py:model", "hf:a/b", None, {"mine.py:model"}),
        ("mine.py:model", "openai:m", None, {"mine.py:model", "openai:m"}),
        ("openai:m", "mine.py:model", None, {"openai:m"}),
        ("smollm2", "mine.py:model", None, {"mine.py:model"}),
    ],
)
def test_what_is_said_of_an_endpoint_goes_to_the_models_behind_one(
    model: str, critic: str | None, reflector: str | None, behind: set[str]
) -> None:
    opened = told(model, critic, reflector, **ENDPOINT, max_connections=7)
    assert {spec for spec, options in opened.items() if given(options) == ENDPOINT} == behind
    assert all(given(options) == NONE for spec, options in opened.items() if spec not in behind)
    assert {options.max_connections for options in opened.values()} == {7}


def test_what_is_said_of_a_device_goes_to_the_models_on_this_machine() -> None:
    opened = told("openai:m", "hf:a/b", None, device="cuda:1", quantize="int8")
    assert (opened["hf:a/b"].device, opened["hf:a/b"].quantize) == ("cuda:1", "int8")
    assert (opened["openai:m"].device, opened["openai:m"].quantize) == ("auto", "")


def test_how_code_is_asked_for_is_the_actors_matter() -> None:
    opened = told("smollm2", "openai:m", "smollm2", style="completion", adapter="./a")
    assert {spec: (options.style, options.adapter) for spec, options in opened.items()} == {
        "smollm2": ("completion", "./a"),
        "openai:m": (None, ""),
    }


async def test_a_critic_behind_an_api_takes_the_limits_of_a_run_with_another_actor(script: str) -> None:
    """With the real openers: the critic has them, and the actor does not mind."""
    invocation = Invocation("easy", script, critic="openai:m", model_options=ModelOptions(**ENDPOINT))
    async with Team(invocation) as team:
        assert isinstance(team.critic, OpenAIModel)
        assert team.critic.id == "openai:m@http://127.0.0.1:9/v1 without top_p"
        assert team.actor.id.startswith("scripted:")
        assert team.reflector is team.actor


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("base_url", r"--base-url goes with --model openai:NAME \(or --critic, --reflector\), not with 'scripted"),
        *((name, r"--omit, --max-rpm and --max-tpm go with") for name in ("omit", "max_rpm", "max_tpm")),
    ],
)
def test_they_are_refused_where_no_model_of_the_run_takes_them(script: str, option: str, said: str) -> None:
    other = Path(script.partition(":")[2]).with_name("t.jsonl")
    other.write_text('{"reply": "y"}\n')
    options = ModelOptions(**{option: ENDPOINT[option]})
    with pytest.raises(ConfigError, match=said):
        Team(Invocation("easy", script, critic=f"scripted:{other}", model_options=options))
