"""The tests' own server: what it must refuse, so that a test that passes against it means something."""

from __future__ import annotations

import asyncio
import http.client
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from banchu.core.chat import Message, Request, Sampling
from banchu.core.errors import ContextOverflow, ModelError
from banchu.models.openai_api import OpenAIModel


@pytest.fixture
def script(tmp_path: Path) -> str:
    path = tmp_path / "script.jsonl"
    path.write_text('{"match": "ping", "reply": "pong", "delay_s": 0.3}\n')
    return f"scripted:{path}"


async def test_keys_and_names_are_checked(
    serve: Callable[..., str], script: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = serve("--model", script, "--name", "m", "--api-key", "right")
    for key, name, status in (("wrong", "m", 401), ("right", "other", 404)):
        monkeypatch.setenv("OPENAI_API_KEY", key)
        model = OpenAIModel(name, base_url=url, max_retries=0)
        with pytest.raises(ModelError) as error:
            await model.complete(Request("ping"))
        assert (error.value.status, error.value.fatal) == (status, True)
        await model.aclose()
    model = OpenAIModel("m", base_url=url, max_retries=0)
    assert (await model.complete(Request("ping"))).text == "pong"
    await model.aclose()


@pytest.mark.slow
async def test_calls_run_side_by_side_and_are_logged_when_answered(
    serve: Callable[..., str], script: str, tmp_path: Path
) -> None:
    log = tmp_path / "log.jsonl"
    model = OpenAIModel("m", base_url=serve("--model", script, "--log", str(log)), max_retries=0)
    # One after the other these would take 60 s, which is more than a test may here.
    calls = (model.complete(Request((Message("user", "ping"),), Sampling(seed=i))) for i in range(200))
    answers = await asyncio.wait_for(asyncio.gather(*calls), 30)
    with pytest.raises(ModelError, match="no row"):
        await model.complete(Request("nothing fits"))
    await model.aclose()
    assert {answer.text for answer in answers} == {"pong"}
    assert sorted(json.loads(line)["seed"] for line in log.read_text().splitlines()) == list(range(200))


@pytest.mark.slow
async def test_a_prompt_that_is_too_long_is_told_in_the_words_of_the_protocol(
    serve: Callable[..., str], tiny: Path
) -> None:
    model = OpenAIModel("m", base_url=serve("--model", f"hf:{tiny}"), max_retries=0)
    with pytest.raises(ContextOverflow, match=r"maximum context length.*\b300 tokens") as error:
        await model.complete(Request("7" * 300))
    await model.aclose()
    assert error.value.status == 400


def test_one_connection_serves_many_requests_and_bad_ones(serve: Callable[..., str], script: str) -> None:
    address = urlsplit(serve("--model", script)).netloc
    connection = http.client.HTTPConnection(address, timeout=20)
    found = []
    for method, path, body in (
        ("GET", "/v1/models", ""),
        ("GET", "/v1/completions", ""),
        ("POST", "/v1/completions", "{"),
        ("POST", "/v1/completions", "[]"),
        ("POST", "/v1/completions", '{"prompt": ["ping", "ping"]}'),
        ("POST", "/v1/chat/completions", '{"messages": []}'),
        ("POST", "/v1/completions", '{"prompt": "ping", "n": 2}'),
        ("POST", "/v1/completions", '{"prompt": "ping", "stop": "on"}'),
    ):
        connection.request(method, path, body)
        response = connection.getresponse()
        found.append((response.status, json.loads(response.read())))
    connection.close()
    assert [status for status, _ in found] == [404, 405, 400, 400, 400, 400, 400, 200]
    assert all(answer["error"]["message"] for _, answer in found[:-1])
    answer = found[-1][1]
    assert (answer["object"], answer["choices"][0]["text"]) == ("text_completion", "p")
    assert answer["usage"] == {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}


def test_it_ends_on_its_own_after_its_time(script: str) -> None:
    command = [sys.executable, str(Path(__file__).parent / "serve.py"), "--model", script, "--max-seconds", "0.1"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.wait(60) == 0


def test_a_model_that_cannot_be_opened_is_told_in_one_line() -> None:
    command = [sys.executable, str(Path(__file__).parent / "serve.py"), "--model", "smolm2"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("serve.py: unknown model 'smolm2'. Did you mean 'smollm2'?")
    assert done.stderr.count("\n") == 1
