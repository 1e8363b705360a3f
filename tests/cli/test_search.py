"""``mlp search``: a table and a command; killed and resumed, it ends as if it had not been."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from command import Command, refused, start
from sessions import members

SMALL = (
    "--dataset", "synthetic:300+50", "--device", "cpu", "--batch-size", "20", "--epochs", "3",
)  # fmt: skip
TRY = ("--try", "lr=0.001..1:log", "--trials", "4")


def search(mlp: Command, *arguments: object) -> dict[str, Any]:
    result = mlp("search", *SMALL, *arguments, "--json")
    assert result.code == 0, result.err
    told: dict[str, Any] = json.loads(result.out)
    return told


def test_it_prints_a_table_and_the_best_as_a_command(mlp: Command, tmp_path: Path) -> None:
    result = mlp("search", *SMALL, *TRY, "--jobs", 2, "--run", "s")
    assert result.code == 0, result.err
    heading, *rows, last = result.out.splitlines()
    assert heading.split() == ["trial", "lr", "epochs", "validation", "loss", "s"]
    assert len(rows) == 4
    lr = rows[0].split()[1]
    command = shlex.split(last.removeprefix("best: "))
    assert command[command.index("--lr") + 1] == lr
    assert [row.split()[2] for row in rows] == ["3/3", "2/3", "1/3", "1/3"]
    trained = mlp(*command[1:], "--json")
    assert trained.code == 0, trained.err
    assert len(json.loads(trained.out)["history"]) == 3


def test_json_and_a_grid(mlp: Command) -> None:
    told = search(
        mlp, "--grid", "--try", "lr=0.1/0.01", "--try", "hidden=4/6", "--halve", 1, "--run", "s"
    )
    assert told["complete"]
    assert told["rungs"] == [3]
    assert [trial["epochs"] for trial in told["trials"]] == [3] * 4
    assert told["best"] == told["trials"][0]
    values = sorted((t["values"]["lr"], t["values"]["hidden"]) for t in told["trials"])
    assert values == [(0.01, [4]), (0.01, [6]), (0.1, [4]), (0.1, [6])]
    assert told["command"].startswith("mlp train ")
    assert search_again(mlp, told["search"]) == told


def search_again(mlp: Command, folder: str) -> dict[str, Any]:
    result = mlp("search", "--resume", folder, "--json")
    assert result.code == 0, result.err
    told: dict[str, Any] = json.loads(result.out)
    return told


@pytest.fixture
def long(tmp_path: Path) -> tuple[str, ...]:
    return (
        "search", "--dataset", "synthetic:1500+50", "--device", "cpu", "--hidden", "64",
        "--batch-size", "8", "--epochs", "6", "--halve", "2", "--jobs", "2", *TRY,
    )  # fmt: skip


def wait_for(path: Path, pattern: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 120
    while not list(path.glob(pattern)):
        assert process.poll() is None, "it ended early"
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_search_that_is_killed_goes_on(
    mlp: Command, tmp_path: Path, long: tuple[str, ...], how: signal.Signals
) -> None:
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    process = start(*long, "--run", "cut", cwd=tmp_path, start_new_session=True, **quiet)
    wait_for(tmp_path / "cut", "trial-*/checkpoint-*", process)
    process.send_signal(how)
    _, told = process.communicate(timeout=60)
    if how == signal.SIGKILL:
        assert process.returncode == -how
    else:
        assert process.returncode == 128 + how, told
        assert b"mlp search --resume cut goes on" in told
    until = time.monotonic() + 60
    while members(process.pid):  # what was training ends by itself
        assert time.monotonic() < until
        time.sleep(0.05)
    assert list((tmp_path / "cut").glob("trial-*/checkpoint-*"))
    resumed = search_again(mlp, "cut")
    assert resumed["complete"]
    whole = mlp(*long, "--run", "whole", "--json")
    assert measured(resumed) == measured(json.loads(whole.out))


def measured(told: dict[str, Any]) -> list[Any]:
    """The trials but for the seconds that they took."""
    return [{**trial, "seconds": None} for trial in told["trials"]]


def test_runs_that_diverge_are_the_worst(mlp: Command) -> None:
    told = search(mlp, "--try", "lr=1e30/0.1/1e31", "--run", "some")
    assert told["best"]["values"] == {"lr": 0.1}
    assert [trial["diverged"] is None for trial in told["trials"]] == [True, False, False]
    result = mlp("search", *SMALL, "--try", "lr=1e30/1e31", "--run", "all", "--json")
    assert result.code == 3
    assert "every run diverged" in result.err
    assert json.loads(result.out)["best"] is None


def test_an_impossible_combination_is_the_worst_and_kills_no_search(mlp: Command) -> None:
    small = ("search", "--dataset", "synthetic:300+50", "--device", "cpu", "--epochs", "1")
    tries = ("--try", "activation=relu/batch_norm,relu", "--try", "batch_size=1/20", "--grid")
    result = mlp(*small, *tries, "--run", "s", "--json")
    assert result.code == 0, result.err
    *sound, worst = json.loads(result.out)["trials"]
    assert [trial["refused"] for trial in sound] == [None] * 3
    assert worst["values"] == {"activation": "batch_norm,relu", "batch_size": 1}
    assert worst["refused"] in result.err
    assert search_again(mlp, "s") == json.loads(result.out)
    none = mlp(*small, "--try", "freeze=7/8", "--run", "none")
    assert none.code == 2
    assert "no trial can be trained" in none.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "nothing to try"),
        (("--try", "lr=0.1/0.2", "--lr", "0.1"), "exclude each other"),
        (("--try", "momentum=0.5/0.9", "--optimizer", "adam"), "momentum=0.5"),
        (("--try", "lr=0.1..1", "--grid"), "add :5"),
        (("--try", "lr=0.1/0.2", "--validation", "0.0001"), "holds out none"),
        (("--try", "lr=0.1/0.2", "--resume", "s"), "--resume and --"),
    ],
)
def test_wrong_usage(mlp: Command, tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    refused(mlp("search", *SMALL, *arguments), words, code=2)
    assert not list(tmp_path.iterdir())


def test_a_search_that_is_not_there(mlp: Command) -> None:
    refused(mlp("search", "--resume", "nowhere"), "there is no search in nowhere", code=2)


def test_usual_values_suit_each_trial(mlp: Command, tmp_path: Path) -> None:
    """Adam's rate is not SGD's where nobody chose one."""
    search(mlp, "--try", "optimizer=sgd/adam", "--run", "s")
    told = (tmp_path / "s" / "trial-000.toml", tmp_path / "s" / "trial-001.toml")
    rates = {path.read_text().split("\nlr = ")[1].split("\n")[0] for path in told}
    assert rates == {"0.15", "0.001"}
    assert [path.name for path in tmp_path.iterdir()] == ["s"]


def test_none_is_tried_where_the_data_would_have_a_limit(mlp: Command, tmp_path: Path) -> None:
    """Estimating numbers, the gradient's norm is held to 1 where nobody chose."""
    rows = "".join(f"{i % 7},{i % 5},{i % 7 + i % 5}.5\n" for i in range(80))
    (tmp_path / "rows.csv").write_text("a,b,label\n" + rows)
    numbers = ("search", "--dataset", "rows.csv", "--task", "regression", "--device", "cpu")
    tries = ("--try", "clip_norm=none/1", "--grid", "--epochs", "1")
    result = mlp(*numbers, *tries, "--run", "s", "--json")
    assert result.code == 0, result.err
    texts = [(tmp_path / "s" / f"trial-00{trial}.toml").read_text() for trial in (0, 1)]
    assert ["clip_norm" in text for text in texts] == [False, True]
    assert texts[0].split("\nlr = ")[1].split("\n")[0] == "0.01"
    assert json.loads(result.out)["command"].startswith("mlp train --dataset")
