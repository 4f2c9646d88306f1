"""One row: `engine` is banchu's, `static` is generate() over batches in order, `sorted` over batches of like length.

python -m generating.row NAME TASKS MAX_TOKENS BATCH
"""

from __future__ import annotations

import json
import queue
import sys
import time
from collections.abc import Callable
from typing import Any

from banchu.core.chat import Request
from banchu.models.local import smollm2
from generating.requests import first_attempts

Answers = dict[int, tuple[str, int]]
"""By request: the text up to where it stopped, and its tokens."""


def engine(requests: list[Request], size: int) -> Callable[[], Answers]:
    """The worker's own loop, without the process around it."""
    from banchu.models.local import worker

    worker.MAX_ROWS = size
    built = worker.Engine(str(smollm2.checkpoint()))

    def run() -> Answers:
        waiting: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        for ticket, request in enumerate(requests):
            sampling = request.sampling
            told = {"temperature": 0.0, "top_p": 1.0, "seed": 0, "max_tokens": sampling.max_tokens}
            waiting.put({"ticket": ticket, "prompt": request.prompt, "sampling": {**told, "stop": sampling.stop}})
        found: Answers = {}
        while len(found) < len(requests):
            for answer in built.turn(waiting):
                found[answer["ticket"]] = (answer["text"], answer["completion_tokens"])
        return found

    return run


def static(requests: list[Request], size: int, *, by_length: bool) -> Callable[[], Answers]:
    """Batches of `size` through generate(), each until its last row has stopped."""
    import torch
    import transformers

    torch.set_num_threads(1)
    path = str(smollm2.checkpoint())
    tokenizer: Any = transformers.AutoTokenizer.from_pretrained(path, padding_side="left")
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    model: Any = transformers.AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32).eval()
    order = list(range(len(requests)))
    if by_length:
        order.sort(key=lambda at: len(str(requests[at].prompt)))

    def run() -> Answers:
        found: Answers = {}
        for start in range(0, len(order), size):
            places = order[start : start + size]
            inputs = tokenizer([str(requests[at].prompt) for at in places], return_tensors="pt", padding=True)
            sampling = requests[places[0]].sampling
            with torch.inference_mode():
                out = model.generate(
                    **inputs,
                    max_new_tokens=sampling.max_tokens,
                    do_sample=False,
                    stop_strings=list(sampling.stop),
                    tokenizer=tokenizer,
                    pad_token_id=tokenizer.pad_token_id,
                )
            for at, row in zip(places, out[:, inputs["input_ids"].shape[1] :].tolist(), strict=True):
                found[at] = _kept(tokenizer, row, sampling.stop)
        return found

    return run


def _kept(tokenizer: Any, row: list[int], stops: tuple[str, ...]) -> tuple[str, int]:
    """A row up to its end: what generate() adds to it while others go on is nobody's answer."""
    ends = [row.index(token) for token in {tokenizer.eos_token_id, tokenizer.pad_token_id} if token in row]
    kept = row[: min(ends)] if ends else row
    text = tokenizer.decode(kept, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    cuts = [at for stop in stops if (at := text.find(stop)) >= 0]
    return (text[: min(cuts)] if cuts else text), len(kept)


def main() -> None:
    name, tasks, max_tokens, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    requests = first_attempts(tasks or None, max_tokens)
    run = engine(requests, size) if name == "engine" else static(requests, size, by_length=name == "sorted")
    wall, cpu = time.monotonic(), time.process_time()
    found = run()
    cpu, wall = time.process_time() - cpu, time.monotonic() - wall
    texts = [found[at][0] for at in range(len(requests))]
    print(json.dumps({"cpu_s": cpu, "wall_s": wall, "tokens": sum(n for _, n in found.values()), "texts": texts}))


if __name__ == "__main__":
    main()
