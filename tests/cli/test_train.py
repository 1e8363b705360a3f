"""``mlp train``: its results, its files and what it refuses."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command import DATA, TINY, Command, refused

import mlp.training.loop as mlp_training
from mlp.cli import console
from mlp.common import linux
from mlp.common.errors import DivergedError
from mlp.data.formats.idx_folder import write_idx_folder
from mlp.data.load import load_dataset
from mlp.models.metadata import metadata_of
from mlp.models.model_file import load
from mlp.training.presets.preset import load_preset, preset_names


def test_train_prints_the_result_and_writes_the_model(mlp: Command, tmp_path: Path) -> None:
    result = mlp("train", *TINY)
    assert result.code == 0
    assert re.search(r"test accuracy \d+\.\d\d% \(\d+ of 50 synthetic images\)", result.out)
    assert "epoch 2/2" in result.err
    assert "epoch" not in result.out
    assert load(tmp_path / "digits.safetensors").sizes == (784, 8, 10)


def test_json_is_one_object_with_the_promised_fields(mlp: Command) -> None:
    result = json.loads(mlp("train", *TINY, "--seed", 7, "--json").out)
    assert result.keys() >= {
        "dataset", "device", "layers", "parameters", "seed", "train_accuracy", "test_accuracy",
        "test_correct", "test_total", "train_seconds", "model", "history",
    }  # fmt: skip
    assert (result["dataset"], result["device"], result["seed"]) == ("synthetic", "cpu", 7)
    assert result["layers"] == [784, 8, 10]
    assert result["parameters"] == 784 * 8 + 8 + 8 * 10 + 10
    assert result["test_correct"] == result["test_accuracy"] * result["test_total"]
    assert [epoch["epoch"] for epoch in result["history"]] == [1, 2]
    for epoch in result["history"]:
        assert epoch.keys() >= {"epoch", "loss", "train_accuracy", "test_accuracy", "seconds"}
    seconds = sum(epoch["seconds"] for epoch in result["history"])
    assert result["train_seconds"] == pytest.approx(seconds)


def test_one_seed_writes_the_same_bytes(mlp: Command, tmp_path: Path) -> None:
    mlp("train", *TINY, "--out", "a.safetensors")
    mlp("train", *TINY, "--out", "b.safetensors")
    a, b = (load(tmp_path / f"{name}.safetensors") for name in "ab")
    assert a.parameters.tobytes() == b.parameters.tobytes()


def test_a_folder_of_idx_files_is_a_dataset(mlp: Command, tmp_path: Path) -> None:
    write_idx_folder(load_dataset("synthetic:120+50"), tmp_path / "digits")
    from_folder = json.loads(mlp("train", *TINY, "--dataset", "digits", "--json").out)
    drawn = json.loads(mlp("train", *TINY, "--json").out)
    assert from_folder["train_accuracy"] == drawn["train_accuracy"]


def test_datasets_are_joined_in_training_and_the_first_is_tested_on(mlp: Command) -> None:
    joined = load_dataset("synthetic:120+50,synthetic:100+20")
    first, second = load_dataset("synthetic:120+50"), load_dataset("synthetic:100+20")
    np.testing.assert_array_equal(joined.train.images[100:], first.train.images)
    np.testing.assert_array_equal(joined.train.labels[:100], second.train.labels)
    assert joined.test.checksum == first.test.checksum
    result = mlp("train", *TINY, "--dataset", "synthetic:120+50,synthetic:100+20", "--json")
    assert json.loads(result.out)["test_total"] == 50


@pytest.mark.parametrize(
    "options",
    [
        ("--batch-size", "full", "--lr", "0.5"),
        ("--hidden", "none"),
        ("--no-bias", "--activation", "tanh", "--init", "glorot_uniform"),
        ("--loss", "quadratic", "--nesterov", "--weight-decay", "1e-4"),
        ("--loss", "binary_cross_entropy", "--clip-value", "1", "--clip-norm", "2"),
        ("--schedule", "step(1,0.5)", "--warmup", "0", "--no-shuffle", "--dtype", "float64"),
        ("--validation", "0.2", "--schedule", "cosine"),
        ("--task", "binary", "--positive", "0,2,4,6,8"),
        ("--task", "multilabel", "--seed", "3"),
        ("--preset", "diary-16"),
    ],
)
def test_every_option_trains_and_evaluates(mlp: Command, options: tuple[str, ...]) -> None:
    trained = mlp("train", *TINY, *options, "--json")
    assert trained.code == 0, trained.err
    measured = mlp("eval", "digits.safetensors", *DATA, "--json")
    correct = json.loads(trained.out)["test_correct"]
    assert json.loads(measured.out)["test_correct"] == correct


def test_validation_is_told_where_there_is_one(mlp: Command) -> None:
    assert "validation" in mlp("train", *TINY, "--validation", "50").err
    assert "validation" not in mlp("train", *TINY).err


def test_a_second_run_takes_the_next_name(mlp: Command, tmp_path: Path) -> None:
    for _ in range(3):
        mlp("train", *TINY)
    names = {"digits.safetensors", "digits-2.safetensors", "digits-3.safetensors"}
    assert {path.name for path in tmp_path.iterdir()} == names


def test_a_model_is_replaced_only_when_told(mlp: Command, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    refused(mlp("train", *TINY, "--out", "mine"), "mine is there already", "--force", code=2)
    assert (tmp_path / "mine").read_text() == "precious"
    assert mlp("train", *TINY, "--out", "mine", "--force").code == 0
    assert load(tmp_path / "mine").sizes == (784, 8, 10)


def test_force_without_a_name_replaces_the_first(mlp: Command, tmp_path: Path) -> None:
    mlp("train", *TINY)
    assert mlp("train", *TINY, "--hidden", "5", "--force").code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["digits.safetensors"]
    assert load(tmp_path / "digits.safetensors").sizes == (784, 5, 10)


def test_a_name_that_another_run_has_taken_meanwhile_is_left_to_it(
    mlp: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def train(*arguments: Any, **options: Any) -> Any:
        (tmp_path / "mine.safetensors").write_text("the other's")
        return whole(*arguments, **options)

    whole = mlp_training.train
    monkeypatch.setattr(mlp_training, "train", train)
    result = mlp("train", *TINY, "--out", "mine.safetensors")
    assert "model: mine-2.safetensors" in result.out
    assert (tmp_path / "mine.safetensors").read_text() == "the other's"
    assert load(tmp_path / "mine-2.safetensors").sizes == (784, 8, 10)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_or_device_is_never_replaced(mlp: Command, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    refused(mlp("train", *TINY, "--out", "pipe", "--force"), "pipe", code=2)
    assert (tmp_path / "pipe").is_fifo()


def test_a_place_that_cannot_be_written_is_told_before_training(mlp: Command) -> None:
    result = mlp("train", *TINY, "--out", "nowhere/model")
    refused(result, "nowhere", "make it first")
    assert "epoch" not in result.err
    refused(mlp("train", *TINY, "--out", "."), "folder", code=2)


def test_a_full_disk_leaves_nothing_behind(
    mlp: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", full)
    monkeypatch.setattr(linux, "sync_file_system", full)
    refused(mlp("train", *TINY, "--out", "model"), "model", "No space left", "another place")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("gone", ["folder", "name"])
def test_a_model_that_cannot_be_written_in_its_place_is_written_elsewhere(
    mlp: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gone: str
) -> None:
    """The folder is removed, or something else has the name, while the second epoch runs."""

    def take_away(self: console.TrainingBar, *_: Any) -> None:
        if self._finished == 1 and (tmp_path / "models" / "mine").is_file():
            (tmp_path / "models" / "mine").unlink()
            if gone == "folder":
                (tmp_path / "models").rmdir()
            else:
                (tmp_path / "models" / "mine").mkdir()

    (tmp_path / "models").mkdir()
    monkeypatch.setattr(console.TrainingBar, "on_step", take_away)
    result = mlp("train", *TINY, "--out", "models/mine", "--force")
    place = tmp_path / ("mine" if gone == "folder" else "models/model.safetensors")
    assert result.code == 1
    last = result.err.splitlines()[-1]
    assert "models/mine cannot be written" in last
    assert last.endswith(str(place.relative_to(tmp_path)))
    assert str(place.name) in result.out
    assert metadata_of(load(place)).epoch == 2


@pytest.mark.parametrize(
    ("error", "code"),
    [(DivergedError("NaN"), 3), (MemoryError("a worker"), 1), (KeyboardInterrupt(), 130)],
)
def test_what_ends_a_later_epoch_leaves_the_model_of_the_last_one(
    mlp: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    code: int,
) -> None:
    def end(losses: Any, model: Any, number: int, recipe: Any) -> None:
        if number == 1:
            raise error

    monkeypatch.setattr(mlp_training, "check_finite", end)
    result = mlp("train", *TINY)
    assert result.code == code
    assert metadata_of(load(tmp_path / "digits.safetensors")).epoch == 1
    assert "epoch 1" in result.err + result.out
    assert "digits.safetensors" in result.err + result.out


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (("--lr", "nan"), "learning rate"),
        (("--lr", "inf"), "learning rate"),
        (("--lr", "0"), "learning rate"),
        (("--lr", "-0.1"), "learning rate"),
        (("--momentum", "1"), "momentum"),
        (("--epochs", "0"), "epochs"),
        (("--batch-size", "0"), "batch size"),
        (("--batch-size", "many"), "many"),
        (("--hidden", "10,0"), "--hidden"),
        (("--hidden", "ten"), "--hidden"),
        (("--hidden", str(10**20)), "smaller"),
        (("--weight-decay", "-1"), "weight decay"),
        (("--clip-value", "0"), "clip value"),
        (("--clip-norm", "nan"), "clip norm"),
        (("--warmup", "3"), "warm-up"),
        (("--seed", "-1"), "seed"),
        (("--validation", "300"), "validation"),
        (("--activation", "rely"), "relu"),
        (("--loss", "l2"), "cross_entropy"),
        (("--init", "he"), "he_normal"),
        (("--init", "normal"), "normal"),
        (("--schedule", "step(1)"), "step"),
        (("--dtype", "float16"), "float32"),
        (("--nesterov", "--momentum", "0"), "momentum"),
        (("--device", "gpu"), "cuda"),
        (("--dataset", "emnist"), "mnist"),
        (("--data", "."), "dataset"),
        (("--task", "binary"), "--positive"),
        (("--task", "binary", "--positive", "0,12"), "--positive"),
        (("--preset", "diary"), "diary-16"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    mlp: Command, tmp_path: Path, options: tuple[str, ...], word: str
) -> None:
    result = mlp("train", *TINY, *options)
    refused(result, word, code=1 if options[0] == "--device" else 2)
    assert list(tmp_path.iterdir()) == []


def test_a_task_without_its_question_is_refused_before_data_is_looked_for(mlp: Command) -> None:
    result = mlp("train", "--task", "binary", "--dataset", "nowhere")
    refused(result, "--positive", code=2)


def test_a_run_that_diverges_names_the_place_and_the_cause(mlp: Command, tmp_path: Path) -> None:
    result = mlp("train", *TINY, "--lr", "1e30", "--warmup", "0")
    refused(result, "epoch 1, step ", "learning rate", "--lr", code=3)
    assert list(tmp_path.iterdir()) == []


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "truncated": lambda b: b[:-1],
    "oversized": lambda b: b + b"\0",
    "wrong magic": lambda b: b"\1" + b[1:],
    "html": lambda _: b"<!DOCTYPE html><html><body>404</body></html>",
    "count": lambda b: b[:7] + bytes([b[7] - 1]) + b[8:-1],
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_data_is_told_and_nothing_is_written(
    mlp: Command, tmp_path: Path, damage: str
) -> None:
    write_idx_folder(load_dataset("synthetic:30+10"), tmp_path / "data", compress=False)
    file = tmp_path / "data" / "train-labels-idx1-ubyte"
    file.write_bytes(DAMAGE[damage](file.read_bytes()))
    before = sorted(tmp_path.rglob("*"))
    refused(mlp("train", *TINY, "--dataset", "data"), "label")
    assert sorted(tmp_path.rglob("*")) == before


def interrupt_after(epochs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Ctrl-C come while the next epoch runs."""

    def interrupt(self: console.TrainingBar, *_: Any) -> None:
        if self._finished == epochs:
            raise KeyboardInterrupt

    monkeypatch.setattr(console.TrainingBar, "on_step", interrupt)


def test_an_interrupt_keeps_the_last_finished_epoch(
    mlp: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    interrupt_after(1, monkeypatch)
    result = mlp("train", *TINY, "--json")
    assert result.code == 130
    told = json.loads(result.out)
    assert told["interrupted"]
    assert len(told["history"]) == 1
    measured = json.loads(mlp("eval", told["model"], *DATA, "--json").out)
    assert measured["test_correct"] == told["test_correct"]


def test_an_interrupt_before_the_first_epoch_is_done_writes_nothing(
    mlp: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    interrupt_after(0, monkeypatch)
    result = mlp("train", *TINY)
    assert (result.code, result.out) == (130, "")
    assert "no model was written" in result.err
    assert list(tmp_path.iterdir()) == []


def test_a_committee_makes_no_model_file(mlp: Command) -> None:
    refused(mlp("train", *TINY, "--preset", "committee"), "mlp reproduce committee", code=2)


def test_what_is_to_be_known_of_a_preset_is_told(mlp: Command) -> None:
    name = next(name for name in preset_names() if load_preset(name).explanation)
    assert (
        f"{name}: {load_preset(name).explanation.strip()}"
        in mlp("train", *TINY, "--preset", name).err
    )


def test_two_files_are_named(mlp: Command, tmp_path: Path) -> None:
    for name, rows in (("a.csv", 30), ("b.csv", 12)):
        lines = [f"{k % 5},{k % 3},{'xy'[k % 2]}" for k in range(rows)]
        (tmp_path / name).write_text("\n".join(["u,v,label", *lines]))
    told = json.loads(
        mlp("train", "--train-file", "a.csv", "--test-file", "b.csv", "--epochs", "1",
            "--json").out
    )  # fmt: skip
    assert told["test_total"] == 12


def test_inverted_images_that_teach_nothing_end_with_code_3(mlp: Command, tmp_path: Path) -> None:
    images = load_dataset("synthetic:400+100")
    splits = {"train": images.train, "test": images.test}
    arrays = {f"x_{name}": 255 - split.images for name, split in splits.items()}
    labels = {f"y_{name}": split.labels for name, split in splits.items()}
    np.savez(tmp_path / "ink.npz", **arrays, **labels)
    result = mlp("train", "--dataset", "ink.npz", "--epochs", "40", "--out", "m.safetensors")
    assert result.code == 3, result.err
    assert "answers all images alike after the last epoch" in result.err
    assert "invert them" in result.err.splitlines()[-1]
    assert (tmp_path / "m.safetensors").exists()
    np.savez(tmp_path / "blank.npz", X=np.zeros((40, 4, 4), np.uint8), y=np.arange(40) % 2)
    refused(mlp("train", "--dataset", "blank.npz"), "training images of", "are alike")
