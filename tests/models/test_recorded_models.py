"""Recording, replaying, and what a recording leaves out."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from tests.models.shop import ASKED, Shop, missed, nobody, record

from banchu.core.chat import Completion, Request, Sampling, Usage
from banchu.core.errors import ConfigError, ContextOverflow, DataError, ModelError
from banchu.models.api.gate import Gate
from banchu.models.protocol import Around, NotSent
from banchu.models.recorded import Recording, cache_file
from banchu.models.registry import ModelOptions
from banchu.models.scripted import ScriptedModel


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.jsonl"


@pytest.fixture
def shop() -> Shop:
    return Shop()


async def test_an_answer_is_bought_once_and_replayed_without_a_model(path: Path, shop: Shop) -> None:
    said = await record(path, shop, ASKED, ASKED)
    assert shop.models["m"].calls == 1
    assert await record(path, shop, ASKED) == said[:1]
    assert shop.models["m"].calls == 0
    with Recording(path, "replay", opener=nobody) as recording:
        model = recording.open("m")
        assert (model.id, model.prompt_style) == ("m", "chat")
        assert [await model.complete(ASKED) for _ in range(2)] == said
        assert recording.summary() == f"replayed: 2 answers from {str(path)!r}, none bought"
        await model.aclose()


async def test_the_summary_counts_what_was_bought_and_what_was_not(path: Path, shop: Shop) -> None:
    await record(path, shop, ASKED)
    with Recording(path, "record", opener=shop.open) as recording:
        model = recording.open("m")
        for seed in (7, 8, 8):
            await model.complete(replace(ASKED, sampling=Sampling(seed=seed)))
        assert recording.summary() == f"2 answers from {str(path)!r}, 1 bought and kept"
    assert recording.notices == []


async def test_each_model_of_a_team_has_its_own_answers(path: Path) -> None:
    shop = Shop()
    with Recording(path, "record", opener=shop.open) as recording:
        for spec in ("m", "critic"):
            shop.reply = lambda request, spec=spec: spec  # type: ignore[misc]
            await recording.open(spec, ModelOptions(style="completion" if spec == "m" else None)).complete(ASKED)
    with Recording(path, "replay", opener=nobody) as recording:
        models = [recording.open(spec) for spec in ("m", "critic")]
        assert [(m.prompt_style, (await m.complete(ASKED)).text) for m in models] == [
            ("completion", "m"),
            ("chat", "critic"),
        ]


@pytest.mark.parametrize("error", [ContextOverflow("too long", status=400), ModelError("refused")])
async def test_a_call_that_fails_for_good_fails_again(path: Path, error: ModelError) -> None:
    def fail(request: Request) -> str:
        raise error

    shop = Shop(fail)
    for _ in range(2):
        with pytest.raises(type(error), match=str(error)):
            await record(path, shop, ASKED)
    assert shop.models["m"].calls == 0
    with Recording(path, "replay", opener=nobody) as recording, pytest.raises(type(error)) as raised:
        await recording.open("m").complete(ASKED)
    assert (raised.value.fatal, raised.value.status) == (False, error.status)


async def test_a_call_that_may_succeed_later_is_asked_again_and_replayed_as_it_was(path: Path) -> None:
    def busy(request: Request) -> str:
        raise ModelError("busy", retryable=True, status=503)

    with pytest.raises(ModelError, match="busy"):
        await record(path, Shop(busy), ASKED)
    with Recording(path, "replay", opener=nobody) as recording, pytest.raises(ModelError, match="busy"):
        await recording.open("m").complete(ASKED)
    assert (await record(path, Shop(), ASKED))[0].text == "answer to 7"
    with Recording(path, "replay", opener=nobody) as recording:
        assert (await recording.open("m").complete(ASKED)).text == "answer to 7"


async def test_an_error_that_ends_the_run_is_not_kept(path: Path) -> None:
    def fail(request: Request) -> str:
        raise ModelError("wrong key", fatal=True)

    with pytest.raises(ModelError, match="wrong key"):
        await record(path, Shop(fail), ASKED)
    assert "it holds no calls at all" in await missed(path, ASKED)


async def test_of_two_who_ask_at_once_the_first_answer_counts_for_both(path: Path) -> None:
    class Slow(ScriptedModel):
        async def complete(self, request: Request) -> Completion:
            await answered.wait()
            return await super().complete(request)

    answered = asyncio.Event()
    slow = Slow(lambda _: "second", id="m")
    with (
        Recording(path, "record", opener=lambda spec, options: slow) as one,
        Recording(path, "record", opener=Shop(lambda _: "first").open) as other,
    ):
        waiting = asyncio.create_task(one.open("m").complete(ASKED))
        await asyncio.sleep(0)
        first = await other.open("m").complete(ASKED)
        answered.set()
        assert await waiting == first
        assert first.text == "first"
        assert slow.calls == 1


@pytest.mark.parametrize(
    ("spec", "options", "said"),
    [
        ("n", ModelOptions(), r"unknown model of recording '.*a\.jsonl': 'n'.*Known: .*m.*--model that was recorded"),
        ("m", ModelOptions(), r"several models for 'm'.*--model m@http://b:1/v1 --style chat"),
        ("m", ModelOptions(base_url="http://c:1/v1"), "unknown model"),
        ("m", ModelOptions(style="completion"), "unknown model"),
    ],
)
async def test_a_model_that_was_not_recorded_is_named(path: Path, spec: str, options: ModelOptions, said: str) -> None:
    with Recording(path, "record", opener=Shop().open) as recording:
        for url in ("http://a:1/v1", "http://b:1/v1"):
            recording.open("m", ModelOptions(base_url=url))
    with Recording(path, "replay", opener=nobody) as recording:
        with pytest.raises(ConfigError, match=said):
            recording.open(spec, options)
        for chosen in (recording.open("m", ModelOptions(base_url="http://b:1/v1/")), recording.open("m@http://b:1/v1")):
            assert chosen.id == "m@http://b:1/v1"


async def test_half_a_line_is_said_before_the_run(path: Path, shop: Shop) -> None:
    await record(path, shop, ASKED)
    path.write_bytes(path.read_bytes()[:-9])
    with Recording(path, "replay") as recording:
        assert [notice for notice in recording.notices if "half a line" in notice and "may be missing" in notice]
    with Recording(path, "record", opener=shop.open) as recording:
        assert [notice for notice in recording.notices if "half a line" in notice and "asked again" in notice]


async def test_damage_ends_a_replay_as_a_file_error(path: Path, shop: Shop) -> None:
    await record(path, shop, ASKED)
    path.write_bytes(path.read_bytes().replace(b'"finish_reason":"stop"', b'"finish_reason":"tired"'))
    with Recording(path, "replay") as recording, pytest.raises(DataError, match=r"a\.jsonl', line 3: .*tired"):
        await recording.open("m").complete(ASKED)


def test_the_cache_is_in_the_users_cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_file() == tmp_path / "banchu" / "answers.jsonl"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_file() == tmp_path / ".cache" / "banchu" / "answers.jsonl"


async def test_a_call_that_was_never_sent_leaves_no_trace(path: Path) -> None:
    """A run that is ended early drains its model; what was waiting then must not look like an answer, or a failure."""
    gate = Gate(1)

    async def waits(request: Request) -> Completion:
        turn = await gate.enter(gate.ticket(), 1)
        turn.left()
        return Completion("late", Usage(), "stop")

    model = ScriptedModel(lambda _: "")
    model.complete = waits  # type: ignore[method-assign]
    turn = await gate.enter(gate.ticket(), 1)
    with Recording(path, "record", opener=lambda spec, options: model) as recording:
        asked = asyncio.create_task(recording.open("m").complete(ASKED))
        await asyncio.sleep(0)
        gate.drain()
        with pytest.raises(NotSent):
            await asked
        turn.left()
    assert "holds no calls at all" in await missed(path, ASKED)


async def test_whether_a_model_takes_tools_is_recorded_so_a_replay_asks_as_the_run_did(path: Path) -> None:
    """Else calls of tools would be asked for as text, and nothing recorded would be found."""
    shop = Shop()
    await record(path, shop, ASKED)  # by a version that did not say so, or a model that does not

    class Takes(ScriptedModel):
        takes_tools = True

    for _ in range(2):
        with Recording(path, "record", opener=lambda spec, options: Takes(shop.reply, id=spec)) as recording:
            assert Around(recording.open("m")).takes_tools
            recording.open("n")
    with Recording(path, "replay", opener=nobody) as recording:
        assert [Around(recording.open(spec)).takes_tools for spec in ("m", "n")] == [True, True]
    assert path.read_text().count('{"model":{') == 3
    await record(path, shop, ASKED, spec="o")
    with Recording(path, "replay", opener=nobody) as recording:
        assert not Around(recording.open("o")).takes_tools
