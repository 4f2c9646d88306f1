"""Teach SmolLM2-135M to call tools, on a CPU: made-up tools, tasks of `easy+split=train`, calls as Hermes writes them.

    python docs/tools-smollm2/teach.py FOLDER [--steps 60]

FOLDER then holds a checkpoint whose chat template has a place for tools. None of the tools that README.md tries is
among those that it is taught with, nor is any task of HumanEval.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import torch
from made_up import Made, made_up
from transformers import AutoModelForCausalLM, AutoTokenizer

from banchu.agents.turns import first_turns
from banchu.benchmarks.benchmark import BenchmarkTask
from banchu.benchmarks.easy import load_easy
from banchu.core.sealed import unseal
from banchu.models.local import smollm2

TEMPLATE: Final = (Path(__file__).parent / "template.jinja").read_text(encoding="utf-8")
_IGNORED: Final = -100
"""The label of a token that costs nothing, as torch's cross entropy has it."""


def tokens_and_said(
    tokenizer: Any, task: BenchmarkTask, offers: Sequence[dict[str, Any]], call: Made, random: random.Random
) -> tuple[list[int], list[bool]]:
    """A conversation as tokens, and which of them are the model's: a call, and an answer after its result."""
    turns = [
        *({"role": each.role, "content": each.text} for each in first_turns(task.task)),
        {"role": "assistant", "content": "", "tool_calls": [{"type": "function", "function": call.arguments(random)}]},
        {"role": "tool", "content": random.choice(call.results), "name": call.name},
        # The split is for training: its references may be read.
        {"role": "assistant", "content": f"```python\n{unseal(task.sealed).reference.rstrip()}\n```"},
    ]
    tokens: list[int] = []
    said: list[bool] = []
    done = ""
    for number in (2, 4):
        asked = tokenizer.apply_chat_template(turns[:number], tools=offers, tokenize=False, add_generation_prompt=True)
        told = tokenizer.apply_chat_template(turns[: number + 1], tools=offers, tokenize=False).rstrip("\n")
        for text, own in ((asked[len(done) :], False), (told[len(asked) :], True)):
            ids = tokenizer(text, add_special_tokens=False)["input_ids"]
            tokens += ids
            said += [own] * len(ids)
        done = told
    return tokens, said


def teach(folder: Path, steps: int, batch: int, rate: float, seed: int) -> None:
    """Tune all weights but the embeddings, and write the checkpoint."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    chance, tasks = random.Random(seed), load_easy("easy+split=train").tasks
    tokenizer = AutoTokenizer.from_pretrained(smollm2.checkpoint())
    tokenizer.chat_template = TEMPLATE
    model = AutoModelForCausalLM.from_pretrained(smollm2.checkpoint(), dtype=torch.float32)
    tuned = [weight for name, weight in model.named_parameters() if "embed" not in name]
    optimizer = torch.optim.AdamW(tuned, lr=rate, weight_decay=0.0)
    begun = time.process_time()
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = rate * min(1.0, (step + 1) / 5) * (1 - step / steps)
        total = 0.0
        for _ in range(batch):
            task = chance.choice(tasks)
            tokens, said = tokens_and_said(tokenizer, task, *made_up(chance), chance)
            inputs = torch.tensor([tokens])
            labels = torch.where(torch.tensor([said]), inputs, _IGNORED)
            loss = model(input_ids=inputs, labels=labels).loss / batch
            loss.backward()
            total += loss.item()
        torch.nn.utils.clip_grad_norm_(tuned, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        print(f"step {step + 1}/{steps}: loss {total:.3f}, {time.process_time() - begun:.0f} s CPU", flush=True)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def main() -> None:
    options = argparse.ArgumentParser(description="Teach SmolLM2-135M to call tools.")
    options.add_argument("folder", type=Path, help="where the checkpoint is written")
    options.add_argument("--steps", type=int, default=60)
    options.add_argument("--batch", type=int, default=2, help="conversations a step")
    options.add_argument("--rate", type=float, default=2e-4)
    options.add_argument("--seed", type=int, default=0)
    asked = options.parse_args()
    teach(asked.folder, asked.steps, asked.batch, asked.rate, asked.seed)


if __name__ == "__main__":
    main()
