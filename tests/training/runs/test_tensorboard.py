"""TensorBoard reads the figures of a run from the event file in its folder."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from toys import DATA, FAST, toy_model

from mlp.common.errors import UsageError
from mlp.training.loop import train
from mlp.training.recipe import Recipe
from mlp.training.runs import tensorboard
from mlp.training.runs.tensorboard import TensorBoardWriter, check_installed

RECIPE = Recipe(batch_size=8, **FAST)


def test_where_it_is_not_installed_that_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensorboard, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"pip install '.*\[tensorboard\]'"):
        check_installed()


@pytest.mark.filterwarnings("default")  # its own
def test_each_figure_is_a_scalar_of_each_epoch(tmp_path: Path) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    threads = threading.active_count()
    writer = TensorBoardWriter(tmp_path, pytest.fail)
    history = train(toy_model(), DATA, RECIPE, callbacks=[writer])
    assert threading.active_count() == threads
    events = accumulator.EventAccumulator(str(tmp_path))
    events.Reload()
    assert set(events.Tags()["scalars"]) == {
        "loss", "train_accuracy", "test_accuracy", "seconds", "lr", "gradient_norm",
        "images_per_second",
    }  # fmt: skip
    losses = [(event.step, event.value) for event in events.Scalars("loss")]
    assert losses == [
        (epoch.epoch, pytest.approx(epoch.loss, rel=1e-6)) for epoch in history.epochs
    ]


@pytest.mark.filterwarnings("default")
def test_a_folder_that_vanishes_is_told_once(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    warnings: list[str] = []
    train(
        toy_model(), DATA, RECIPE,
        callbacks=[TensorBoardWriter(tmp_path / "nowhere", warnings.append)],
    )  # fmt: skip
    assert len(warnings) == 1
