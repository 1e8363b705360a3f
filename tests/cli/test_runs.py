"""``mlp train --run`` and ``--resume``; ``mlp runs``: folders of runs are kept and compared."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from command import DATA, TINY, Command, refused, start

from mlp.data.formats.idx_folder import write_idx_folder
from mlp.data.load import load_dataset
from mlp.models.model_file import load
from mlp.training.runs.folder import RunFolder
from mlp.training.runs.lock import locked
from mlp.training.runs.settings import read_settings
from mlp.training.runs.writers import read_history

if os.name == "posix":
    import fcntl
    import termios

EPOCHS = 25
LONG = (
    "--dataset", "synthetic:1500+50", "--device", "cpu", "--hidden", "64", "--batch-size", "8",
    "--augment", "affine,elastic", "--epochs", str(EPOCHS),
)  # fmt: skip
"""Trains long enough to be stopped on the way."""


def test_a_run_has_a_folder_with_all_that_it_left(mlp: Command, tmp_path: Path) -> None:
    result = mlp("train", *TINY, "--run", "mine")
    assert result.code == 0, result.err
    assert "model: mine/model.safetensors" in result.out
    names = {path.name for path in (tmp_path / "mine").iterdir()}
    assert names - {".lock"} == {
        "model.safetensors", "recipe.toml", "history.jsonl", "log.txt",
        "checkpoint-00001-0000000.safetensors", "checkpoint-00002-0000000.safetensors",
    }  # fmt: skip
    mlp("train", *TINY, "--out", "alone.safetensors")
    alone = (tmp_path / "alone.safetensors").read_bytes()
    assert (tmp_path / "mine" / "model.safetensors").read_bytes() == alone


def test_json_names_the_folder_and_its_files(mlp: Command) -> None:
    told = json.loads(mlp("train", *TINY, "--run", "mine", "--json").out)
    assert told["run"] == "mine"
    assert told["model"] == "mine/model.safetensors"
    assert told["checkpoint"] == "mine/checkpoint-00002-0000000.safetensors"
    assert (told["interrupted"], told["stopped"]) == (False, None)


def test_a_name_is_chosen_where_it_is_asked_for(mlp: Command, tmp_path: Path) -> None:
    for _ in range(2):
        mlp("train", *TINY, "--preset", "diary-16", "--run", "auto")
    names = sorted(path.name for path in (tmp_path / "runs").iterdir())
    assert len(names) == 2
    assert names[1] == f"{names[0]}-2"
    assert names[0].endswith("-diary-16")
    listed = json.loads(mlp("runs", "--json").out)
    assert [run["run"] for run in listed] == [f"runs/{name}" for name in names]
    assert mlp("train", "--resume", names[0], "--epochs", 3).code == 0


def test_a_run_is_not_replaced_unasked(mlp: Command, tmp_path: Path) -> None:
    mlp("train", *TINY, "--run", "mine")
    before = {path: path.read_bytes() for path in (tmp_path / "mine").iterdir()}
    refused(mlp("train", *TINY, "--run", "mine"), "mine is there already", "--resume", code=2)
    assert before == {path: path.read_bytes() for path in (tmp_path / "mine").iterdir()}
    assert mlp("train", *TINY, "--hidden", 5, "--run", "mine", "--force").code == 0
    assert load(tmp_path / "mine" / "model.safetensors").sizes == (784, 5, 10)
    (tmp_path / "mine" / "thesis").write_text("precious")
    refused(mlp("train", *TINY, "--run", "mine", "--force"), "thesis", code=2)


def test_a_second_training_into_a_folder_is_refused(mlp: Command, tmp_path: Path) -> None:
    mlp("train", *TINY, "--run", "mine")
    with locked(tmp_path / "mine", pytest.fail):
        assert json.loads(mlp("runs", "--in", "mine", "--json").out)[0]["state"] == "running"
        refused(mlp("train", "--resume", "mine"), "is training into mine", code=2)
        refused(mlp("train", *TINY, "--run", "mine", "--force"), "is training into mine", code=2)
    assert mlp("train", "--resume", "mine").code == 0


def test_a_finished_run_goes_on_with_more_epochs(mlp: Command, tmp_path: Path) -> None:
    mlp("train", *TINY, "--schedule", "constant", "--run", "mine")
    again = mlp("train", "--resume", "mine")
    assert (again.code, "finished" in again.err) == (0, True)
    result = mlp("train", "--resume", "mine", "--epochs", 4)
    assert "epoch 3/4" in result.err
    assert "epoch 2/4" not in result.err
    mlp("train", *TINY, "--epochs", 4, "--schedule", "constant", "--run", "whole")
    models = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("mine", "whole")]
    assert models[0] == models[1]
    assert [line["epoch"] for line in read_history(tmp_path / "mine" / "history.jsonl")] == [
        1, 2, 3, 4,
    ]  # fmt: skip
    assert read_settings(tmp_path / "mine" / "recipe.toml").training.epochs == 4


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--lr", "0.5"), ("recipe", "lr", "0.15", "0.5")),
        (("--epochs", "1"), ("--epochs",)),
        (("--hidden", "9"), ("network", "sizes")),
        (("--dataset", "synthetic:121+50"), ("dataset",)),
        (("--task", "binary", "--positive", "1"), ("network", "sizes")),
    ],
)
def test_another_recipe_network_or_dataset_is_refused_and_leaves_the_run(
    mlp: Command, tmp_path: Path, options: tuple[str, ...], words: tuple[str, ...]
) -> None:
    mlp("train", *TINY, "--run", "mine")
    before = {p.name: p.read_bytes() for p in (tmp_path / "mine").iterdir() if p.name[0] != "."}
    refused(mlp("train", "--resume", "mine", *options), *words, code=2)
    after = {p.name: p.read_bytes() for p in (tmp_path / "mine").iterdir() if p.name[0] != "."}
    assert before == after


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--resume", "x", "--start", "m"), ("--resume and --start", "checkpoint")),
        (("--resume", "x", "--run", "y"), ("--resume and --run",)),
        (("--resume", "x", "--preset", "simard"), ("--resume and --preset",)),
        (("--resume", "x", "--config", "c"), ("--resume and --config",)),
        (("--resume", "x", "--out", "m"), ("--resume and --out",)),
        (("--resume", "x", "--force"), ("--resume and --force",)),
        (("--run", "x", "--out", "m"), ("--run and --out",)),
        (("--preset", "simard", "--config", "c"), ("--preset and --config",)),
        (("--resume", "x"), ("no run in x",)),
        (("--config", "x"), ("x cannot be read",)),
        (("--checkpoint-every", "1"), ("--checkpoint-every", "--run")),
        (("--tensorboard",), ("--tensorboard", "--run")),
        (("--snapshots", "9"), ("--snapshots", "--run")),
        (("--run", "x", "--checkpoint-every", "0"), ("--checkpoint-every", "above 0")),
        (("--run", "x", "--checkpoint-every", "nan"), ("--checkpoint-every", "above 0")),
        (("--run", "x", "--patience", "3"), ("validation",)),
    ],
)
def test_options_that_exclude_each_other_are_refused(
    mlp: Command, tmp_path: Path, options: tuple[str, ...], words: tuple[str, ...]
) -> None:
    refused(mlp("train", *DATA, *options), *words, code=2)
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_that_is_cut_short_is_told_and_the_one_before_is_taken(
    mlp: Command, tmp_path: Path
) -> None:
    mlp("train", *TINY, "--run", "mine")
    whole = (tmp_path / "mine" / "model.safetensors").read_bytes()
    last = RunFolder(tmp_path / "mine").checkpoints()[-1]
    last.write_bytes(last.read_bytes()[:-1])
    result = mlp("train", "--resume", "mine")
    assert "the one before is taken" in result.err
    assert "epoch 2/2" in result.err
    assert (tmp_path / "mine" / "model.safetensors").read_bytes() == whole


def test_a_run_keeps_its_snapshots_and_goes_on_with_them(mlp: Command, tmp_path: Path) -> None:
    for name, epochs in (("straight", 2), ("stopped", 1)):
        result = mlp("train", *TINY, "--epochs", epochs, "--run", name, "--snapshots", 9)
        assert result.code == 0, result.err
    straight, stopped = (RunFolder(tmp_path / name) for name in ("straight", "stopped"))
    assert set(straight.snapshots()) == {(0, 0), (0, 1), (0, 2), (0, 3), (1, 0), (2, 0)}
    assert read_settings(straight.settings).snapshots == 9
    assert mlp("train", "--resume", "stopped", "--epochs", 2).code == 0
    assert set(stopped.snapshots()) >= {(0, 0), (0, 1), (1, 0), (2, 0)}
    sizes = [path.stat().st_size for path in (straight.snapshot((2, 0)), straight.model)]
    assert sizes[0] < 0.75 * sizes[1]
    assert mlp("train", *TINY, "--run", "stopped", "--force").code == 0
    assert not stopped.snapshots()


def test_a_run_that_goes_on_keeps_no_more_snapshots_than_are_asked_for(
    mlp: Command, tmp_path: Path
) -> None:
    assert mlp("train", *TINY, "--epochs", 2, "--run", "mine", "--snapshots", 6).code == 0
    folder = RunFolder(tmp_path / "mine")
    for epochs, most in ((4, 6), (8, 6), (10, 4), (12, 2), (14, 9)):
        options = ("--epochs", epochs, "--snapshots", most)
        assert mlp("train", "--resume", "mine", *options).code == 0
        kept = set(folder.snapshots())
        assert {(0, 0), (epochs, 0)} <= kept
        assert len(kept) <= most


def test_the_recipe_of_a_run_trains_the_same_again(mlp: Command, tmp_path: Path) -> None:
    options = ("--dropout", "0.1", "--task", "binary", "--positive", "0,3", "--validation", "20")
    mlp("train", *TINY, *options, "--run", "mine")
    assert mlp("train", "--config", "mine/recipe.toml", "--run", "again").code == 0
    files = [tmp_path / name / "recipe.toml" for name in ("mine", "again")]
    assert files[0].read_bytes() == files[1].read_bytes()
    models = [file.with_name("model.safetensors").read_bytes() for file in files]
    assert models[0] == models[1]
    changed = mlp("train", "--config", "mine/recipe.toml", "--epochs", 1, "--seed", 5, "--json")
    told = json.loads(changed.out)
    assert (len(told["history"]), told["seed"]) == (1, 5)


def test_a_dataset_by_its_path_is_found_from_another_folder(
    mlp: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_idx_folder(load_dataset("synthetic:60+20"), tmp_path / "idx")
    mlp("train", "--dataset", "idx", "--hidden", 4, "--epochs", 1, "--run", "mine")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert mlp("train", "--resume", "../mine", "--epochs", 2).code == 0


# Starting from a model


def test_a_run_starts_from_the_parameters_of_a_model(mlp: Command, tmp_path: Path) -> None:
    mlp("train", *TINY, "--activation", "tanh", "--dtype", "float64", "--out", "first.safetensors")
    tuned = mlp("train", *DATA, "--start", "first.safetensors", "--freeze", "1,2", "--epochs", "1")
    assert tuned.code == 0, tuned.err
    first, second = load(tmp_path / "first.safetensors"), load(tmp_path / "digits.safetensors")
    assert (second.activation, second.dtype, second.sizes) == ("tanh", "float64", (784, 8, 10))
    assert first.parameters.tobytes() == second.parameters.tobytes()
    assert "last layer" not in tuned.err


def test_for_other_classes_the_last_layer_is_new(mlp: Command, tmp_path: Path) -> None:
    mlp("train", *TINY, "--out", "first.safetensors")
    result = mlp(
        "train", *DATA, "--start", "first.safetensors", "--task", "binary", "--positive", "1,2",
        "--freeze", "1", "--epochs", "3", "--run", "mine",
    )  # fmt: skip
    assert "the last layer is new" in result.err
    first = load(tmp_path / "first.safetensors")
    second = load(tmp_path / "mine" / "model.safetensors")
    assert second.sizes == (784, 8, 1)
    assert first.linear[0].W.tobytes() == second.linear[0].W.tobytes()
    (tmp_path / "first.safetensors").rename(tmp_path / "moved.safetensors")
    whole = (tmp_path / "mine" / "model.safetensors").read_bytes()
    RunFolder(tmp_path / "mine").checkpoints()[-1].unlink()
    assert mlp("train", "--resume", "mine").code == 0
    assert (tmp_path / "mine" / "model.safetensors").read_bytes() == whole


def test_a_start_that_does_not_fit_is_refused(mlp: Command, tmp_path: Path) -> None:
    mlp("train", *TINY, "--out", "first.safetensors")
    start = ("--start", "first.safetensors")
    refused(mlp("train", *DATA, *start, "--hidden", "9"), "--hidden", code=2)
    refused(mlp("train", *DATA, "--start", "none.safetensors"), "no model file")


# Processes that are stopped


def _wait_for_epoch(folder: Path, epoch: int) -> None:
    for _ in range(600):
        if len(read_history(folder / "history.jsonl")) >= epoch:
            return
        time.sleep(0.05)
    raise AssertionError("the run does not go on")


@pytest.fixture(scope="module")
def never_stopped(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The model of the long run."""
    folder = tmp_path_factory.mktemp("whole")
    assert start("train", *LONG, "--out", "m", cwd=folder, stderr=subprocess.DEVNULL).wait() == 0
    return (folder / "m").read_bytes()


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGKILL"])
def test_a_process_that_is_stopped_is_resumed_to_the_same_bytes(
    mlp: Command, tmp_path: Path, never_stopped: bytes, name: str
) -> None:
    number = getattr(signal, name)
    process = start(
        "train", *LONG, "--run", "mine", "--json",
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    _wait_for_epoch(tmp_path / "mine", 2)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    folder = RunFolder(tmp_path / "mine")
    latest = folder.checkpoints()[-1]
    if name == "SIGKILL":
        assert process.returncode == -number
        assert not folder.model.exists()
    else:
        assert process.returncode == 128 + number, err
        told: dict[str, Any] = json.loads(out)
        assert (told["interrupted"], told["stopped"]) == (True, name)
        assert told["checkpoint"] == str(Path("mine") / latest.name)
        assert str(latest.name).encode() in err
        assert folder.model.exists()
        state = json.loads(mlp("runs", "--in", "mine", "--json").out)[0]
        assert (state["state"], state["epoch"]) == ("stopped", len(told["history"]))
    assert mlp("train", "--resume", "mine").code == 0
    assert folder.model.read_bytes() == never_stopped
    assert len(read_history(folder.history)) == EPOCHS
    assert list(folder.path.glob(".*.tmp")) == []


@pytest.mark.skipif(os.name != "posix", reason="terminals are POSIX's")
def test_a_run_whose_terminal_is_closed_is_saved(mlp: Command, tmp_path: Path) -> None:
    controlling, terminal = os.openpty()
    process = start(
        "train", *LONG, "--run", "mine", "--checkpoint-every", "1000",
        cwd=tmp_path, stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )  # fmt: skip
    os.close(terminal)
    _wait_for_epoch(tmp_path / "mine", 1)
    os.close(controlling)
    assert process.wait(timeout=60) == 128 + signal.SIGHUP
    assert (tmp_path / "mine" / "model.safetensors").exists()
    assert "SIGHUP" in (tmp_path / "mine" / "log.txt").read_text()


# Listing and comparing


def test_runs_are_listed_with_their_figures(mlp: Command, tmp_path: Path) -> None:
    result = mlp("runs")
    assert (result.code, result.out) == (0, "")
    assert "no runs" in result.err
    trained = json.loads(mlp("train", *TINY, "--run", "runs/a", "--json").out)
    (tmp_path / "runs" / "b").mkdir()
    (tmp_path / "runs" / "b" / "recipe.toml").write_text("lr = 3")
    (tmp_path / "runs" / "other").mkdir()
    a, b = json.loads(mlp("runs", "--json").out)
    assert (a["run"], a["state"], a["epoch"], a["epochs"]) == ("runs/a", "finished", 2, 2)
    assert a["test_accuracy"] == trained["test_accuracy"]
    assert a["model"] == "runs/a/model.safetensors"
    assert (b["run"], b["state"], b["model"]) == ("runs/b", "damaged", None)
    result = mlp("runs")
    assert "runs/a" in result.out
    assert "2/2" in result.out
    assert "no lr" in result.err
    refused(mlp("runs", "--in", "nowhere"), "no folder nowhere", code=2)


def test_two_runs_are_compared(mlp: Command, tmp_path: Path) -> None:
    mlp("train", *TINY, "--run", "runs/a")
    mlp("train", *TINY, "--epochs", 4, "--lr", 0.3, "--run", "runs/b")
    result = mlp("runs", "compare", "a", "runs/b", "--save", "both.png")
    assert result.code == 0, result.err
    lines = {line.split()[0]: line.split()[1:] for line in result.out.splitlines() if line.split()}
    assert lines["training.lr"] == ["0.15", "0.3"]
    assert lines["training.epochs"] == ["2", "4"]
    assert "training.seed" not in lines
    assert result.out.count(" to ") == 2 * len(
        ["loss", "train", "test", "gradient norm", "images per second", "lr"]
    )
    assert (tmp_path / "both.png").read_bytes().startswith(b"\x89PNG")
    told = json.loads(mlp("runs", "compare", "a", "b", "--json").out)
    assert told["differences"] == {"training.epochs": [2, 4], "training.lr": [0.15, 0.3]}
    assert [len(run["history"]) for run in told["runs"]] == [2, 4]


def test_what_cannot_be_compared_is_refused(mlp: Command, tmp_path: Path) -> None:
    mlp("train", *TINY, "--run", "a")
    assert "asked for the same" in mlp("runs", "compare", "a", "a").out
    refused(mlp("runs", "compare", "a", "b"), "no run in b", code=2)
    refused(mlp("runs", "compare", "a", "a", "--save", "x.jpg"), ".png", code=2)
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "recipe.toml").write_text("[training]\nlr = 0.5\n")
    refused(mlp("runs", "compare", "c", "c", "--save", "x.png"), "no curve", code=2)
    (tmp_path / "c" / "recipe.toml").write_text("?")
    refused(mlp("runs", "compare", "a", "c"), "not TOML", code=2)
