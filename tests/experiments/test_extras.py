"""What an answer brings beside its text: in the ledger, back from it, and wherever somebody looks."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from banchu.analysis.arms import Tokens
from banchu.analysis.columns import TABLES, Table
from banchu.analysis.export import rows
from banchu.analysis.run import summarise_ledger
from banchu.cli.show_episode import episode_as_json, episode_as_text
from banchu.cli.show_run import run_as_text
from banchu.core.chat import Completion, Message, Request, Sampling, TokenLogprob, ToolCall, Usage
from banchu.core.errors import ModelError, StorageError
from banchu.experiments.journal import Journal, kept
from banchu.experiments.ledger import Ledger
from banchu.experiments.writer import LedgerWriter
from banchu.models.api.answers import read_answer
from banchu.models.scripted import ScriptedModel

TEXTS = st.lists(st.characters() | st.sampled_from("\ud83d\udcff\x00\u2028"), max_size=9).map(
    "".join
)  # lone surrogates too
VALUES = st.floats(max_value=0, allow_nan=False)
TOKENS = st.builds(TokenLogprob, TEXTS, VALUES, st.lists(st.tuples(TEXTS, VALUES), max_size=2).map(tuple))
ANSWERS = st.builds(
    Completion,
    TEXTS,
    st.builds(Usage, st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9)),
    st.sampled_from(["stop", "length", "content_filter"]),
    st.floats(0, 1e6),
    st.lists(st.builds(ToolCall, TEXTS, TEXTS, TEXTS), max_size=2).map(tuple),
    st.lists(TOKENS, max_size=2).map(tuple),
)


class Thinker(ScriptedModel):
    """The lab's fickle fake, but for this: 3 of 4 answers are thought over first, and some are nothing but thought."""

    def __init__(self, replies: Any, limit: int = 512) -> None:
        super().__init__(replies, id="scripted:fickle")
        self.limit = limit

    async def complete(self, request: Request) -> Completion:
        completion = await super().complete(request)
        thought = request.sampling.seed % 4 * 10
        if request.role == "actor" and request.sampling.seed % 5 == 0:
            return Completion("", Usage(9, self.limit, self.limit), "length")
        usage = Usage(completion.usage.prompt_tokens, completion.usage.completion_tokens + thought, thought)
        calls = (ToolCall("run", '{"code": 1}', "c1"),) if request.role == "critic" else ()
        logprobs = (TokenLogprob("a", -0.5, (("b", -1.0),)),) if request.role == "reflector" else ()
        return replace(completion, usage=usage, tool_calls=calls, logprobs=logprobs)


def extras(path: Path) -> dict[str, tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as db:
        return {key: values for key, *values in db.execute("SELECT * FROM call_extras")}


@settings(max_examples=20, deadline=None, phases=[Phase.generate])  # shrinking would write thousands of ledgers
@given(st.lists(ANSWERS, min_size=1, max_size=5))
def test_an_answer_comes_back_from_the_ledger_as_it_went_on(tmp_path_factory: Any, answers: list[Completion]) -> None:
    path = tmp_path_factory.mktemp("extras") / "ledger.sqlite"
    journal = Journal(path)
    journal.header()
    for key, answer in enumerate(answers):
        journal.call(str(key), Request((Message("user", "x"),)), kept(answer))
    journal.close()
    with Ledger(path) as ledger:
        found = [ledger.find_call(str(key)) for key in range(len(answers))]
        assert found == [kept(answer) for answer in answers]
        assert json.dumps([asdict(each) for each in found if each], ensure_ascii=False).encode()  # so it can be printed
        assert ledger.purchased().reasoning_tokens == sum(answer.usage.reasoning_tokens for answer in answers)
    told = {str(n) for n, a in enumerate(answers) if a.usage.reasoning_tokens or a.tool_calls or a.logprobs}
    assert set(extras(path)) == told


def test_calls_of_tools_and_their_answers_are_in_the_prompts_of_the_ledger(tmp_path: Path) -> None:
    call = ToolCall("add", '{"a": 1}', "c1")
    turns = (Message("user", "x"), Message("assistant", "Hm.", (call,)), Message("tool", "3", call_id="c1", tool="add"))
    journal = Journal(tmp_path / "ledger.sqlite")
    journal.header()
    journal.call("k", Request(turns), Completion("3", Usage(), "stop"))
    journal.close()
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as db:
        (prompt,) = db.execute("SELECT prompt FROM calls").fetchone()
    assert json.loads(prompt) == [["user", "x"], ["assistant", 'Hm.\n[call add] {"a": 1}'], ["tool", "3"]]


async def test_a_resumed_run_goes_on_with_equal_answers_and_pays_for_none_again(lab: Any) -> None:
    first = Thinker(lab.fickle()._replies)
    await lab.run("a", lab.tasks(3), model=first)
    path = lab.folder / "a" / "ledger.sqlite"
    before = extras(path)
    assert any(tools != "[]" for _, tools, _ in before.values())
    assert any(logprobs != "[]" for *_, logprobs in before.values())
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE episodes SET status = 'open'")
    again = Thinker(lab.fickle()._replies)
    assert (await lab.run("a", lab.tasks(3), model=again)).complete
    assert again.calls == 0
    assert extras(path) == before


async def test_an_answer_that_is_all_reasoning_was_cut_and_holds_no_program(lab: Any) -> None:
    await lab.run("a", lab.tasks(4), arms="none", model=Thinker(lab.fickle()._replies), rounds=4)
    with lab.ledger("a") as ledger:
        episodes, summary = ledger.episodes(), summarise_ledger(ledger)
    spent = [
        (judged, call)
        for episode in episodes
        for judged, call in zip(episode.attempts, episode.calls, strict=True)
        if call.reasoning_tokens == call.completion_tokens == 512
    ]
    assert spent
    for judged, call in spent:
        assert (judged.attempt.text, judged.attempt.code, judged.attempt.truncated) == ("", None, True)
        assert call.finish_reason == "length"
        assert judged.verdict
        assert judged.verdict.kind == "no_answer"
    assert summary.arms[0].truncated_replies >= len(spent)


async def test_reasoning_is_shown_wherever_tokens_are(lab: Any, capsys: pytest.CaptureFixture[str]) -> None:
    await lab.run("a", lab.tasks(3), arms="intrinsic", model=Thinker(lab.fickle()._replies))
    with lab.ledger("a") as ledger:
        (arm,) = summarise_ledger(ledger).arms
        called = [call for episode in ledger.episodes() for call in episode.calls]
        thought = sum(call.reasoning_tokens for call in called)
        assert 0 < arm.tokens.reasoning == thought < arm.tokens.completion
        assert sum(tokens.reasoning for tokens in arm.tokens_by_role.values()) == thought
        for name in ("calls", "episodes"):
            table: Table = name
            at = [column.name for column in TABLES[table]].index("reasoning_tokens")
            assert sum(int(str(row[at])) for row in rows(ledger, table, run="a")) == thought
        run_as_text(ledger, None, None)
        told = capsys.readouterr().out
        assert f"completion tokens ({ledger.purchased().reasoning_tokens} of reasoning), each call once" in told
        assert "Reasoning tokens, of completion tokens" in told
        assert " critic " in told
        detail = next(
            detail
            for episode in ledger.episodes()
            if (detail := ledger.episode(episode.task_id, episode.arm, 0))
            and any(call.record.reasoning_tokens and call.tool_calls for call in detail.calls)
            and any(call.logprobs for call in detail.calls)
        )
    episode_as_text([detail])
    text = capsys.readouterr().out
    assert " of reasoning), stop" in text
    assert 'asks to call run:\n   │ {"code": 1}' in text
    episode_as_json([detail])
    calls = json.loads(capsys.readouterr().out)[0]["calls"]
    assert {"token": "a", "logprob": -0.5, "top": [["b", -1.0]]} in [
        each for call in calls for each in call["logprobs"]
    ]


async def test_a_run_without_any_says_nothing_of_it(lab: Any, capsys: pytest.CaptureFixture[str]) -> None:
    await lab.run("a", lab.tasks(1), arms="none")
    assert not extras(lab.folder / "a" / "ledger.sqlite")
    with lab.ledger("a") as ledger:
        assert summarise_ledger(ledger).arms[0].tokens == Tokens(*_tokens(ledger), 0)
        run_as_text(ledger, None, None)
    assert "easoning" not in capsys.readouterr().out


def _tokens(ledger: Ledger) -> tuple[int, int, int]:
    calls = [call for episode in ledger.episodes() for call in episode.calls]
    prompt, completion = (sum(getattr(call, f"{kind}_tokens") for call in calls) for kind in ("prompt", "completion"))
    return prompt, completion, prompt + completion


async def test_a_ledger_that_is_older_than_the_table_is_read_and_gone_on_with(lab: Any) -> None:
    await lab.run("a", lab.tasks(2), arms="none")
    path = lab.folder / "a" / "ledger.sqlite"
    before = lab.trajectories("a")
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("DROP TABLE call_extras")
        db.execute("UPDATE episodes SET status = 'open' WHERE rowid = 1")
    with Ledger(path) as ledger:
        assert {call.reasoning_tokens for episode in ledger.episodes() for call in episode.calls} == {0}
        assert ledger.purchased().completion_tokens > 0
        assert sum(each.calls for each in ledger.bought()) > 0
        assert ledger.find_call(Request("x", Sampling()).key("nobody")) is None
    assert (await lab.run("a", lab.tasks(2), arms="none")).complete
    assert lab.trajectories("a") == before
    assert not extras(path)


@pytest.mark.parametrize("message", [{"reasoning_content": "Let me"}, {"reasoning": "Let me", "content": None}])
def test_a_server_that_sends_reasoning_and_no_text_is_read(message: dict[str, Any]) -> None:
    details = {"completion_tokens": 9, "completion_tokens_details": {"reasoning_tokens": 9}}
    answer = {"choices": [{"message": message, "finish_reason": "length"}], "usage": details}
    found = read_answer(answer, Request((Message("user", "x"),)), 1.0)
    assert (found.text, found.finish_reason, found.usage) == ("", "length", Usage(0, 9, 9))


class Lying(ScriptedModel):
    """Counts tokens that no database could hold, and fails in words that no file could."""

    async def complete(self, request: Request) -> Completion:
        if request.round:
            raise ModelError("busy \ud83d", retryable=True)
        return replace(await super().complete(request), usage=Usage(10**30, 10**30, 10**30))


async def test_what_no_database_could_hold_stops_nothing(lab: Any) -> None:
    await lab.run("a", lab.tasks(1), arms="none,placebo", model=Lying(lab.fickle()._replies, id="scripted:fickle"))
    with lab.ledger("a") as ledger:
        assert {episode.error for episode in ledger.episodes()} == {"busy ?"}
        assert ledger.purchased().prompt_tokens == 10**12


def test_a_fact_that_cannot_be_written_ends_the_run_and_hangs_nobody(tmp_path: Path) -> None:
    writer = LedgerWriter(tmp_path / "ledger.sqlite")
    lost = writer.submit(("INSERT INTO meta VALUES (?, ?)", ("a", 10**30)))
    with pytest.raises(StorageError, match="cannot write the ledger"):
        lost.result(timeout=5)
    with pytest.raises(StorageError):
        writer.close()
