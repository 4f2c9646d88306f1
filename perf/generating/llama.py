"""One row: llama.cpp's server, with as many slots as a batch has rows. Needs xllamacpp, which is llama.cpp built, and
nothing of banchu: run by the Python that has it, with the requests as JSON on standard input.

PYTHON perf/generating/llama.py GGUF SLOTS < requests.json
"""

from __future__ import annotations

import json
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any


def serve(gguf: str, slots: int, context: int) -> Any:
    """The server, on a port of its own choice; one thread computes."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = gguf
    params.n_parallel = slots
    params.n_ctx = slots * context
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.port = 0
    return xllamacpp.Server(params)


def main() -> None:
    gguf, slots = sys.argv[1], int(sys.argv[2])
    requests = json.load(sys.stdin)
    longest = max(len(request["prompt"]) // 2 + request["n_predict"] for request in requests)
    server = serve(gguf, slots, longest)  # it ends when nobody holds it
    address = server.listening_address

    def ask(request: dict[str, Any]) -> tuple[str, int]:
        body = json.dumps({**request, "temperature": 0, "cache_prompt": True}).encode()
        sent = urllib.request.Request(f"{address}/completion", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(sent, timeout=3600) as response:
            found = json.load(response)
        return found["content"], found["tokens_predicted"]

    ask({**requests[0], "n_predict": 1})
    wall, cpu = time.monotonic(), time.process_time()
    with ThreadPoolExecutor(slots) as pool:
        found = list(pool.map(ask, requests))
    cpu, wall = time.process_time() - cpu, time.monotonic() - wall
    texts = [text for text, _ in found]
    print(json.dumps({"cpu_s": cpu, "wall_s": wall, "tokens": sum(n for _, n in found), "texts": texts}))


if __name__ == "__main__":
    main()
