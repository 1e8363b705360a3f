"""Every preset and every way to train is captured in CUDA graphs, on a stand-in for a GPU."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from cuda_stand_in import install
from cupy_stand_in import StandIn

from backends import get_backend
from backends.cuda.deform import Deform
from backends.cuda.graph import CapturedStep, GraphWarning
from mlp.data.dataset import Split
from mlp.nn.optim import OPTIMIZERS
from mlp.training.architecture import Architecture
from mlp.training.presets.preset import load_preset, preset_names
from mlp.training.recipe import Recipe
from mlp.training.trainer import Trainer

N, CLASSES = 70, 4
EPOCHS = 3
"""The first runs a step, the second captures it, and the third must replay it."""

RECIPES: dict[str, dict[str, Any]] = {
    "plain": {},
    "smaller last batch": {"batch_size": 48},
    "full batch": {"batch_size": "full"},
    "in order": {"shuffle": False},
    "momentum": {"momentum": 0.9, "nesterov": True},
    "weight decay": {"weight_decay": 1e-3},
    "clipped": {"clip_norm": 1.0, "clip_value": 0.5},
    "dropout": {"dropout": 0.5, "input_dropout": 0.2},
    "max-norm": {"max_norm": 2.0},
    "running accuracy": {"train_accuracy": "running"},
    "quadratic": {"loss": "quadratic"},
    "smooth labels": {"label_smoothing": 0.1},
    "moving average": {"average": "ema"},
    "turned": {"augment": "affine"},
    "elastic": {"augment": "elastic"},
    "thicker": {"augment": "thickness"},
    "all deformations": {"augment": "affine,elastic,thickness", "dropout": 0.5},
    "deformed full batch": {"augment": "affine,elastic", "batch_size": "full"},
    "frozen": {"freeze": "1"},
    **{name: {"optimizer": name} for name in OPTIMIZERS if name != "sgd"},
}


def steps_after(recipe: Recipe, architecture: Architecture) -> list[CapturedStep]:
    """Train a small network; return the steps that were captured."""
    r = np.random.default_rng(0)
    split = Split(
        r.integers(0, 256, (N, 6, 6), dtype=np.uint8), r.integers(0, CLASSES, N).astype(np.uint8)
    )
    model = architecture.build(36, CLASSES, recipe.loss, 0, get_backend("cuda"))
    trainer = Trainer(model, split, recipe)
    for number in range(EPOCHS):
        trainer.epoch(number)
    steps = list(trainer.executor.captured.values())
    assert steps
    return steps


@pytest.fixture(autouse=True)
def device(monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU whose kernels do nothing: what is asked is whether they are captured."""
    monkeypatch.setattr("backends.cuda.device.SPAN", 2)
    install(monkeypatch, StandIn(run_kernels=False))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", RECIPES)
def test_a_way_to_train_replays(name: str, dtype: str) -> None:
    recipe = Recipe(**{"batch_size": 16, "epochs": EPOCHS, **RECIPES[name]})
    steps = steps_after(recipe, Architecture(hidden=(6, 5), dtype=dtype))
    assert [step.replays for step in steps] == [True] * len(steps)


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_replays(name: str) -> None:
    """Its recipe and its parts, on layers that are narrow."""
    preset = load_preset(name)
    narrow = replace(preset.architecture, hidden=tuple(5 for _ in preset.architecture.hidden))
    recipe = replace(preset.recipe, epochs=EPOCHS, warmup=0.0)
    steps = steps_after(recipe, narrow)
    assert [step.replays for step in steps] == [True] * len(steps)


@pytest.mark.parametrize("reads", [True, False])
def test_no_large_stack_of_products_is_left_to_cupy(
    reads: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of thousands of tiny matrices, which are summed by a kernel: cuBLAS takes 65,535 at most.

    There are none where one kernel deforms all.
    """
    if not reads:
        monkeypatch.setattr(Deform, "reads", lambda *_: False)
    install(monkeypatch, cupy := StandIn(run_kernels=False))
    recipe = Recipe(batch_size=16, epochs=EPOCHS, augment="affine,elastic,thickness")
    steps_after(recipe, Architecture(hidden=(6, 5)))
    done = [name for kind, name in cupy.events if kind in ("launch", "captured")]
    assert ("deform_bytes" in done, "weighted_sums" in done) == (reads, not reads)
    assert "matmul" not in done


def test_a_step_that_cannot_be_captured_does_not_replay() -> None:
    backend = get_backend("cuda")
    step = backend.capture(backend.synchronize)
    assert isinstance(step, CapturedStep)
    assert not step.replays
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GraphWarning)
        for _ in range(3):
            step()
    assert not step.replays
