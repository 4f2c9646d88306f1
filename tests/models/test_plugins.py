"""Models of the user's own: files, entry points, chat models of LangChain (a fake one of its own here)."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.messages import AIMessage
from langsmith.utils import get_env_var
from pydantic import Field

from banchu.core.chat import Message, Request, Sampling, Tool
from banchu.core.errors import ConfigError, ModelError
from banchu.models import plugins
from banchu.models.langchain import LangChainModel
from banchu.models.registry import ModelOptions, list_models, open_model

MODEL = """
from banchu.core.chat import Completion, Usage

class Mine:
    prompt_style = "chat"
    def __init__(self, name="", options=None):
        self.id = f"mine:{name}:{options.style if options else None}"
    async def complete(self, request):
        return Completion("said " + request.prompt_text, Usage(1, 2), "stop")
    async def aclose(self): ...

ready = Mine()
def make(): return Mine("made")
def with_options(name, options): return Mine(name or "none", options)
def fails(): raise RuntimeError("no key")
class Half:
    id = "half"
number = 3
odd = Mine(); odd.prompt_style = "poem"
"""
CHAT = Request((Message("system", "Be short."), Message("user", "hi")), Sampling(stop=("END",), seed=7))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(MODEL)
    return path


@pytest.mark.parametrize(
    ("name", "id"),
    [("ready", "mine::None"), ("make", "mine:made:None"), ("Mine", "mine::chat"), ("with_options", "mine:none:chat")],
)
async def test_a_file_gives_a_model_or_what_makes_one(file: Path, name: str, id: str) -> None:
    model = open_model(f"{file}:{name}", ModelOptions(style="chat"))
    assert model.id == id
    assert (await model.complete(CHAT)).text.startswith("said ")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("number", "is no model, it has no id, prompt_style, complete, aclose"),
        ("Half", "is no model, it has no prompt_style, complete, aclose"),
        ("fails", "cannot be made: RuntimeError: no key"),
        ("odd", "prompt_style 'poem' is unknown; it must be chat or completion"),
        ("redy", r"unknown name in .*: 'redy'"),
    ],
)
def test_what_is_no_model_is_refused_with_the_reason(file: Path, name: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        open_model(f"{file}:{name}")


def test_a_file_that_is_not_there_or_is_broken(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such file"):
        open_model(f"{tmp_path}/none.py:x")
    broken = tmp_path / "broken.py"
    broken.write_text("import nothing_of_that_name\n")
    with pytest.raises(ConfigError, match="cannot be loaded: ModuleNotFoundError"):
        open_model(f"{broken}:x")


def test_a_package_offers_a_model(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(file.parent))
    offered = {"ours": EntryPoint("ours", "mine:with_options", plugins.GROUP)}
    monkeypatch.setattr(plugins, "installed", lambda: offered)
    assert open_model("ours:big", ModelOptions(style="chat")).id == "mine:big:chat"
    assert "ours" in {info.spec for info in list_models()}
    offered["gone"] = EntryPoint("gone", "mine:nobody", plugins.GROUP)
    with pytest.raises(ConfigError, match=r"entry point 'gone' .* cannot be loaded: AttributeError"):
        open_model("gone")
    with pytest.raises(ConfigError, match="unknown model 'other'"):
        open_model("other")


class Remembers(FakeListChatModel):
    """A fake that keeps what it was told."""

    told: list[Any] = Field(default_factory=list)

    async def ainvoke(self, input, config=None, *, stop=None, **kwargs):  # type: ignore[no-untyped-def]
        self.told.append((input, stop, kwargs))
        return AIMessage(
            [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "four"}],
            usage_metadata={
                "input_tokens": 5,
                "output_tokens": 3,
                "total_tokens": 8,
                "output_token_details": {"reasoning": 2},
            },
            response_metadata={"finish_reason": "length"},
        )


async def test_a_chat_model_of_langchain_is_asked_and_read(tmp_path: Path) -> None:
    inner = Remembers(responses=["unused"])
    model = LangChainModel(inner)
    done = await model.complete(CHAT)
    assert (done.text, done.finish_reason) == ("four", "length")
    assert (done.usage.prompt_tokens, done.usage.completion_tokens, done.usage.reasoning_tokens) == (5, 3, 2)
    messages, stop, kwargs = inner.told[-1]
    assert messages == [("system", "Be short."), ("user", "hi")]
    assert (stop, kwargs["seed"], kwargs["temperature"]) == (["END"], 7, 0.2)
    assert model.id.startswith("langchain:")


async def test_langsmith_s_variables_alone_trace_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Traced(FakeListChatModel):
        def _call(self, *arguments: Any, run_manager: Any = None, **values: Any) -> str:
            handlers.extend(run_manager.handlers)
            return "four"

    handlers: list[Any] = []
    for name in ("LANGSMITH_TRACING", "LANGCHAIN_TRACING_V2"):
        monkeypatch.setenv(name, "true")
    monkeypatch.setenv("LANGSMITH_ENDPOINT", "http://127.0.0.1:9")
    remembered: Any = get_env_var
    remembered.cache_clear()
    own = BaseCallbackHandler()
    try:
        await LangChainModel(Traced(responses=["unused"], callbacks=[own])).complete(CHAT)
    finally:
        monkeypatch.setenv("LANGSMITH_TRACING", "false")
        remembered.cache_clear()
    assert handlers == [own]


def test_another_configuration_is_another_model() -> None:
    one, other = (LangChainModel(FakeListChatModel(responses=[text])) for text in "ab")
    assert one.id != other.id
    assert one.id == LangChainModel(FakeListChatModel(responses=["a"])).id


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (Request("def f():"), "continues no raw text"),
        (Request(CHAT.prompt, tools=(Tool("t", "a tool", "{}"),)), "asked for text only, not for tools"),
        (Request((*CHAT.prompt, Message("tool", "3", call_id="c"))), "takes no messages of tools"),
    ],
)
async def test_what_it_cannot_do_is_refused(request_: Request, said: str) -> None:
    with pytest.raises(ModelError, match=said) as error:
        await LangChainModel(FakeListChatModel(responses=["a"])).complete(request_)
    assert error.value.fatal


async def test_an_error_of_the_provider_is_one_line() -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("over\ncapacity")

    inner = FakeListChatModel(responses=["a"])
    object.__setattr__(inner, "ainvoke", fail)
    with pytest.raises(ModelError, match="RuntimeError: over capacity"):
        await LangChainModel(inner).complete(CHAT)
    with pytest.raises(ConfigError, match="--style chat"):
        LangChainModel(inner, "completion")


def test_a_file_may_hold_a_chat_model(tmp_path: Path) -> None:
    path = tmp_path / "chat.py"
    path.write_text(
        "from langchain_core.language_models.fake_chat_models import FakeListChatModel\n"
        "chat = FakeListChatModel(responses=['a'])\ndef make():\n    return chat\n"
    )
    assert open_model(f"{path}:chat").id == open_model(f"{path}:make").id
