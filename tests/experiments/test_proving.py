"""Running attempts for feedback: real cells, real ledgers, scripted models (fakes)."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from banchu.core.chat import Request
from banchu.core.episode import Check
from banchu.core.errors import SandboxError
from banchu.core.sealed import TestSuite, unseal
from banchu.core.task import Task
from banchu.experiments.journal import Journal
from banchu.experiments.ledger import Ledger
from banchu.experiments.proving import Proofs
from banchu.models.scripted import ScriptedModel
from banchu.sandbox import Judge, Proof

TASK = Task("T/0", "toy", 'import math\n\ndef f(x):\n    """d"""\n', "f", ("assert f(2) == 4",))
SQUARE = "def f(x):\n    y = x * x\n    return y\n"


class Bench:
    """Proofs of one toy task, with a judge that counts."""

    def __init__(self, folder: Path, judge: Judge) -> None:
        self.path, self.judge, self.runs = folder / "ledger.sqlite", judge, 0
        self.open()

    def open(self) -> None:
        self.journal = Journal(self.path)
        self.journal.header()
        self.journal.tasks([(TASK, "digest")])
        self.journal.flush()
        self.ledger = Ledger(self.path)
        self.proofs = Proofs(self, "namespaces", self.ledger, self.journal)
        self.prover = self.proofs.of(TASK)

    async def prove(self, tests: TestSuite, code: str) -> Proof:
        self.runs += 1
        return await self.judge.prove(tests, code)

    def without_cells(self) -> None:
        """From here on nothing can be run but tests."""

        async def run(*_: Any) -> Any:
            raise AssertionError("another run")

        for name in ("trace", "outputs", "steps"):
            setattr(self.proofs._executor, name, run)

    async def close(self) -> None:
        await self.proofs.aclose()
        self.ledger.close()
        self.journal.close()


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with Judge() as judge:
        bench = Bench(tmp_path, judge)
        yield bench
        await bench.close()


async def test_each_test_says_what_came_of_it(bench: Bench) -> None:
    tests = [
        "assert f(2) == 4",
        "assert f(3) == 10",
        "assert f('a') == 1",
        "assert f(y) == 1",
        "assert f(4) == math.pi",
    ]
    assert await bench.prover.check(tests, SQUARE) == [
        Check(tests[0], True),
        Check(tests[1], False, "9"),
        Check(tests[2], False, "TypeError: can't multiply sequence by non-int of type 'str'"),
        Check(tests[3], False, "NameError: name 'y' is not defined"),
        Check(tests[4], False, "16"),
    ]


@pytest.mark.slow
async def test_a_program_that_ends_one_test_ends_no_other(bench: Bench) -> None:
    code = "import os\ndef f(x):\n    while x == 1: pass\n    return os._exit(0) if x == 2 else [f] if x == 3 else x\n"
    found = await bench.prover.check(
        ["assert f(1) == 1", "assert f(2) == 2", "assert f(3) == 3", "assert f(4) == 4"], code
    )
    assert [check.passed for check in found] == [False, False, False, True]
    assert found[0].output == "TIMEOUT"
    assert "exit code 0" in found[1].output
    assert "0x..." in found[2].output or "object" in found[2].output


async def test_a_test_is_held_like_a_program_and_cannot_reach_out(bench: Bench) -> None:
    tests = ["assert f(len(open('/etc/passwd').read())) == 0", "assert f(__import__('os').getppid() and 1) is None"]
    found = await bench.prover.check(tests, SQUARE)
    assert [check.passed for check in found] == [False, False]


async def test_the_same_test_on_the_same_program_is_run_once_and_kept(bench: Bench) -> None:
    first = await bench.prover.check(["assert f(2) == 5", "assert f(2) == 5"], SQUARE)
    trace = await bench.prover.trace(["f(2)"], SQUARE)
    outputs = await bench.prover.outputs(["f(2)", "f(2, 3)"], SQUARE)
    assert await bench.prover.outputs(["f(2)"], SQUARE) == ["4"]
    steps = await bench.prover.steps("f(2)", SQUARE)
    assert bench.runs == 1
    await bench.close()
    bench.open()
    bench.without_cells()
    assert await bench.prover.check(["assert f(2) == 5"], SQUARE) == first[:1]
    assert await bench.prover.trace(["f(2)"], SQUARE) == trace
    assert await bench.prover.outputs(["f(2)", "f(2, 3)"], SQUARE) == outputs == ["4", "raises TypeError"]
    assert await bench.prover.steps("f(2)", SQUARE) == steps
    assert "[BLOCK-0]" in steps
    assert await bench.prover.outputs([], SQUARE) == []
    assert bench.runs == 1
    with pytest.raises(AssertionError, match="another run"):
        await bench.prover.outputs(["f(2, 3)", "f(2)"], SQUARE)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (SQUARE, [">>> f(2)", "returned: 4", "locals: x = 2, y = 4", "returned: 9"]),
        (
            "def f(x):\n    z = x - 2\n    print('z', z)\n    return 1 / z\n",
            [
                "printed: z 0",
                "line 4, in f: return 1 / z",
                "ZeroDivisionError",
                "locals: x = 2, z = 0",
                "returned: 1.0",
            ],
        ),
        ("def f(x:\n", ["Loading the code fails.", "line 1: def f(x:", "SyntaxError"]),
        ("print('hello')\n1 / 0\n", ["printed while loading: hello", "line 2, in <module>"]),
        ("import os\ndef f(x): os._exit(3)\n", [">>> f(2)", "ended itself"]),
        pytest.param("def f(x):\n    while True: pass\n", ["took too long"], marks=pytest.mark.slow),
        ("def f(x):\n    raise SystemExit\n", ["SystemExit", ">>> f(3)"]),
        (
            "def f(x):\n    return f(x + 1)\n",
            ["many more calls ...", "\nRecursionError: maximum recursion depth exceeded\n"],
        ),
        ("def f(x):\n    return {'a' * x, object}, object()\n", ["0x..."]),
        ("class E(Exception):\n    def __str__(self): 1 / 0\ndef f(x): raise E\n", ["\nE\n"]),
        ("def g(x): return 1\n", ["NameError: name 'f' is not defined"]),
    ],
)
async def test_a_trace_tells_what_happened(bench: Bench, code: str, told: list[str]) -> None:
    trace = await bench.prover.trace(["f(2)", "f(3)"], code)
    assert [part for part in told if part not in f"{trace}\n"] == []


async def test_a_trace_is_bounded_and_holds_nothing_of_the_machine(bench: Bench) -> None:
    code = "import os\ndef f(x):\n    print('x' * 9000)\n    return ['y' * 9000] * 100, os.environ.get('HOME')\n"
    trace = await bench.prover.trace([f"f({n})" for n in range(60)], code)
    assert len(trace) < 4200
    assert str(Path.home()) not in trace
    assert await bench.prover.trace([], SQUARE) == "The code loads without an error."


ARMS = "self_tests,visible_tests,execution,none+gate=self_tests"


async def test_the_ledger_holds_what_sources_accepted_and_what_tests_were_worth(lab: Any) -> None:
    await lab.run("a", lab.tasks(5), arms=f"none,{ARMS}", rounds=2)
    with lab.ledger("a") as ledger:
        episodes = ledger.episodes()
        for episode in episodes:
            again = ledger.episode(episode.task_id, episode.arm, episode.repeat).record
            assert (again.accepts, again.self_tests) == (episode.accepts, episode.self_tests)
            assert bool(episode.self_tests) <= ("self_tests" in episode.arm)
            assert len(episode.accepts) <= len(episode.attempts)
            if episode.stopped_by == "accepted":
                assert episode.accepts[-1] is True
            if episode.arm in ("none", "execution"):
                assert set(episode.accepts) <= {None}
    holds = [test.holds for episode in episodes for test in episode.self_tests]
    assert set(holds) == {True, False}
    assert {True, False} <= {said for episode in episodes for said in episode.accepts}
    shown = {test.source: test.holds for episode in episodes for test in episode.self_tests}
    for pair in lab.tasks(5).tasks:
        assert all(shown.get(example, True) for example in pair.task.examples)


@pytest.mark.slow
async def test_arms_write_the_same_tests_and_buy_them_once(lab: Any) -> None:
    model = lab.fickle()
    await lab.run("a", lab.tasks(2), arms="self_tests,none+gate=self_tests", rounds=1, model=model)
    with lab.ledger("a") as ledger:
        written: dict[str, set[Any]] = {}
        for episode in ledger.episodes():
            written.setdefault(episode.task_id, set()).add(tuple(test.source for test in episode.self_tests))
        testers = [c for e in ledger.episodes() for c in e.calls if c.role == "tester"]
    assert all(len(tests) == 1 for tests in written.values())
    assert len(testers) == 4  # each arm is charged


async def test_the_model_behind_a_run_can_be_one_and_its_critic_another(lab: Any) -> None:
    def other(name: str) -> ScriptedModel:
        return ScriptedModel(lambda request: f"{name} says no.\nVERDICT: incorrect", id=f"scripted:{name}")

    critic, reflector, model = other("critic"), other("reflector"), lab.fickle()
    asked: list[Request] = []
    honest = model.complete

    async def complete(request: Request) -> Any:
        asked.append(request)
        return await honest(request)

    model.complete = complete
    runner = lab.runner("a", lab.tasks(2), arms="intrinsic", model=model, critic=critic, reflector=reflector)
    assert (await runner.run()).complete
    assert {request.role for request in asked} == {"actor"}
    assert critic.calls > 0
    assert reflector.calls > 0
    with lab.ledger("a") as ledger:
        (first, *_) = ledger.episodes()
        episode = ledger.episode(first.task_id, first.arm, 0)
    assert episode.feedback[0].text.startswith("critic says no.")
    assert episode.reflections[0].startswith("reflector says no.")


class BrokenProver:
    """A fake judge that judges, and can prove nothing."""

    def __init__(self, judge: Judge) -> None:
        self.judge = judge.judge

    async def prove(self, tests: TestSuite, code: str) -> Proof:
        raise SandboxError("the cell died")


@pytest.mark.slow
async def test_an_episode_whose_prover_fails_stays_open_and_ends_later_as_if_nothing_had_happened(lab: Any) -> None:
    arms = "self_tests,none+gate=self_tests"
    outcome = await lab.run("a", lab.tasks(3), arms=arms, rounds=1, judge=BrokenProver(lab.judge))
    assert outcome.open > 0
    assert (await lab.run("a", lab.tasks(3), arms=arms, rounds=1)).complete
    await lab.run("b", lab.tasks(3), arms=arms, rounds=1)
    assert lab.trajectories("a") == lab.trajectories("b")
    with lab.ledger("a") as ledger:
        assert {test.holds for episode in ledger.episodes() for test in episode.self_tests} <= {True, False}


class NoReferences:
    """A fake judge that cannot run a reference solution."""

    def __init__(self, judge: Judge, references: set[str]) -> None:
        self.judge, self.honest, self.references = judge.judge, judge.prove, references

    async def prove(self, tests: TestSuite, code: str) -> Proof:
        if code in self.references:
            raise SandboxError("the cell died")
        return await self.honest(tests, code)


@pytest.mark.slow
async def test_a_self_test_that_could_not_be_measured_is_measured_at_the_next_start(lab: Any) -> None:
    tasks, model = lab.tasks(3), lab.fickle()
    references = {unseal(pair.sealed).reference for pair in tasks.tasks}
    arms = "self_tests+stop=rounds"
    assert (await lab.run("a", tasks, arms=arms, rounds=1, judge=NoReferences(lab.judge, references))).complete
    with lab.ledger("a") as ledger:
        assert {test.holds for episode in ledger.episodes() for test in episode.self_tests} == {None}
    assert (await lab.run("a", tasks, arms=arms, rounds=1, model=model)).complete
    assert model.calls == 0
    with lab.ledger("a") as ledger:
        assert {test.holds for episode in ledger.episodes() for test in episode.self_tests} == {True, False}


async def test_a_ledger_from_before_there_were_self_tests_is_read(lab: Any) -> None:
    await lab.run("a", lab.tasks(2), arms="intrinsic", rounds=1)
    database = sqlite3.connect(lab.folder / "a" / "ledger.sqlite")
    for table in ("self_tests", "proofs"):
        database.execute(f"DROP TABLE {table}")
    database.commit()
    database.close()
    with lab.ledger("a") as ledger:
        (first, *_) = ledger.episodes()
        assert first.self_tests == ()
        assert len(first.accepts) == 1
        assert ledger.episode(first.task_id, first.arm, 0).record == first
    assert (await lab.run("a", lab.tasks(2), arms="intrinsic", rounds=1)).complete
