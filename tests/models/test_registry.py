"""Models by name: what is found, and what is said of what is not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from banchu.core.errors import BanchuError, ConfigError, ModelError
from banchu.models.registry import ModelOptions, list_models, open_model


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("smolm2", "unknown model 'smolm2'.*'smollm2'"),
        ("openia:gpt-4o-mini", "unknown model 'openia.*'openai'"),
        ("script:answers.jsonl", "unknown model 'script.*'scripted'"),
        ("", "unknown model ''.*Known: FILE.py:NAME, hf, openai, scripted, smollm2, vllm"),
        ("openai", "'openai': write openai:NAME"),
        ("hf:", "'hf:': write hf:NAME"),
        ("smollm2:135m", "'smollm2:135m': write smollm2 alone"),
        ("scripted:no/such.jsonl", r"no/such\.jsonl: cannot read"),
    ],
)
def test_a_name_that_is_not_known_is_refused_with_the_nearest(spec: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as error:
        open_model(spec)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("spec", "options", "message"),
    [
        ("smollm2", ModelOptions(workers=0), "--workers 0 is too small"),
        ("smollm2", ModelOptions(base_url="http://127.0.0.1:1/v1"), "--base-url goes with --model openai:NAME"),
        ("openai:m", ModelOptions(base_url="localhost:80"), "--base-url 'localhost:80' is not an address"),
        ("openai:m", ModelOptions(base_url="http://"), "--base-url 'http:' is not an address"),
        ("openai:m", ModelOptions(api_key_env="MY_KEY"), "no key for https.*export MY_KEY="),
    ],
)
def test_options_that_do_not_fit_are_refused(spec: str, options: ModelOptions, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        open_model(spec, options)


def test_an_endpoint_on_this_machine_needs_no_key() -> None:
    for host in ("127.0.0.1", "localhost", "[::1]"):
        model = open_model("openai:m", ModelOptions(base_url=f"http://{host}:9/v1/"))
        assert model.id == f"openai:m@http://{host}:9/v1"


def test_the_address_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    assert open_model("openai:m").id.endswith("@http://127.0.0.1:9/v1")
    assert open_model("openai:m", ModelOptions(base_url="http://127.0.0.1:8/v1")).id.endswith(":8/v1")


def test_a_style_can_be_asked_for(tmp_path: Path) -> None:
    script = tmp_path / "s.jsonl"
    script.write_text('{"reply": "x"}')
    for spec in (f"scripted:{script}", "openai:m"):
        for style in ("chat", "completion"):
            options = ModelOptions(style=style, base_url="http://127.0.0.1:9/v1" if spec == "openai:m" else None)
            assert open_model(spec, options).prompt_style == style


@pytest.mark.parametrize(
    ("name", "message"),
    [("./none", r"no folder 'none'"), ("none", "no folder 'none'"), ("nobody/nothing", "HF_HUB_OFFLINE is set")],
)
def test_a_checkpoint_that_is_not_there_is_named(
    name: str, message: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ModelError, match=message) as error:
        open_model(f"hf:{name}")
    assert error.value.fatal
    assert f"--model hf:{name}" in str(error.value)


def test_a_folder_without_weights_is_no_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError, match=r"not a checkpoint, it needs config\.json and weights"):
        open_model(f"hf:{tmp_path}")


def test_every_kind_is_listed_with_what_is_lacking(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = {info.spec.partition(":")[0]: info for info in list_models()}
    assert set(listed) == {"smollm2", "hf", "vllm", "openai", "FILE.py", "scripted"}
    assert listed["scripted"].usable
    assert not listed["openai"].usable
    assert "OPENAI_API_KEY" in listed["openai"].remedy
    assert all(info.remedy for info in listed.values() if not info.usable)
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    assert next(info for info in list_models() if info.spec.startswith("openai")).usable


def test_opening_a_model_imports_nothing_heavy(tmp_path: Path) -> None:
    script = tmp_path / "s.jsonl"
    script.write_text('{"reply": "x"}')
    program = f"""
import sys
from banchu.models.registry import ModelOptions, list_models, open_model
from banchu.core.errors import BanchuError
for spec in ("scripted:{script}", "smollm2"):
    try:
        open_model(spec)
    except BanchuError:
        pass
open_model("openai:m", ModelOptions(base_url="http://127.0.0.1:9/v1"))
list_models()
assert not {{"openai", "torch", "transformers", "numpy"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_every_refusal_is_an_error_with_an_exit_code() -> None:
    with pytest.raises(BanchuError) as error:
        open_model("nothing")
    assert error.value.exit_code == 2
