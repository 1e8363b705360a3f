"""What is timed: the network and images, and the work that is counted for them."""

from __future__ import annotations

import numpy as np
import pytest

from backends import get_backend
from mlp.benchmark.workload import Workload, count_flop, noise
from mlp.training.architecture import Architecture
from mlp.training.recipe import Recipe


def workload(*hidden: int, images: int = 3) -> Workload:
    return Workload(architecture=Architecture(hidden=hidden), recipe=Recipe(), images=noise(images))


def test_operations_are_counted_as_by_hand() -> None:
    y_and_dW = 2 * 5 * (3 * 2 + 2 * 4) * 2
    assert count_flop([3, 2, 4], 5) == y_and_dW + 2 * 5 * 2 * 4


def test_an_epoch_of_mnists_size_is_counted() -> None:
    """784-128-10 over 60,000 images: 24.5 GFLOP, and 3.16 for 784-16-16-10."""
    assert count_flop((784, 128, 10), 60_000) == pytest.approx(24.5e9, rel=2e-3)
    assert count_flop((784, 16, 16, 10), 60_000) == pytest.approx(3.16e9, rel=2e-3)


def test_bytes_are_those_of_the_images_and_of_the_hidden_layers() -> None:
    assert workload(16, 8).image_bytes == 3 * 784
    assert workload(16, 8).float_bytes == 4 * 3 * (2 * 784 + 6 * (16 + 8))


def test_a_workload_has_the_widths_of_its_images_and_classes() -> None:
    assert workload(4, 3).name == "784-4-3-10"
    assert workload(4).build(get_backend("cpu")).sizes == workload(4).sizes == (784, 4, 10)
    assert workload(4).flop == count_flop((784, 4, 10), 3)


def test_an_epoch_goes_through_all_images_and_stays_finite() -> None:
    trainer = workload(4, images=300).trainer(get_backend("cpu"))
    seen: list[int] = []
    before = trainer.model.parameters.copy()
    trainer.epoch(0, lambda images, _: seen.append(images))
    assert seen[-1] == 300
    assert (trainer.model.parameters != before).any()
    assert np.isfinite(trainer.model.parameters).all()


def test_noise_is_in_range_and_the_same_again() -> None:
    first, again = noise(200), noise(200)
    assert (first.images == again.images).all()
    assert (first.images != noise(200, seed=1).images).any()
    assert first.images.shape == (200, 28, 28)
    assert noise(2, side=7).images.shape == (2, 7, 7)
    assert first.images.max() == 255
    assert sorted(set(first.labels.tolist())) == list(range(10))
