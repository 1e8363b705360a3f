"""Networks that train side by side become what each becomes alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from toys import DATA, share_out, small_micro_batches, toy_model

from mlp.common.errors import UsageError
from mlp.models.metadata import metadata_of
from mlp.nn.network import MLP
from mlp.training.callbacks import Callback
from mlp.training.history import Epoch
from mlp.training.loop import train
from mlp.training.recipe import Recipe
from mlp.training.run import Run
from mlp.training.together import Trained, Watch, shares_x, train_together

SEEDS = (3, 0, 8)
RECIPES: dict[str, dict[str, Any]] = {
    "plain": {},
    "full batch": {"batch_size": "full"},
    "in order": {"shuffle": False},
    "smaller last batch": {"batch_size": 16},
    "large batches": {"batch_size": 40},
    "Nesterov": {"nesterov": True, "clip_value": 0.05},
    "Adam": {"optimizer": "adam", "lr": 0.01, "weight_decay": 1e-2},
    "max-norm": {"max_norm": 1.0, "average": "ema(0.9)"},
    "running": {"train_accuracy": "running", "label_smoothing": 0.1},
    "quadratic": {"loss": "quadratic", "average": "swa(2)"},
    "frozen": {"freeze": "1", "report_every": 2},
}


def networks(dtype: str = "float64", **options: Any) -> list[MLP]:
    return [toy_model(seed=seed, dtype=dtype, **options) for seed in SEEDS]


def recipes(**changes: Any) -> list[Recipe]:
    common: dict[str, Any] = {"epochs": 3, "lr": 0.1, "warmup": 0.5, "batch_size": 10}
    return [Recipe(**(common | changes), seed=seed) for seed in SEEDS]


def compare(changes: dict[str, Any], dtype: str, tolerance: float) -> None:
    """Hold networks that trained together against such that trained alone."""
    alone, together = networks(dtype), networks(dtype)
    of_each = recipes(**changes)
    histories = [train(model, DATA, recipe) for model, recipe in zip(alone, of_each, strict=True)]
    found = train_together(together, DATA, of_each, Watch())
    for model, history, one in zip(alone, histories, found, strict=True):
        np.testing.assert_allclose(one.model.parameters, model.parameters, atol=tolerance, rtol=0)
        assert one.problem is None
        for expected, epoch in zip(history.epochs, one.history.epochs, strict=True):
            assert epoch.loss == pytest.approx(expected.loss, abs=10 * tolerance)
            assert replace(epoch, loss=0.0, seconds=0.0) == replace(expected, loss=0.0, seconds=0.0)
        described = metadata_of(one.model)
        assert described.recipe == metadata_of(model).recipe
        assert described.initialisation == metadata_of(model).initialisation


@pytest.mark.parametrize("name", RECIPES)
def test_each_is_the_network_of_a_run_of_its_own(name: str) -> None:
    compare(RECIPES[name], "float64", 1e-12)


@pytest.mark.parametrize("name", ["plain", "full batch"])
def test_in_float32_to_its_precision(name: str) -> None:
    compare(RECIPES[name], "float32", 5e-6)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("batch_size", [25, "full"])
def test_batches_of_many_micro_batches_and_several_workers(
    workers: int, batch_size: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_micro_batches(monkeypatch, 6000)
    share_out(monkeypatch, workers)
    compare({"batch_size": batch_size, "train_accuracy": "running"}, "float64", 1e-12)


def test_x_is_shared_where_every_network_sees_the_same() -> None:
    assert shares_x(Recipe(batch_size="full"))
    assert shares_x(Recipe(shuffle=False))
    assert not shares_x(Recipe(batch_size=60))


class Told(Watch):
    """Keeps what it is told, and stops after so many questions."""

    def __init__(self, stop_after: int = 10**9) -> None:
        self.epochs: list[tuple[int, int]] = []
        self.warnings: list[tuple[int, str]] = []
        self.asked, self.stop_after = 0, stop_after

    def on_epoch(self, number: int, epoch: Epoch) -> None:
        self.epochs.append((number, epoch.epoch))

    def on_warning(self, number: int, sentence: str) -> None:
        self.warnings.append((number, sentence))

    def stops(self) -> bool:
        self.asked += 1
        return self.asked > self.stop_after


def test_each_epoch_of_each_network_is_told() -> None:
    told = Told()
    train_together(networks(), DATA, recipes(report_every=2, epochs=4), told)
    assert told.epochs == [(n, epoch) for epoch in (1, 3, 4) for n in range(len(SEEDS))]


def test_what_will_go_wrong_is_told_once_and_zeros_of_each() -> None:
    models, told = networks(), Told(0)
    for number in (0, 2):
        models[number].linear[0].W[:] = 0.0
    train_together(models, DATA, recipes(momentum=0.99, lr=0.5), told, first=4)
    assert [(n, sentence.split()[1]) for n, sentence in told.warnings] == [
        (4, "weights"),
        (4, "momentum"),
        (6, "weights"),
    ]


def test_one_that_diverges_stops_alone() -> None:
    """It stays as it was after its last finished epoch; the others are as without it."""
    models, of_each = networks(), recipes()
    models[1].linear[-1].W[0] = np.inf
    start = models[1].parameters.copy()
    found = train_together(models, DATA, of_each, Watch())
    assert "epoch 1, step 1" in str(found[1].problem)
    assert found[1].history.epochs == []
    np.testing.assert_array_equal(models[1].parameters, start)
    for number in (0, 2):
        alone = networks()[number]
        train(alone, DATA, of_each[number])
        np.testing.assert_allclose(models[number].parameters, alone.parameters, atol=1e-12, rtol=0)
        assert found[number].problem is None


def test_where_all_diverge_nothing_is_left_to_do() -> None:
    told = Told()
    models = networks()
    for model in models:
        model.linear[0].b[:] = np.nan
    found = train_together(models, DATA, recipes(), told)
    assert all(one.problem for one in found)
    assert told.epochs == []


def test_steps_far_too_large_are_a_problem() -> None:
    found = train_together(networks(), DATA, recipes(lr=1e5, momentum=0.0), Watch())
    assert all("far too high" in str(one.problem) for one in found)


@pytest.mark.usefixtures("one_at_a_time")
@pytest.mark.parametrize(("stop_after", "epochs"), [(0, 0), (4, 0), (7, 1), (10, 1)])
def test_a_stop_puts_back_the_last_finished_epoch(stop_after: int, epochs: int) -> None:
    """It is asked for before each of 6 updates, and after the epoch."""
    models, told = networks(), Told(stop_after)
    found = train_together(models, DATA, recipes(), told)
    for number, (model, one) in enumerate(zip(models, found, strict=True)):
        assert one.history.interrupted
        assert [epoch.epoch for epoch in one.history.epochs] == list(range(1, epochs + 1))
        alone, stop = networks()[number], StopAfter(epochs)
        train(alone, DATA, recipes()[number], callbacks=[stop])
        np.testing.assert_allclose(model.parameters, alone.parameters, atol=1e-12, rtol=0)


class StopAfter(Callback):
    """Ends a run of its own after so many epochs, or before its first."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs

    def on_epoch_begin(self, run: Run) -> None:
        if run.epoch >= self.epochs:
            run.stop("enough")


def test_an_interrupt_keeps_the_finished_epochs() -> None:
    class Interrupts(Told):
        def on_step(self, number: int, seen: int, loss: Any) -> None:
            if self.epochs and seen > 20:
                raise KeyboardInterrupt

    models = networks()
    found = train_together(models, DATA, recipes(), Interrupts())
    assert [one.history.interrupted for one in found] == [True] * len(SEEDS)
    for number, model in enumerate(models):
        assert [epoch.epoch for epoch in found[number].history.epochs] == [1]
        alone = networks()[number]
        train(alone, DATA, recipes()[number], callbacks=[StopAfter(1)])
        np.testing.assert_allclose(model.parameters, alone.parameters, atol=1e-12, rtol=0)


def test_networks_that_do_not_fit_are_refused() -> None:
    with pytest.raises(UsageError, match="layers to freeze"):
        train_together(networks(), DATA, recipes(freeze="9"), Watch())


def test_seconds_add_up_over_the_networks() -> None:
    found: list[Trained] = train_together(networks(), DATA, recipes(), Watch())
    seconds = [[epoch.seconds for epoch in one.history.epochs] for one in found]
    assert seconds[0] == seconds[1] == seconds[2]
