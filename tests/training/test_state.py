"""A state is all that a run needs: what is resumed from one ends in the same bytes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from device import CountingBackend
from toys import DATA, FAST, share_out, small_micro_batches, toy_dataset, toy_model

import backends.cpu
from backends import Backend, get_backend
from mlp.common.errors import ModelError, UsageError
from mlp.models.model_file import save
from mlp.nn.network import MLP
from mlp.training.callbacks import Callback
from mlp.training.loop import train
from mlp.training.presets.preset import load_preset, preset_names
from mlp.training.recipe import Recipe
from mlp.training.run import Run
from mlp.training.state import TrainingState, load_state, save_state

RECIPES: dict[str, dict[str, Any]] = {
    "small batches": {"batch_size": 8},
    "single images": {"batch_size": 1},
    "large batches": {"batch_size": 47},
    "full batch": {"batch_size": "full", "epochs": 9},
    "all of sgd": {"batch_size": 8, "nesterov": True, "weight_decay": 0.01, "clip_value": 0.1},
    "clipped": {"batch_size": 8, "clip_norm": 0.5},
    "no momentum": {"batch_size": 8, "momentum": 0.0},
    **{
        f"{name}, {size}": {"batch_size": size, "optimizer": name, "weight_decay": 0.01}
        for name, size in (
            ("adam", 8),
            ("adam", 47),
            ("adamw", 8),
            ("rmsprop", 47),
            ("adagrad", 8),
            ("lion", 8),
        )
    },
    "deformed": {"batch_size": 8, "augment": "affine,elastic(2),thickness"},
    "deformed, full": {"batch_size": "full", "augment": "elastic(2)", "epochs": 9},
    "dropout": {"batch_size": 8, "dropout": 0.3, "input_dropout": 0.1, "max_norm": 0.9},
    "dropout, large": {"batch_size": 47, "dropout": 0.3},
    "running": {"batch_size": 8, "train_accuracy": "running"},
    "running, large": {"batch_size": 47, "train_accuracy": "running"},
    "validation": {"batch_size": 8, "validation": 12, "keep": "best", "patience": 3},
    "moving average": {"batch_size": 8, "average": "ema(0.9)"},
    "moving average, large": {"batch_size": 47, "average": "ema(0.9)"},
    "average of epochs": {"batch_size": 8, "average": "swa(2)", "validation": 9, "keep": "best"},
    "frozen": {"batch_size": 8, "freeze": "1"},
    "reported rarely": {"batch_size": 8, "report_every": 3, "epochs": 7},
    "unshuffled": {"batch_size": 8, "shuffle": False},
}


class StopAt(Callback):
    """Takes the state between two updates, at the n-th time that it can be, and stops there."""

    def __init__(self, nth: int, path: Path) -> None:
        self.left, self.path, self.updates = nth, path, 0

    def wants_state(self, run: Run) -> bool:
        self.left -= 1
        return self.left == 0

    def on_state(self, run: Run) -> None:
        state = run.state()
        self.updates = state.progress.update
        save_state(state, self.path)
        run.stop("for the test")


class KeepStates(Callback):
    """Takes the state after each epoch."""

    def __init__(self) -> None:
        self.states: list[TrainingState] = []

    def on_epoch_end(self, run: Run) -> None:
        self.states.append(run.state())


def file_of(model: Any, path: Path) -> bytes:
    save(model, path)
    return path.read_bytes()


def interrupted_and_resumed(
    recipe: Recipe, nth: int, path: Path, **network: Any
) -> tuple[bytes, StopAt]:
    stop = StopAt(nth, path / "checkpoint")
    history = train(toy_model(**network), DATA, recipe, callbacks=[stop])
    assert (history.stopped, history.interrupted) == ("for the test", True)
    model = toy_model(**network)
    model.parameters[:] = 7.0  # what counts is in the state
    train(model, DATA, recipe, state=load_state(path / "checkpoint"))
    return file_of(model, path / "resumed"), stop


@pytest.mark.parametrize("options", RECIPES.values(), ids=RECIPES)
@pytest.mark.parametrize("workers", [1, 2])
def test_a_resumed_run_ends_in_the_same_bytes(
    workers: int, options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backends.cpu, "SPAN", 3)
    small_micro_batches(monkeypatch, 3000 if options.get("batch_size") == 47 else 12_800)
    share_out(monkeypatch, workers)
    recipe = Recipe(**{**FAST, "epochs": 4, **options})
    dtype = "float64" if workers == 2 else "float32"
    whole = toy_model(dtype=dtype)
    train(whole, DATA, recipe)
    expected = file_of(whole, tmp_path / "whole")
    within = 0
    for nth in (2, 3, 5, 7):
        resumed, stop = interrupted_and_resumed(recipe, nth, tmp_path, dtype=dtype)
        assert resumed == expected, nth
        within += stop.updates > 0
    assert within or recipe.batch_size == "full"


@pytest.mark.parametrize("name", ["small batches", "dropout", "large batches", "deformed"])
def test_a_run_of_several_workers_is_resumed_too(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    share_out(monkeypatch, 2)
    recipe = Recipe(**{**FAST, **RECIPES[name]})
    whole = toy_model()
    train(whole, DATA, recipe)
    resumed, _ = interrupted_and_resumed(recipe, 3, tmp_path)
    assert resumed == file_of(whole, tmp_path / "whole")


@pytest.mark.parametrize("name", ["small batches", "full batch", "dropout", "running"])
def test_another_device_resumes_too(name: str, tmp_path: Path) -> None:
    recipe = Recipe(**{**FAST, **RECIPES[name]})
    whole = toy_model(backend=CountingBackend())
    train(whole, DATA, recipe)
    resumed, _ = interrupted_and_resumed(recipe, 3, tmp_path, backend=CountingBackend())
    assert resumed == file_of(whole, tmp_path / "whole")


@pytest.mark.parametrize(
    "name", ["small batches", "full batch", "moving average", "dropout", "validation"]
)
def test_a_device_with_graphs_resumes_too(name: str, backend: Backend, tmp_path: Path) -> None:
    """CUDA's backend on a stand-in, and on the first CUDA device where there is one."""
    recipe = Recipe(**{**FAST, "epochs": 5, **RECIPES[name]})
    whole = toy_model(backend=backend)
    train(whole, DATA, recipe)
    resumed, _ = interrupted_and_resumed(recipe, 3, tmp_path, backend=backend)
    assert resumed == file_of(whole, tmp_path / "whole")


BATCH_NORM = pytest.mark.parametrize(
    "name",
    [
        "small batches", "full batch", "dropout", "validation", "moving average",
        "average of epochs", "adam, 8",
    ],
)  # fmt: skip


def check_statistics(name: str, folder: Path, patch: pytest.MonkeyPatch, **network: Any) -> None:
    """Resume a run of a network that has statistics of batches, by two workers."""
    recipe = Recipe(**{**FAST, "epochs": 5, **RECIPES[name]})
    share_out(patch, 2)
    whole = toy_model(**network)
    train(whole, DATA, recipe)
    resumed, _ = interrupted_and_resumed(recipe, 3, folder, **network)
    assert resumed == file_of(whole, folder / "whole")


@BATCH_NORM
@pytest.mark.parametrize(
    "network", [{"activation": "batch_norm,sigmoid"}, {"output": "batch_norm"}], ids=str
)
def test_statistics_of_batches_are_part_of_the_state(
    name: str, network: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_statistics(name, tmp_path, monkeypatch, **network)


@BATCH_NORM
def test_statistics_on_a_device_are_part_of_the_state(
    name: str, backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_statistics(name, tmp_path, monkeypatch, activation="batch_norm,sigmoid", backend=backend)


@pytest.mark.parametrize("name", [n for n in preset_names() if load_preset(n).members == 1])
def test_every_preset_is_resumed_to_the_same_bytes(name: str, tmp_path: Path) -> None:
    """On small images and for a few epochs, at an update of the second."""
    preset = load_preset(name)
    data = toy_dataset(train=400, side=8)
    size = preset.recipe.batch_size
    recipe = replace(
        preset.recipe, epochs=3, warmup=0.0, schedule="constant",
        batch_size="full" if size == "full" else min(size, 8),
        validation=min(preset.recipe.validation, 40),
    )  # fmt: skip
    architecture = replace(preset.architecture, hidden=(7,) * len(preset.architecture.hidden))

    def build() -> MLP:
        cpu = get_backend("cpu")
        return architecture.build(data.pixels, data.classes, recipe.loss, 1, cpu)

    whole, model, stop = build(), build(), StopAt(3, tmp_path / "checkpoint")
    train(whole, data, recipe)
    train(build(), data, recipe, callbacks=[stop])
    train(model, data, recipe, state=load_state(tmp_path / "checkpoint"))
    assert file_of(model, tmp_path / "resumed") == file_of(whole, tmp_path / "whole")


@pytest.mark.parametrize("options", RECIPES.values(), ids=RECIPES)
def test_every_epochs_end_can_be_resumed_from(options: dict[str, Any], tmp_path: Path) -> None:
    recipe = Recipe(**{**FAST, "epochs": 4, **options})
    states, whole = KeepStates(), toy_model()
    train(whole, DATA, recipe, callbacks=[states])
    expected = file_of(whole, tmp_path / "whole")
    for state in states.states:
        save_state(state, tmp_path / "state")
        model = toy_model()
        train(model, DATA, recipe, state=load_state(tmp_path / "state"))
        assert file_of(model, tmp_path / "resumed") == expected


def test_another_number_of_workers_goes_on_nearly_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = Recipe(batch_size=8, **{**FAST, "epochs": 4})
    states, whole = KeepStates(), toy_model(dtype="float64")
    train(whole, DATA, recipe, callbacks=[states])
    share_out(monkeypatch, 3)
    model = toy_model(dtype="float64")
    train(model, DATA, recipe, state=states.states[1])
    np.testing.assert_allclose(model.parameters, whole.parameters, rtol=0, atol=1e-12)


def test_the_number_of_epochs_may_grow() -> None:
    recipe = Recipe(batch_size=8, **{**FAST, "schedule": "constant"})
    states, longer = KeepStates(), replace(recipe, epochs=6)
    train(toy_model(), DATA, recipe, callbacks=[states])
    model, whole = toy_model(), toy_model()
    history = train(model, DATA, longer, state=states.states[-1])
    train(whole, DATA, longer)
    assert [epoch.epoch for epoch in history.epochs] == [1, 2, 3, 4, 5, 6]
    np.testing.assert_array_equal(model.parameters, whole.parameters)


def test_a_state_of_a_version_with_fewer_choices_goes_on() -> None:
    recipe = Recipe(batch_size=8, **FAST)
    states, whole = KeepStates(), toy_model()
    train(whole, DATA, recipe, callbacks=[states])
    del states.states[1].recipe["monitor"]
    model = toy_model()
    train(model, DATA, recipe, state=states.states[1])
    np.testing.assert_array_equal(model.parameters, whole.parameters)


# What is refused


def test_a_state_of_another_run_is_refused() -> None:
    recipe = Recipe(batch_size=8, **FAST)
    states = KeepStates()
    train(toy_model(), DATA, recipe, callbacks=[states])
    state = states.states[-1]
    changes: list[tuple[dict[str, Any], str]] = [
        ({"lr": 0.7}, r"another recipe: its lr is 0\.\d, not 0\.7"),
        ({"batch_size": 9}, "another recipe: its batch_size is 8, not 9"),
        ({"epochs": 2}, r"in epoch \d already, so it cannot end after 2"),
    ]
    for change, said in changes:
        with pytest.raises(UsageError, match=said):
            train(toy_model(), DATA, replace(recipe, **change), state=state)
    with pytest.raises(UsageError, match=r"another network: its sizes is \[16, 9, 7, 5\], not"):
        train(toy_model(8), DATA, recipe, state=state)
    with pytest.raises(UsageError, match="another dataset: its train is"):
        train(toy_model(), toy_dataset(seed=1), recipe, state=state)


def test_a_file_that_is_no_whole_checkpoint_is_refused(tmp_path: Path) -> None:
    states = KeepStates()
    train(toy_model(), DATA, Recipe(batch_size=8, **FAST), callbacks=[states])
    path = tmp_path / "checkpoint"
    with pytest.raises(ModelError, match="there is no checkpoint"):
        load_state(path)
    save_state(states.states[-1], path)
    whole = path.read_bytes()
    for cut in (0, 7, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:cut])
        with pytest.raises(ModelError, match="cannot be read as a checkpoint"):
            load_state(path)
    newer = whole.replace(rb"\"format\": 1", rb"\"format\": 9")
    assert newer != whole
    path.write_bytes(newer)
    with pytest.raises(ModelError, match="of format 9, but this version reads format 1"):
        load_state(path)
    save(toy_model(), path)
    with pytest.raises(ModelError, match="of another kind"):
        load_state(path)
