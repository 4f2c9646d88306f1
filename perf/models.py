"""Tokens per CPU second: banchu's local engine against plain generate() with static batches of the same size.

Run: python perf/models.py [--tasks 40] [--max-tokens 192] [--batch 32] [--llama PYTHON] [--json]. SmolLM2-135M, greedy,
first attempts at HumanEval with the actor's stop texts, one process and one thread each. Only tokens of answers count:
what a static batch computes for rows that have ended is its own affair. Answers are compared text by text. With the
path of a Python that has xllamacpp, llama.cpp's server is measured too. README.md says more.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROWS = {
    "engine": "banchu's engine",
    "static": "generate(), in order",
    "sorted": "generate(), sorted by length",
    "llama": "llama.cpp's server, Q4_1",
}


def measure(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """One row in a process of its own."""
    if name == "llama":
        return _llama(options)
    arguments = [str(options.tasks), str(options.max_tokens), str(options.batch)]
    environment = {
        **os.environ,
        "PYTHONPATH": f"{HERE}:{os.environ.get('PYTHONPATH', '')}",
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
    }
    command = [sys.executable, "-m", "generating.row", name, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        sys.exit(f"row {name!r} ended with {done.returncode}: {done.stderr[-800:]}")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def _llama(options: argparse.Namespace) -> dict[str, Any]:
    """The same requests, to the GGUF file as it was published."""
    from banchu.models.local import smollm2
    from generating.requests import first_attempts

    asked = [
        {"prompt": one.prompt, "n_predict": one.sampling.max_tokens, "stop": one.sampling.stop}
        for one in first_attempts(options.tasks or None, options.max_tokens)
    ]
    command = [options.llama, str(HERE / "generating" / "llama.py"), str(smollm2.find_weights()), str(options.batch)]
    done = subprocess.run(command, input=json.dumps(asked), capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"llama.cpp's server ended with {done.returncode}: {done.stderr[-800:]}")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def main() -> None:
    options = _options()
    found = {name: measure(name, options) for name in ROWS if name != "llama" or options.llama}
    ours = found["engine"]
    table = {
        name: {
            "tokens": row["tokens"],
            "cpu_s": row["cpu_s"],
            "wall_s": row["wall_s"],
            "tokens_per_cpu_s": row["tokens"] / row["cpu_s"],
            "equal_answers": sum(a == b for a, b in zip(ours["texts"], row["texts"], strict=True)),
            "answers": len(row["texts"]),
        }
        for name, row in found.items()
    }
    if options.json:
        print(json.dumps(table, indent=1))
        return
    print(f"{'':<32}{'tokens':>8}{'CPU s':>8}{'tokens/CPU s':>14}{'ours is':>9}{'equal answers':>16}")
    for name, row in table.items():
        ratio = table["engine"]["tokens_per_cpu_s"] / row["tokens_per_cpu_s"]
        print(
            f"{ROWS[name]:<32}{row['tokens']:>8}{row['cpu_s']:>8.1f}{row['tokens_per_cpu_s']:>14.1f}{ratio:>8.2f}x"
            f"{row['equal_answers']:>9} of {row['answers']}"
        )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=0, help="only the first ones; 0: all 164")
    parser.add_argument("--max-tokens", type=int, default=192)
    parser.add_argument("--batch", type=int, default=32, help="rows of a static batch, and of the engine's")
    parser.add_argument("--llama", metavar="PYTHON", help="a Python that has xllamacpp")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
