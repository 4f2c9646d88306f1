"""For every test: no proxy, key or tracing of the user's shell. For some: `banchu` without its imports."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from tests.warm import WarmBanchu

# How long an example takes is nothing that a test is about: on a busy machine any may take long. The same code is shown
# the same examples everywhere, so that what passed here passes there; `--hypothesis-profile=explore` draws others.
_TIMELESS = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("banchu", _TIMELESS, derandomize=True)
settings.register_profile("explore", _TIMELESS, derandomize=False)
settings.load_profile("banchu")


def pytest_collection_finish() -> None:
    """Torch and others are loaded by now: half a million objects that no later collection need walk through again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANGSMITH_TRACING", "false")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.fixture(scope="session")
def warm_banchu() -> Iterator[WarmBanchu]:
    """One for all tests that run commands."""
    warm = WarmBanchu()
    yield warm
    warm.close()
