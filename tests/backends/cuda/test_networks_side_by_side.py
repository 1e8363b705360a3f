"""Networks side by side on a stand-in for a GPU: as many launches as one, and the same results."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from cuda_stand_in import install, open_stand_in
from cupy_stand_in import StandIn
from toys import DATA, toy_model

from backends import get_backend
from backends.cuda.kernels import Kernels
from mlp.nn.stack import Stack
from mlp.training.many import train_many
from mlp.training.recipe import Recipe
from mlp.training.together import StackTrainer, shares_x
from mlp.training.trainer import Trainer

RECIPES: dict[str, dict[str, Any]] = {
    "plain": {"batch_size": 20},
    "smaller last batch": {"batch_size": 16},
    "full batch": {"batch_size": "full"},
    "in order": {"batch_size": 20, "shuffle": False},
    "running accuracy": {"batch_size": 20, "train_accuracy": "running"},
    "all at once": {"batch_size": 20, "average": "ema", "max_norm": 1.0, "optimizer": "adam"},
}


def captured(networks: int, recipe: Recipe) -> Counter[str]:
    """Train some networks for three epochs; count what their graphs hold."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("backends.cuda.device.SPAN", 2)
        install(patch, cupy := StandIn(run_kernels=False))
        backend = get_backend("cuda")
        recipes = [replace(recipe, seed=seed) for seed in range(networks)]
        models = [toy_model(seed=own.seed, backend=backend) for own in recipes]
        trainer = Trainer(models[0], DATA.train, recipe)
        if networks > 1:
            stack = Stack(models, shares_x=shares_x(recipe))
            trainer = StackTrainer(stack, DATA.train, recipes)
        cupy.events.clear()
        for number in range(3):
            trainer.epoch(number)
        steps: list[Any] = list(trainer.executor.captured.values())
        assert [step.replays for step in steps] == [True] * len(steps)
        return Counter(name for kind, name in cupy.events if kind == "captured")


@pytest.mark.parametrize("name", RECIPES)
def test_an_update_of_many_networks_takes_the_launches_of_one(name: str) -> None:
    """One more where they share the images, whose targets are repeated for each."""
    recipe = Recipe(epochs=3, warmup=0.0, **RECIPES[name])
    one, two, seven = (captured(networks, recipe) for networks in (1, 2, 7))
    assert two == seven
    # A loss, and a count of answers, is of one more launch where targets are repeated for each.
    repeated = one["softmax_cross_entropy"] + one["count_correct"] if shares_x(recipe) else 0
    assert sum(seven.values()) == sum(one.values()) + repeated


@pytest.mark.parametrize("name", ["plain", "full batch", "running accuracy"])
def test_they_become_what_they_become_on_a_cpu(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = Recipe(epochs=3, lr=0.1, warmup=0.0, **RECIPES[name])
    _, gpu = open_stand_in(monkeypatch)
    seeds, found = (4, 1, 2), []
    for backend in (get_backend("cpu"), gpu):
        models = [toy_model(seed=seed, dtype="float64", backend=backend) for seed in seeds]
        found.append(train_many(models, DATA, recipe, seeds))
    for cpu, cuda in zip(*found, strict=True):
        parameters = gpu.to_numpy(cuda.model.parameters)
        np.testing.assert_allclose(parameters, cpu.model.parameters, atol=1e-12, rtol=0)
        for a, b in zip(cpu.history.epochs, cuda.history.epochs, strict=True):
            assert (a.train_accuracy, a.test_accuracy) == (b.train_accuracy, b.test_accuracy)
            assert a.loss == pytest.approx(b.loss, abs=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(1, 2, 3), (3, 300, 4), (7, 5, 10)])
def test_losses_and_counts_of_rows_that_take_turns(
    shape: tuple[int, int, int], dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each network has what a call with its rows alone writes, to the bit, time and again."""
    S, N, C = shape
    cupy, backend = open_stand_in(monkeypatch)
    kernels, r = Kernels(cupy), np.random.default_rng(1)
    logits = r.normal(size=(N, S, C)).astype(dtype)
    targets = np.eye(C, dtype=dtype)[r.integers(0, C, (N, S))]

    def both(logits: Any, targets: Any, networks: int) -> list[Any]:
        rows = [backend.asarray(np.ascontiguousarray(a).reshape(-1, C)) for a in (logits, targets)]
        p, loss = (backend.asarray(np.zeros(s, dtype)) for s in (rows[0].shape, (networks, 1)))
        total = backend.asarray(np.ones((networks, 1), dtype))
        for _ in range(2):
            kernels.softmax_cross_entropy(*rows, p, loss, 0.25)
            kernels.count_correct(*rows, total)
        return [
            backend.to_numpy(a).reshape(-1, networks, C if a is p else 1) for a in (p, loss, total)
        ]

    together = both(logits, targets, S)
    for s in range(S):
        for found, alone in zip(together, both(logits[:, s], targets[:, s], 1), strict=True):
            np.testing.assert_array_equal(found[:, s], alone[:, 0])
