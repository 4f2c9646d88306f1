"""A line of a recording holds a call as it was, whatever its texts are made of."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from banchu.core.chat import Completion, Message, Request, Sampling, TokenLogprob, Usage
from banchu.core.errors import ContextOverflow, ModelError
from banchu.models.recorded.codec import Entry, build, decode, encode, entry_of, plain

# Every code point, lone surrogates, two of them that are not one character, NUL, line separators.
PIECES = st.characters() | st.sampled_from(
    ["\ud83d", "\ud83d\ude00", "\udcff", "\x00", "\n", "\r", "\u2028", "\x85", '"']
)
TEXTS = st.lists(PIECES, max_size=20).map("".join)
COUNTS = st.integers(0, 10**12)


def whole(kind: type, **strategies: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Of a dataclass, with every field that it has: one that comes later is tried by its type."""
    return st.builds(kind, **(dict.fromkeys((f.name for f in fields(kind)), ...) | strategies))


REQUESTS = whole(
    Request,
    prompt=TEXTS | st.lists(whole(Message, content=TEXTS), max_size=3).map(tuple),
    sampling=whole(Sampling, temperature=st.floats(0, 2), top_p=st.floats(0, 1), stop=st.lists(TEXTS).map(tuple)),
    prefill=TEXTS,
)
KINDS = st.sampled_from([ModelError, ContextOverflow])
LOGPROBS = st.floats(max_value=0)
TOKENS = whole(TokenLogprob, token=TEXTS, logprob=LOGPROBS, top=st.lists(st.tuples(TEXTS, LOGPROBS)).map(tuple))
ANSWERS = whole(
    Completion,
    text=TEXTS,
    usage=whole(Usage, prompt_tokens=COUNTS, completion_tokens=COUNTS),
    wall_s=st.floats(0, 1e9),
    logprobs=st.lists(TOKENS, max_size=3).map(tuple),
)


@settings(max_examples=50, deadline=None)
@given(TEXTS, REQUESTS, ANSWERS)
def test_an_answer_comes_back_as_it_was(model: str, request: Request, answer: Completion) -> None:
    entry = entry_of(model, request, answer)
    line = encode(entry)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert decode(line) == entry
    assert entry.result() == answer
    assert entry.key == request.key(model)


@settings(max_examples=50, deadline=None)
@given(
    REQUESTS, TEXTS, st.booleans(), st.none() | st.integers(100, 599), st.sampled_from([ModelError, ContextOverflow])
)
def test_a_refusal_comes_back_as_it_was(
    request: Request, message: str, retryable: bool, status: int | None, kind: type[ModelError]
) -> None:
    entry = entry_of("m", request, kind(message, retryable=retryable, status=status))
    found = decode(encode(entry))
    assert found.final is not retryable
    with pytest.raises(ModelError) as raised:
        found.result()
    error = raised.value
    assert (type(error), str(error), error.retryable, error.status) == (kind, message, retryable, status)
    assert not error.fatal


@settings(max_examples=50, deadline=None)
@given(REQUESTS)
def test_the_request_is_all_there_for_people_to_read(request: Request) -> None:
    shown = decode(encode(entry_of("m", request, Completion("x", Usage(), "stop")))).request
    prompt = (
        shown["prompt"] if isinstance(request.prompt, str) else [(m["role"], m["content"]) for m in shown["prompt"]]
    )
    expected = request.prompt if isinstance(request.prompt, str) else [(m.role, m.content) for m in request.prompt]
    assert prompt == expected
    assert (shown["role"], shown["round"]) == (request.role, request.round)
    assert {**{"stop": []}, **shown["sampling"]} == {**plain(request.sampling), "stop": list(request.sampling.stop)}


@dataclass(frozen=True)
class Inner:
    name: str
    share: float = 0.0
    pair: tuple[str, float] | None = None


@dataclass(frozen=True)
class Outer:
    """What `Completion` may look like one day."""

    text: str
    inner: tuple[Inner, ...] = ()
    mode: Literal["a", "b"] = "a"
    more: Inner | str | None = None
    free: dict[str, Any] | None = None
    done: bool = False
    n: int = 3


@pytest.mark.parametrize(
    "value",
    [
        Outer("x"),
        Outer("", (Inner("i", 1.5, ("p", 2.0)), Inner("j")), "b", Inner("k"), {"any": [1, None]}, True, 0),
        Outer("x", more="text"),
    ],
)
def test_a_type_that_grows_needs_no_other_codec(value: Outer) -> None:
    assert build(Outer, json.loads(json.dumps(plain(value)))) == value


def test_what_is_not_set_is_not_written_and_read_as_not_set() -> None:
    assert plain(Outer("x")) == {"text": "x", "mode": "a", "n": 3}
    assert build(Outer, {"text": "x"}) == Outer("x")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"text": 1}, "1 is not str"),
        ({"text": "x"}, "usage"),
        ({"text": "x", "usage": {}, "finish_reason": "maybe"}, "maybe"),
        ({"text": "x", "usage": {"prompt_tokens": True}, "finish_reason": "stop"}, "True is not int"),
        ({"text": "x", "usage": {}, "finish_reason": "stop", "mood": 1}, "mood, which this banchu does not know"),
        ("x", "is not Completion"),
    ],
)
def test_an_answer_that_is_none_is_a_value_error(answer: object, said: str) -> None:
    line = json.dumps({"key": "0" * 64, "model": "m", "request": {}, "answer": answer}).encode()
    with pytest.raises(ValueError, match=said):
        decode(line)


def test_a_refusal_that_is_raised_twice_is_raised_afresh() -> None:
    entry = Entry("0" * 64, "m", {}, ModelError("no"))
    errors = []
    for _ in range(2):
        with pytest.raises(ModelError) as raised:
            entry.result()
        errors.append(raised.value)
    assert errors[0] is not errors[1]
