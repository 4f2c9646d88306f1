"""What can be said of vLLM without it: names with settings, and what it died of, read from its log."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import Any

import pytest

from banchu.core.errors import ConfigError
from banchu.models.registry import open_model
from banchu.models.vllm.opening import read_name
from banchu.models.vllm.process import cause


def test_without_vllm_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tiny: Path) -> None:
    monkeypatch.setattr("banchu.models.vllm.opening.importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"--model vllm:\S+ needs vLLM; pip install 'banchu\[vllm\]'"):
        open_model(f"vllm:{tiny}")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a/b", ("a/b", {})),
        ("./c++/d", ("./c++/d", {})),
        ("a+max_model_len=4096+dtype=half", ("a", {"max_model_len": 4096, "dtype": "half"})),
        ("a+enforce_eager=True+x=[1, 2]", ("a", {"enforce_eager": True, "x": [1, 2]})),
    ],
)
def test_settings_stand_behind_a_name(text: str, found: tuple[str, dict[str, Any]]) -> None:
    assert read_name(text) == found


def test_the_cause_is_the_first_error_that_is_no_consequence() -> None:
    """Lines as vLLM 0.32 writes them."""
    at = "(EngineCore pid=11) ERROR 11-21 19:11:15 [core.py:1488]"
    log = [
        "(EngineCore pid=11) WARNING 11-21 19:11:06 [cpu.py:224] Triton is not installed.",
        f"{at} EngineCore failed to start.",
        f"{at} Traceback (most recent call last):",
        f"{at}     raise ValueError(",
        f"{at} ValueError: To serve at least one request, more memory is needed.",
        "RuntimeError: Engine core initialization failed. See root cause above.",
    ]
    assert cause(deque(log)) == "ValueError: To serve at least one request, more memory is needed."
    assert cause(deque(log[:1])) == "Triton is not installed."
    assert cause(deque()) == ""
