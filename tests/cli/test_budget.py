"""A budget from the command line: what is said when it is spent, how to go on, and the estimate before the start."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from banchu.experiments.ways_around import TIMED

from .test_bad_input import assert_refused

RUN = ["run", "humaneval", "--limit", "2", "--no-controls"]
HERE = ["--model", "openai:x", "--base-url", "http://127.0.0.1:9/v1"]


def run_folder(text: str) -> str:
    return next(line.removeprefix("run folder: ") for line in text.splitlines() if line.startswith("run folder: "))


def test_a_spent_budget_says_what_is_missing_and_a_larger_one_goes_on(banchu: Any, scripted: str) -> None:
    cut = banchu(*RUN, "--model", scripted, "--max-total-tokens", "3000", "--max-time", "10m")
    assert cut.returncode == 1, cut.stderr
    folder = run_folder(cut.stdout)
    for words in (
        "budget --max-total-tokens 3,000: ",
        "of 6 episodes have not ended",
        f"`banchu resume {folder}` with a larger --max-total-tokens goes on",
    ):
        assert words in cut.stdout
    assert "in flight are finished and kept" in cut.stderr
    again = banchu("resume", "last", "--max-total-tokens", "3_100", "--json")
    assert again.returncode == 1
    told = json.loads(again.stdout)
    assert told["outcome"]["budget"]["limit"] == 3100
    assert told["outcome"]["budget"]["over"] == 0
    spent = told["spent"]
    assert spent["prompt_tokens"] + spent["completion_tokens"] == told["outcome"]["budget"]["spent"] <= 3100

    done = banchu(*RUN, "--model", scripted, "--max-total-tokens", "60000")
    assert done.returncode == 0, done.stderr
    assert run_folder(done.stdout) == folder
    whole = banchu(*RUN, "--model", scripted, "--fresh")
    assert done.stdout == whole.stdout.replace(run_folder(whole.stdout), folder)
    assert re.search(r"^spent: \d\.\dk \+ \d+ tokens, 0 USD$", whole.stdout, re.MULTILINE)


@pytest.mark.slow
def test_a_run_whose_budget_was_spent_says_so_until_it_goes_on(banchu: Any, scripted: str, tmp_path: Path) -> None:
    banchu(*RUN, "--model", scripted, "--max-total-tokens", "3000")
    shown = banchu("show", "last").stdout
    name = run_folder(banchu(*RUN, "--model", scripted, "--max-total-tokens", "3000").stdout).removeprefix("runs/")
    assert re.search(
        rf"^stopped    budget --max-total-tokens 3,000: .*`banchu resume {name}` with a larger", shown, re.M
    )
    told = json.loads(banchu("show", "last", "--json").stdout)
    assert told["spent_budget"]["option"] == "--max-total-tokens"
    ends = [arm["ends"] for arm in told["summary"]["arms"]]
    assert sum(each["not_run"] for each in ends) == 6 - len(told["episodes"]) > 0
    assert banchu("report", "last", "--no-figures").returncode == 0
    report = tmp_path / "runs" / name / "report" / "report.md"
    assert "It was ended by its budget: budget --max-total-tokens 3,000" in report.read_text()

    assert banchu("resume", "last").returncode == 0
    assert "stopped  " not in banchu("show", "last").stdout
    assert json.loads(banchu("show", "last", "--json").stdout)["spent_budget"] is None
    banchu("report", "last", "--no-figures")
    assert "ended by its budget" not in report.read_text()


@pytest.mark.slow
def test_an_episodes_budget_is_part_of_the_run_and_resume_keeps_it(banchu: Any, scripted: str) -> None:
    words = [*RUN, "--model", scripted, "--max-tokens", "64", "--episode-tokens", "800"]
    estimated = banchu(*words, "--dry-run").stdout
    assert "episodes: 6, each of at most 800 tokens\n" in estimated
    assert "4.8k by the episodes' own budget" in estimated
    cut = banchu(*words, "--max-total-tokens", "1000")
    assert cut.returncode == 1, cut.stderr
    done = banchu("resume", "last")
    assert done.returncode == 0, done.stderr
    assert (
        "intrinsic: 2 of 2 episodes were ended by their own budget; their last attempt is their answer" in done.stdout
    )
    shown = banchu("show", "last").stdout
    assert "\nepisode    at most 800 tokens\n" in shown
    assert re.search(r"^ HumanEval/0 .*\(budget\)", shown, re.M)
    told = json.loads(banchu(*words, "--json").stdout)
    assert told["folder"] == run_folder(done.stdout)
    assert [arm["ends"]["by_budget"] for arm in told["summary"]["arms"]] == [2, 2, 1]
    assert run_folder(banchu(*words[:-2]).stdout) != told["folder"]
    compared = json.loads(banchu("compare", "last", told["folder"], "--json").stdout)
    assert {(pair["ends_a"]["by_budget"], pair["ends_b"]["by_budget"]) for pair in compared} == {(0, 2), (0, 1)}
    assert "How planned episodes ended" in banchu("compare", told["folder"]).stdout


def test_a_report_tells_the_command_of_a_run_with_episode_budgets(banchu: Any, scripted: str, tmp_path: Path) -> None:
    limits = ["--episode-time", "1m30s", "--episode-tokens", "3000", "--episode-usd", "0.5"]
    ran = banchu(*RUN, "--model", scripted, "--arms", "none", "--limit", "1", *limits)
    assert TIMED in ran.stderr  # before it starts
    folder = run_folder(ran.stdout)
    assert banchu("report", "last", "--no-figures").returncode == 0
    report = (tmp_path / folder / "report" / "report.md").read_text()
    (told,) = re.findall(r"^banchu (run .*)$", report, re.MULTILINE)
    assert "--episode-usd 0.5 --episode-tokens 3000 --episode-time 90.0s" in told
    assert run_folder(banchu(*shlex.split(told)).stdout) == folder
    assert "| episode_seconds | 90.0 |" in report
    assert TIMED in report
    assert TIMED not in banchu(*RUN, "--model", scripted, "--episode-tokens", "3000").stderr


def test_an_estimate_costs_nothing_and_leaves_nothing(banchu: Any, scripted: str, tmp_path: Path) -> None:
    words = [*RUN, "--model", scripted, "--dry-run"]
    told = banchu(*words)
    assert told.returncode == 0, told.stderr
    assert "episodes: 6\ncalls: at most 26 (actor 14, critic 4, reflector 8)\ntokens: at most " in told.stdout
    assert "nothing was bought" in told.stdout
    plain = json.loads(banchu(*words, "--json").stdout)
    assert not (tmp_path / "runs").exists()
    run = json.loads(banchu(*RUN, "--model", scripted, "--json").stdout)
    assert plain["folder"] == run["folder"]
    assert 0 < run["spent"]["prompt_tokens"] <= plain["most_prompt_tokens"]
    assert 0 < run["spent"]["completion_tokens"] <= plain["most_completion_tokens"]


def test_an_estimate_in_dollars_needs_the_price(banchu: Any, tmp_path: Path) -> None:
    unknown = banchu(*RUN, *HERE, "--dry-run", "--record", "answers.jsonl")
    assert unknown.returncode == 0, unknown.stderr
    assert "cost: price unknown (openai:x@http://127.0.0.1:9/v1); --prices FILE gives it" in unknown.stdout
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "prices.toml").write_text('["openai:x"]\ninput = 1.5\noutput = 6\n')
    known = json.loads(banchu(*RUN, *HERE, "--dry-run", "--prices", "prices.toml", "--json").stdout)
    by_hand = (known["most_prompt_tokens"] * 1.5 + known["most_completion_tokens"] * 6) / 1e6
    assert known["most_usd"] == pytest.approx(by_hand)


def test_dollars_for_a_model_without_a_price_are_refused_before_a_call(banchu: Any, tmp_path: Path) -> None:
    done = banchu(*RUN, *HERE, "--max-usd", "2.50")
    assert_refused(done, 2, "--max-usd 2.5", "'openai:x@http://127.0.0.1:9/v1'", "['openai:x']", "--prices FILE")
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
def test_what_a_run_cost_is_told_where_prices_are_known_and_not_made_up_where_not(
    banchu: Any, scripted: str, tmp_path: Path
) -> None:
    serve = [sys.executable, str(Path(__file__).parent.parent / "models" / "serve.py"), "--model", scripted]
    server = subprocess.Popen(serve, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert server.stdout
    url = f"http://127.0.0.1:{server.stdout.readline().split()[-1]}/v1"
    (tmp_path / "prices.toml").write_text('["openai:x"]\ninput = 1000\noutput = 2000\n')
    run = [*RUN, "--model", "openai:x", "--base-url", url, "--arms", "none", "--rounds", "1"]
    priced = ["--prices", "prices.toml"]
    cut = banchu(*run, "--max-usd", "2.8", *priced, "--json")
    whole = banchu(*run, "--max-usd", "50", *priced)
    told = json.loads(banchu(*run, *priced, "--json").stdout)["spent"]
    server.communicate("")
    stopped = json.loads(cut.stdout)
    assert cut.returncode == 1, cut.stderr
    assert stopped["outcome"]["budget"]["option"] == "--max-usd"
    assert stopped["spent"]["usd"] == pytest.approx(stopped["outcome"]["budget"]["spent"])
    assert 0 < stopped["spent"]["usd"] <= 2.8
    assert whole.returncode == 0, whole.stderr
    assert told["usd"] == pytest.approx((told["prompt_tokens"] * 1000 + told["completion_tokens"] * 2000) / 1e6)
    assert f"tokens, {told['usd']:.4f} USD" in whole.stdout
    unpriced = banchu("resume", "last")
    assert f"price unknown (openai:x@{url})" in unpriced.stdout


BAD = {
    "usd in words": (["--max-usd", "lots"], ["--max-usd 'lots'", "such as 2.50"]),
    "negative usd": (["--max-usd=-1"], ["--max-usd -1", "above 0", "2.50"]),
    "endless usd": (["--max-usd", "inf"], ["--max-usd 'inf'", "2.50"]),
    "tokens in words": (["--max-total-tokens", "many"], ["--max-total-tokens 'many'", "500000"]),
    "half a token": (["--max-total-tokens", "10.5"], ["--max-total-tokens '10.5'", "whole"]),
    "no tokens": (["--max-total-tokens", "0"], ["--max-total-tokens 0", "above 0"]),
    "no unit": (["--max-time", "90"], ["--max-time '90'", "2h30m", "90s"]),
    "unknown unit": (["--max-time", "3w"], ["--max-time '3w'", "d, h, m and s"]),
    "negative time": (["--max-time=-5m"], ["--max-time '-5m'", "2h30m"]),
    "empty time": (["--max-time", ""], ["--max-time ''", "2h30m"]),
    "no time": (["--max-time", "0s"], ["--max-time 0", "above 0"]),
    "no tokens an episode": (["--episode-tokens", "0"], ["--episode-tokens 0", "above 0", "20000"]),
    "episode tokens in words": (["--episode-tokens", "few"], ["--episode-tokens 'few'", "whole number"]),
    "episode too small": (["--episode-tokens", "99"], ["--episode-tokens 99", "HumanEval/1 may take", "--max-tokens"]),
    "episode usd in words": (["--episode-usd", "a cent"], ["--episode-usd 'a cent'", "such as 0.02"]),
    "no time an episode": (["--episode-time", "0s"], ["--episode-time 0", "above 0", "90s"]),
    "episode time without a unit": (["--episode-time", "9"], ["--episode-time '9'", "d, h, m and s"]),
    "no price file": (["--prices", "missing.toml"], ["--prices 'missing.toml'", "check the path"]),
    "bad price file": (["--prices", "bad.toml"], ["--prices 'bad.toml'", "openai:x", "input 'much'", "per million"]),
}


@pytest.mark.parametrize("case", BAD)
def test_a_mistake_is_one_line_with_its_remedy(banchu: Any, scripted: str, tmp_path: Path, case: str) -> None:
    (tmp_path / "bad.toml").write_text('["openai:x"]\ninput = "much"\noutput = 1\n')
    words, told = BAD[case]
    assert_refused(banchu(*RUN, "--model", scripted, *words), 2, *told)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("15m", 900), ("2h30m", 9000), ("1.5h", 5400), ("1d1s", 86401), (" 5m ", 300)]
)
def test_times_are_read_as_people_write_them(text: str, seconds: float) -> None:
    from banchu.cli.budgets import read_budget

    assert read_budget(None, None, text).seconds == seconds
