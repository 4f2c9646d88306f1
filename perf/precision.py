"""What fewer bits cost a local model on a CPU: SmolLM2 in all numbers and quantisations that it can be loaded in.

Run: python perf/precision.py [--tasks 16] [--rows float32,bfloat16,float16,int8,int4]. Each row is a process of its own
with one thread. For the first HumanEval prompts, asked for raw text, it prints

- `to float32`: the mean Kullback-Leibler divergence of the next token's distribution from that in float32, in nats;
- `company`: the same between a prompt that is read alone and one that is read in a batch with the others, which is how
  far an answer depends on what else is asked just then; `first token`: how many greedy first tokens change by that;
- `ms`: a step of 32 rows and of one, CPU time, the least of 8; `MB`: what the process has for itself when it is loaded.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROWS: dict[str, Any] = {
    "float32": {"dtype": "float32"},
    "bfloat16": {"dtype": "bfloat16"},
    "float16": {"dtype": "float16"},
    "int8": {"dtype": "float32", "quantize": "int8"},
    "int4": {"dtype": "float32", "quantize": "int4"},
}


def measure(name: str, tasks: int, folder: Path) -> dict[str, Any]:
    """One row, in this process; the first, float32, leaves its distributions in `folder` for the others."""
    import torch

    from banchu.benchmarks import load_benchmark
    from banchu.models.local import smollm2
    from banchu.models.local.loading import load
    from banchu.models.local.placement import Settings

    prompts = [f"```python\n{pair.task.prompt}\n   " for pair in load_benchmark("humaneval").tasks[:tasks]]
    tokenizer, model = load(str(smollm2.checkpoint()), Settings(**ROWS[name]))
    own = next(
        line for line in Path("/proc/self/smaps_rollup").read_text().splitlines() if line.startswith("Anonymous")
    )
    tokenizer.padding_side, tokenizer.pad_token = "left", tokenizer.eos_token
    with torch.inference_mode():
        read = [tokenizer(prompt, return_tensors="pt") for prompt in prompts]
        alone = torch.cat([model(**one, logits_to_keep=1).logits[:, -1] for one in read]).float().log_softmax(-1)
        batch = tokenizer(prompts, return_tensors="pt", padding=True)
        positions = (batch["attention_mask"].cumsum(-1) - 1).clamp(min=0)
        crowd = model(**batch, position_ids=positions, logits_to_keep=1).logits[:, -1].float().log_softmax(-1)
        steps = {rows: min(_step(model, torch.full((rows, 1), 100)) for _ in range(8)) for rows in (32, 1)}
    whole = folder / "float32.pt"
    if name == "float32":
        torch.save(alone, whole)
    return {
        "to float32": _divergence(torch.load(whole), alone) if whole.exists() else None,
        "company": _divergence(alone, crowd),
        "first token": int((alone.argmax(-1) != crowd.argmax(-1)).sum()),
        "ms, 32 rows": round(1e3 * steps[32]),
        "ms, one": round(1e3 * steps[1]),
        "MB": round(int(own.split()[1]) * 1024 / 1e6),
    }


def _step(model: Any, ids: Any) -> float:
    begun = time.process_time()
    model(input_ids=ids, use_cache=False)
    return time.process_time() - begun


def _divergence(true: Any, other: Any) -> float:
    return float(f"{float((true.exp() * (true - other)).sum(-1).mean()):.2g}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=16)
    parser.add_argument("--rows", default=",".join(ROWS))
    parser.add_argument("--row", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.row:
        print(json.dumps(measure(options.row, options.tasks, options.folder)))
        return
    with tempfile.TemporaryDirectory() as folder:
        for name in options.rows.split(","):
            command = [sys.executable, __file__, "--row", name, "--tasks", str(options.tasks), "--folder", folder]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                sys.exit(f"{name}: {done.stderr.strip().splitlines()[-1]}")
            found = json.loads(done.stdout.splitlines()[-1])
            print(f"{name:9}", "  ".join(f"{key} {value}" for key, value in found.items()), flush=True)


if __name__ == "__main__":
    main()
