"""A process that records, for tests that kill it or start two: says each answer that it was given, by seed and text.

recorder.py FILE WHO FIRST LAST: asks for the seeds FIRST to LAST - 1 in turn, over and over until it has them all.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from banchu.core.chat import Request, Sampling
from banchu.models.recorded import Recording
from banchu.models.scripted import ScriptedModel


def asked(seed: int) -> Request:
    return Request(f"prompt {seed}", Sampling(seed=seed))


async def main(path: Path, who: str, first: int, last: int) -> None:
    # Long enough that a line is several pages, and a killed writer may well leave half of one.
    model = ScriptedModel(lambda request: f"{who} on {request.sampling.seed} " + "x" * 20_000, id="m")
    with Recording(path, "record", opener=lambda spec, options: model) as recording:
        opened = recording.open("m")

        async def ask(seed: int) -> None:
            answer = await opened.complete(asked(seed))
            print(seed, answer.text.partition(" ")[0], flush=True)

        for start in range(first, last, 8):
            await asyncio.gather(*(ask(seed) for seed in range(start, min(start + 8, last))))
    print("bought", model.calls, flush=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
