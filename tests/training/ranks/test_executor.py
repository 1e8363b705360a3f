"""Any number of ranks trains the same network, to the bit; also where a run stops and goes on."""

from __future__ import annotations

import signal
from typing import Any

import numpy as np
import pytest
from thread_ranks import run_ranks
from toys import DATA, FAST, small_micro_batches, toy_model

from mlp.common.errors import DivergedError, UsageError
from mlp.training.callbacks import Callback
from mlp.training.history import History
from mlp.training.loop import train
from mlp.training.ranks.executor import RankedExecutor
from mlp.training.ranks.ranks import AgreedError, Ranks
from mlp.training.recipe import Recipe
from mlp.training.run import Run
from mlp.training.runs.share_signals import ShareSignals
from mlp.training.runs.signals import Signals, StopOnSignal
from mlp.training.state import TrainingState
from mlp.training.trainer import Trainer

OPTIONS: dict[str, dict[str, Any]] = {
    "full": {"batch_size": "full"},
    "a tail of 3": {"batch_size": 19, "train_accuracy": "running", "nesterov": True},
    "all that is drawn": {
        "batch_size": 32, "dropout": 0.3, "input_dropout": 0.1, "augment": "affine",
        "validation": 12, "optimizer": "adam",
    },
    "all that holds": {
        "batch_size": 40, "class_weight": "balanced", "average": "ema", "max_norm": 1.0,
        "clip_norm": 0.5, "freeze": "2", "weight_decay": 0.01,
    },
}  # fmt: skip


def told(history: History) -> list[Any]:
    names = ("loss", "train_accuracy", "test_accuracy", "validation_accuracy", "validation_loss")
    figures = [[getattr(epoch, name) for name in names] for epoch in history.epochs]
    return [[figure for figure in epoch if figure is not None] for epoch in figures]


def trained_by(size: int, recipe: Recipe, dtype: str = "float32", **options: Any) -> Any:
    """The bytes and the figures of each rank."""

    def work(ranks: Ranks) -> Any:
        model = toy_model(dtype=dtype)
        history = train(model, DATA, recipe, ranks=ranks, **options)
        return model.parameters.tobytes(), told(history)

    return run_ranks(size, work)


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_any_number_of_ranks_computes_the_same_bytes(
    options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    small_micro_batches(monkeypatch)
    recipe = Recipe(**FAST | options)
    results = [result for size in (1, 2, 3) for result in trained_by(size, recipe)]
    assert all(result == results[0] for result in results)


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_ranks_compute_what_one_process_does(options: dict[str, Any]) -> None:
    recipe = Recipe(**FAST | options)
    parameters, figures = trained_by(4, recipe, dtype="float64")[3]
    model = toy_model(dtype="float64")
    plain = told(train(model, DATA, recipe))
    np.testing.assert_allclose(np.frombuffer(parameters), model.parameters, rtol=0, atol=1e-12)
    for ours, theirs in zip(figures, plain, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-12)


class SignalOnce(Callback):
    """Lets a signal come at an update of the second epoch; notes the state that is saved."""

    saved: TrainingState | None = None

    def __init__(self, signals: Signals | None) -> None:
        self._signals = signals

    def on_update(self, run: Run, seen: int, loss: Any) -> None:
        if self._signals is not None and run.epoch == 1 and seen == 32:
            self._signals.received = signal.SIGTERM

    def wants_state(self, run: Run) -> bool:
        return False

    def on_state(self, run: Run) -> None:
        self.saved = run.state()


@pytest.mark.parametrize("who", [0, 2])
def test_a_signal_to_one_stops_all_and_any_number_goes_on(who: int) -> None:
    recipe = Recipe(**FAST | {"batch_size": 16, "train_accuracy": "running", "dropout": 0.2})
    whole = trained_by(1, recipe)[0]

    def stopped(ranks: Ranks) -> Any:
        signals = Signals()
        noted = SignalOnce(signals if ranks.rank == who else None)
        callbacks = [ShareSignals(ranks, signals), noted, StopOnSignal(signals)]
        history = train(toy_model(), DATA, recipe, ranks=ranks, callbacks=callbacks)
        assert signals.stopped(history)
        return noted.saved if ranks.rank == 0 else None

    state = run_ranks(3, stopped)[0]
    assert (state.epoch, state.progress.update) == (1, 3)
    assert trained_by(2, recipe, state=state) == [whole, whole]


def test_a_signal_at_the_end_of_an_epoch_reaches_all() -> None:
    def work(ranks: Ranks) -> int:
        signals = Signals()
        if ranks.rank == 1:
            signals.received = signal.SIGTERM
        ShareSignals(ranks, signals).on_epoch_end(None)  # type: ignore[arg-type]
        return signals.exit_code

    assert run_ranks(2, work) == [143, 143]


def test_ranks_that_differ_are_refused() -> None:
    def work(ranks: Ranks) -> str:
        recipe = Recipe(seed=ranks.rank, **FAST)
        with pytest.raises(AgreedError) as caught:
            train(toy_model(), DATA, recipe, ranks=ranks)
        return str(caught.value)

    first, second = run_ranks(2, work)
    assert "rank 1 on " in first
    assert "its seed of the recipe is 1, not 0; start all by one command" in first
    assert second == first


def test_other_kernels_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """They do not change what the ranks have in common, but with whom it is shared."""
    monkeypatch.setattr(Trainer, "kernels", lambda self: f"a BLAS for {self.ranks.rank % 2}")

    def work(ranks: Ranks) -> list[str]:
        told: list[str] = []
        train(toy_model(), DATA, Recipe(**FAST), ranks=ranks, on_warning=told.append)
        return [sentence for sentence in told if "a BLAS" in sentence]

    assert run_ranks(3, work)[0] == [
        "ranks compute by a BLAS for 0 and by a BLAS for 1, so that another number of ranks may "
        "give other last bits"
    ]
    assert run_ranks(1, work)[0] == []


def test_weights_that_differ_after_an_epoch_are_told() -> None:
    class Spoil(Callback):
        def on_update(self, run: Run, seen: int, loss: Any) -> None:
            run.model.parameters[3] += 1.0

    def work(ranks: Ranks) -> str:
        spoil = [Spoil()] if ranks.rank == 1 else []
        with pytest.raises(AgreedError) as caught:
            train(toy_model(), DATA, Recipe(**FAST), ranks=ranks, callbacks=spoil)
        return str(caught.value)

    assert all("rank 1 on " in said and "in epoch 1" in said for said in run_ranks(2, work))


def test_all_diverge_alike() -> None:
    def work(ranks: Ranks) -> str:
        with pytest.raises(DivergedError) as caught:
            train(toy_model(), DATA, Recipe(**FAST | {"lr": 1e30}), ranks=ranks)
        return str(caught.value)

    first, second = run_ranks(2, work)
    assert first == second


class Crowd(Ranks):
    """The first of so many ranks."""

    launched = True

    def __init__(self, size: int) -> None:
        self.size = size


def test_more_ranks_than_pieces_are_refused() -> None:
    assert isinstance(Trainer(toy_model(), DATA.train, Recipe(), Crowd(8)).executor, RankedExecutor)
    with pytest.raises(UsageError, match="cut into 8 pieces, too few for 9 ranks: start at most 8"):
        Trainer(toy_model(), DATA.train, Recipe(), Crowd(9))


def test_whole_batches_are_refused() -> None:
    model = toy_model(activation="batch_norm,relu")
    with pytest.raises(UsageError, match="batch_norm takes all images of a batch at once"):
        Trainer(model, DATA.train, Recipe(), Crowd(2))
