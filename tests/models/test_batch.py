"""The running batch, in this process, on small models with random weights: what a row says is what it says alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch

from banchu.models.local import masks, selfcheck
from banchu.models.local.batch import Batch, Row
from banchu.models.local.sampling import Sampler

SIZES = {
    "vocab_size": 97,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 256,
    "initializer_range": 0.5,
    "bos_token_id": None,
    "eos_token_id": None,
    "pad_token_id": None,
}
WINDOW = {"sliding_window": 6}


def build(kind: str) -> Any:
    import transformers as t

    torch.manual_seed(20261121)
    configs = {
        "llama": lambda: t.LlamaConfig(**SIZES),
        "mistral": lambda: t.MistralConfig(**SIZES, **WINDOW),
        "qwen2": lambda: t.Qwen2Config(**SIZES, **WINDOW, use_sliding_window=True, max_window_layers=2),
        "gemma3": lambda: t.Gemma3TextConfig(
            **SIZES, **WINDOW, layer_types=["sliding_attention", "full_attention"] * 2
        ),
        "gpt2": lambda: t.GPT2Config(
            vocab_size=97, n_embd=32, n_layer=2, n_head=4, initializer_range=0.5, eos_token_id=None
        ),
    }
    return t.AutoModelForCausalLM.from_config(configs[kind](), dtype=torch.float32).eval()


def row(ticket: int, prompt: Sequence[int], max_tokens: int) -> Row:
    return Row(ticket, list(prompt), Sampler(0.0, 1.0, 0), max_tokens, ())


def prompt(seed: int, length: int) -> list[int]:
    return [(seed * 31 + i * i * 7 + i * 3) % 97 for i in range(length)]


def alone(model: Any, tokens: Sequence[int], max_tokens: int) -> list[int]:
    ids = torch.tensor([list(tokens)])
    out = model.generate(ids, do_sample=False, max_new_tokens=max_tokens, pad_token_id=0, attention_mask=ids * 0 + 1)
    found: list[int] = out[0, len(tokens) :].tolist()
    return found


def run(batch: Batch, groups: Sequence[Sequence[Row]], steps: int = 3) -> dict[int, list[int]]:
    """Admit a group, walk a few steps, admit the next, and go on until all have ended."""
    ended: list[Row] = []
    for group in groups:
        ended += batch.admit(group)
        for _ in range(steps):
            ended += batch.step() if batch else []
    while batch:
        ended += batch.step()
    return {one.ticket: one.tokens for one in ended}


def new_batch(model: Any, **options: Any) -> Batch:
    return Batch(model, lambda tokens: "", frozenset(), **options)


@pytest.mark.parametrize(
    "kind", ["llama", "mistral", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("qwen2", "gemma3", "gpt2"))]
)
def test_rows_that_come_and_go_say_what_generate_says_of_each_alone(kind: str) -> None:
    model = build(kind)
    wanted = [
        (prompt(i, length), n) for i, (length, n) in enumerate([(20, 9), (3, 30), (11, 1), (40, 12), (9, 20), (2, 5)])
    ]
    rows = [row(i, *one) for i, one in enumerate(wanted)]
    assert selfcheck.check(model, new_batch(model)) == ""
    found = run(new_batch(model), [rows[:3], rows[3:4], rows[4:]])
    assert found == {i: alone(model, *one) for i, one in enumerate(wanted)}


def test_a_prompt_that_was_read_is_not_read_again_and_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    model, base = build("llama"), prompt(1, 60)
    batch, read = new_batch(model), []
    forward = batch.read

    def counting(span: Any, tokens: Any) -> Any:
        read.append(sum(span.counts))
        return forward(span, tokens)

    monkeypatch.setattr(batch, "read", counting)
    longer, shorter, other = [*base, 5, 6, 7], base[:50], [96, *base]
    prompts = [base, base, longer, shorter, other]
    for i, tokens in enumerate(prompts):
        read.clear()
        found = run(batch, [[row(i, tokens, 8)]])
        assert read[0] == {0: 60, 1: 1, 2: 3, 3: 1, 4: 61}[i]
        assert found[i] == alone(model, tokens, 8)


def test_a_prefix_joins_a_batch_that_runs_and_other_prompts_beside_it() -> None:
    model, base = build("llama"), prompt(1, 60)
    batch = new_batch(model)
    run(batch, [[row(0, base, 2)]])
    wanted = [prompt(2, 30), [*base, 9], prompt(3, 33), [*base[:45], 8, 8]]
    found = run(batch, [[row(0, wanted[0], 20)], [row(i, wanted[i], 20) for i in (1, 2, 3)]])
    assert found == {i: alone(model, tokens, 20) for i, tokens in enumerate(wanted)}


def test_rows_have_room_up_to_the_bytes_given_and_one_always_has() -> None:
    model = build("llama")
    # 4 layers of 2 heads of 8 numbers of 4 bytes, keys and values: 512 bytes a token, 64 columns at a time.
    batch = new_batch(model, cache_bytes=3 * 64 * 512)
    rows = [row(i, prompt(i, 40), 20) for i in range(4)]
    assert batch.has_room(rows[:1])
    batch.admit(rows[:1])
    assert batch.has_room(rows[1:3])
    assert not batch.has_room(rows[1:4])
    assert not batch.has_room([row(9, prompt(9, 40), 100)])
    assert new_batch(model, cache_bytes=1).has_room(rows[:1])


@pytest.mark.parametrize("kind", ["llama", "gemma3"])
def test_a_model_that_reads_its_mask_otherwise_is_seen(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, real = build(kind), masks.masks_for

    def open_to_all(*arguments: Any) -> Any:
        found = real(*arguments)
        return {k: torch.ones_like(v) for k, v in found.items()} if isinstance(found, dict) else torch.ones_like(found)

    monkeypatch.setattr("banchu.models.local.batch.masks_for", open_to_all)
    assert "says something else than alone" in selfcheck.check(model, new_batch(model))


def test_a_model_without_attention_everywhere_is_refused() -> None:
    import transformers as t

    config = t.MambaConfig(vocab_size=97, hidden_size=32, num_hidden_layers=2, state_size=4)
    model = t.AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
    assert "cannot be run in a batch" in selfcheck.check(model, new_batch(model))
