"""The same in inspect_ai: a task whose solver asks a model that sleeps, three times a sample.

python perf/orchestrating/inspect_row.py EPISODES ROUNDS IN_FLIGHT SLEEP_S

For the Python that has inspect_ai: perf/orchestration.py --inspect PYTHON.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Any

from inspect_ai import Task, eval
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ChatMessageUser, GenerateConfig, ModelAPI, ModelOutput, ModelUsage, modelapi
from inspect_ai.scorer import Score, Target, accuracy, scorer
from inspect_ai.solver import Generate, TaskState, solver

sys.path.insert(0, str(Path(__file__).parents[1]))
from orchestrating.clock import kib, measured

PROGRAM = "def inc(x):\n" + "".join(f"    step_{n} = x + {n}\n" for n in range(12)) + "    return x\n"
EPISODES, ROUNDS, IN_FLIGHT, SLEEP_S = (float(word) for word in sys.argv[1:5])


@modelapi(name="sleeper")
def sleeper() -> Any:
    """A fake model: sleeps, then gives the same program."""

    class Sleeper(ModelAPI):
        async def generate(self, input: Any, tools: Any, tool_choice: Any, config: Any) -> ModelOutput:
            await asyncio.sleep(SLEEP_S)
            output = ModelOutput.from_content("sleeper", f"```python\n{PROGRAM}```")
            output.usage = ModelUsage(input_tokens=300, output_tokens=120, total_tokens=420)
            return output

        def max_connections(self) -> int:
            return int(IN_FLIGHT)

    return Sleeper


@solver
def retry() -> Any:
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        for number in range(int(ROUNDS)):
            if number:
                state.messages.append(ChatMessageUser(content="Your answer may be wrong. Try again."))
            state = await generate(state)
        return state

    return solve


@scorer(metrics=[accuracy()])
def nay() -> Any:
    async def score(state: TaskState, target: Target) -> Score:
        return Score(value=0)

    return score


def main() -> None:
    samples = [Sample(id=n, input=f"Add one; task {n}.", target="") for n in range(int(EPISODES))]
    task = Task(dataset=MemoryDataset(samples), solver=retry(), scorer=nay(), config=GenerateConfig())
    with tempfile.TemporaryDirectory() as folder:
        with measured() as found:
            eval(
                task,
                model="sleeper/sleeper",
                log_dir=folder,
                display="none",
                max_samples=int(IN_FLIGHT),
                max_connections=int(IN_FLIGHT),
            )
        found["kib"] = kib(folder)
    found.print()


if __name__ == "__main__":
    main()
