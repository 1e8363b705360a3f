"""New arrays, buffers and captured steps do the same sums."""

from __future__ import annotations

import numpy as np

from bench.capture import ARMS, NewArrays, make_trainer
from mlp.benchmark.workload import noise


def test_all_arms_reach_the_same_parameters() -> None:
    trainers = [make_trainer(arm, (4,), 16, noise(50)) for arm in ARMS]
    for trainer in trainers:
        trainer.epoch(0)
    first, *others = (trainer.model.parameters for trainer in trainers)
    assert all(np.array_equal(first, other) for other in others)
    new, *kept = ([layer.buffer for layer in trainer.model.layers] for trainer in trainers)
    assert all(isinstance(buffer, NewArrays) for buffer in new)
    assert not any(isinstance(buffer, NewArrays) for buffers in kept for buffer in buffers)


def test_new_arrays_are_new() -> None:
    (layer, *_) = make_trainer("new arrays", (4,), 16, noise(50)).model.layers
    assert layer.buffer("y", 3) is not layer.buffer("y", 3)
