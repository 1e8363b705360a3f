"""What is measured is on the disk at once, and is as if the run had never been stopped."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from toys import DATA, FAST, toy_model

from mlp.training.loop import train
from mlp.training.recipe import Recipe
from mlp.training.run import Run
from mlp.training.runs.checkpointer import Checkpointer
from mlp.training.runs.folder import RunFolder
from mlp.training.runs.writers import HistoryWriter, LogWriter, read_history

RECIPE = Recipe(batch_size=8, **FAST)


def lines(path: Path) -> list[dict[str, float | None]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_line_an_epoch_tells_its_figures(tmp_path: Path) -> None:
    history = train(
        toy_model(), DATA, RECIPE, callbacks=[HistoryWriter(tmp_path / "h", pytest.fail)]
    )
    found = lines(tmp_path / "h")
    assert [line["epoch"] for line in found] == [1, 2, 3, 4]
    for line, epoch in zip(found, history.epochs, strict=True):
        assert line["loss"] == epoch.loss
        assert line["test_accuracy"] == epoch.test_accuracy
        assert line["seconds"] == epoch.seconds
        assert line["images_per_second"] == pytest.approx(60 / epoch.seconds)
        assert line["gradient_norm"] is not None
    last = 0.2 * (1 - (3 + 7.5 / 8) / 4)
    assert found[-1]["lr"] == pytest.approx(last)


def test_epochs_that_are_not_measured_count_for_the_images_a_second(tmp_path: Path) -> None:
    recipe = Recipe(batch_size=8, report_every=2, **FAST)
    train(toy_model(), DATA, recipe, callbacks=[HistoryWriter(tmp_path / "h", pytest.fail)])
    found = lines(tmp_path / "h")
    assert [line["epoch"] for line in found] == [1, 3, 4]
    seconds, speed = found[1]["seconds"], found[1]["images_per_second"]
    assert seconds is not None
    assert speed == pytest.approx(2 * 60 / seconds)


def test_each_line_is_there_before_the_next_epoch(tmp_path: Path) -> None:
    counts: list[int] = []

    class Count(LogWriter):
        def on_epoch_end(self, run: Run) -> None:
            counts.append(len(lines(tmp_path / "h")))

    callbacks = [HistoryWriter(tmp_path / "h", pytest.fail), Count(tmp_path / "log")]
    train(toy_model(), DATA, RECIPE, callbacks=callbacks)
    assert counts == [1, 2, 3, 4]


@pytest.mark.parametrize("activation", ["relu", "batch_norm,tanh"])
def test_the_gradient_norm_is_that_of_the_first_images(activation: str, tmp_path: Path) -> None:
    model = toy_model(activation=activation, dtype="float64")
    recipe = Recipe(batch_size=8, shuffle=False, epochs=1, lr=1e-300)
    train(model, DATA, recipe, callbacks=[HistoryWriter(tmp_path / "h", pytest.fail)])
    x = DATA.train.images[:8].reshape(8, 16) / 255.0
    network = model.in_training()
    logits = network.forward(x)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    network.backward((probabilities - np.eye(5)[DATA.train.labels[:8]]) / 8)
    assert lines(tmp_path / "h")[0]["gradient_norm"] == pytest.approx(
        float(np.linalg.norm(model.gradients))
    )


@pytest.mark.parametrize(
    "options",
    [
        {"batch_size": 8},
        {"batch_size": "full"},
        {"batch_size": 8, "dropout": 0.3, "augment": "affine", "train_accuracy": "running"},
        {"batch_size": 8, "average": "ema(0.9)"},
    ],
)
@pytest.mark.parametrize("activation", ["relu", "batch_norm,relu"])
def test_to_be_watched_changes_no_bit(
    tmp_path: Path, activation: str, options: dict[str, object]
) -> None:
    recipe = Recipe(**options, **FAST)  # type: ignore[arg-type]
    plain, watched = toy_model(activation=activation), toy_model(activation=activation)
    before = train(plain, DATA, recipe)
    callbacks = [HistoryWriter(tmp_path / "h", pytest.fail), LogWriter(tmp_path / "log")]
    after = train(watched, DATA, recipe, callbacks=callbacks)
    assert plain.parameters.tobytes() == watched.parameters.tobytes()
    assert [e.loss for e in before.epochs] == [e.loss for e in after.epochs]


def test_a_resumed_run_keeps_the_lines_up_to_its_checkpoint(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    writer = HistoryWriter(folder.history, pytest.fail)
    train(toy_model(), DATA, RECIPE, callbacks=[writer, Checkpointer(folder, 1e-9)])
    first = lines(folder.history)
    before = folder.checkpoints()[0]  # within the last epoch
    folder.checkpoint(4, 0).unlink()
    with folder.history.open("a") as file:
        file.write('{"epoch": 5, "lo')  # cut short by a kill
    _, state = folder.latest_state(pytest.fail)
    assert state is not None
    assert before.exists()
    again = HistoryWriter(folder.history, pytest.fail)
    train(toy_model(), DATA, RECIPE, callbacks=[again], state=state)
    found = lines(folder.history)
    assert found[:3] == first[:3]
    assert [line["epoch"] for line in found] == [1, 2, 3, 4]
    assert found[3]["loss"] == first[3]["loss"]
    folder.history.unlink()
    train(
        toy_model(), DATA, RECIPE,
        callbacks=[HistoryWriter(folder.history, pytest.fail)], state=state,
    )  # fmt: skip
    assert [line["epoch"] for line in lines(folder.history)] == [1, 2, 3, 4]


def test_a_disk_that_is_full_for_a_while_is_told_once_and_no_line_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, calls = os.fsync, []

    def full_at_times(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) in (2, 3):
            raise OSError(28, os.strerror(28))
        whole(descriptor)

    monkeypatch.setattr(os, "fsync", full_at_times)
    warnings: list[str] = []
    train(toy_model(), DATA, RECIPE, callbacks=[HistoryWriter(tmp_path / "h", warnings.append)])
    assert [line["epoch"] for line in lines(tmp_path / "h")] == [1, 2, 3, 4]
    assert len(warnings) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["h"]


def test_a_folder_that_vanishes_stops_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    warnings: list[str] = []
    callbacks = [HistoryWriter(folder / "h", warnings.append), LogWriter(folder / "log")]
    shutil.rmtree(folder)
    history = train(toy_model(), DATA, RECIPE, callbacks=callbacks)
    assert len(history.epochs) == 4
    assert len(warnings) == 1


def test_the_log_tells_how_a_run_began_went_on_and_ended(tmp_path: Path) -> None:
    log = LogWriter(tmp_path / "log.txt")
    train(toy_model(), DATA, RECIPE, callbacks=[log])
    log.write("warning: λ")
    told = [
        line.split(" ", 1)[1] for line in (tmp_path / "log.txt").read_text("utf-8").splitlines()
    ]
    assert "MLP(16-9-7-5" in told[0]
    assert "from epoch 1 of 4" in told[0]
    assert told[1].startswith("epoch 1/4  loss")
    assert told[-2:] == ["finished after epoch 4", "warning: λ"]


def test_what_is_no_history_has_no_lines(tmp_path: Path) -> None:
    assert read_history(tmp_path / "nowhere") == []
    (tmp_path / "h").write_bytes(b'\xff\n[1]\n{"epoch": "1"}\n{"epoch": 2}\n' + b"[" * 100_000)
    assert read_history(tmp_path / "h") == [{"epoch": 2}]


def test_a_figure_that_is_none_spoils_its_line_alone(tmp_path: Path) -> None:
    lines = [{"epoch": 1, "loss": "x"}, {"epoch": 2, "loss": 10**400}, {"epoch": 3, "loss": []}]
    kept = {"epoch": 4, "loss": 0.5, "validation_accuracy": None}
    (tmp_path / "h").write_text("".join(json.dumps(line) + "\n" for line in [*lines, kept]))
    assert read_history(tmp_path / "h") == [kept]
