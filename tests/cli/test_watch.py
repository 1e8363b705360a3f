"""mlp watch: which runs it takes, and what it needs."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from command import Command

from mlp.cli import page_options
from mlp.training.runs.watch_files import RunControl, WatchFiles


def test_a_run_that_is_not_there_is_refused(mlp: Command) -> None:
    result = mlp("watch", "nowhere")
    assert (result.code, result.out) == (2, "")
    assert "there is no run in nowhere" in result.err


@pytest.mark.parametrize("command", [("watch", "runs/first"), ("train", "--watch")])
def test_what_is_missing_is_named_before_any_time_is_spent(
    mlp: Command, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    done = mlp(
        "train", "--dataset", "synthetic:60+20", "--epochs", "1", "--run", "runs/first",
        "--device", "cpu",
    )  # fmt: skip
    assert done.code == 0
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        page_options,
        "find_spec",
        lambda name: None if name == "uvicorn" else find_spec(name),
    )
    result = mlp(*command)
    assert result.code == 2
    assert "the page needs uvicorn" in result.err
    assert "mlp-digits[draw]" in result.err


@pytest.mark.parametrize("epochs", [1, 2])
def test_a_run_that_goes_on_is_not_seen_as_ended(mlp: Command, epochs: int) -> None:
    data = "--dataset", "synthetic:60+20", "--device", "cpu"
    assert mlp("train", *data, "--epochs", "1", "--run", "first").code == 0
    files = WatchFiles(Path("first"))
    files.tell_about({}, {})
    files.tell({"ended": True}, {})
    files.ask(RunControl(stop=True))
    result = mlp("train", "--resume", "first", "--epochs", str(epochs))
    assert result.code == 0
    assert len(Path("first/history.jsonl").read_text().splitlines()) == epochs
    goes_on = epochs > 1
    about, asked = files.about(), files.asked()
    assert about is not None
    assert asked is not None
    assert ("network" in about[0]) == goes_on  # it tells of itself to who still watches
    assert asked.stop != goes_on


def test_where_others_can_open_the_page_it_starts_no_training(mlp: Command) -> None:
    result = mlp("watch", "--host", "0.0.0.0")
    assert (result.code, result.out) == (2, "")
    assert "starts no training: name a run" in result.err
