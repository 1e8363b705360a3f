"""Rates that rise: where the loss is least, and curves that tell nothing."""

from __future__ import annotations

import numpy as np
import pytest
from cuda_stand_in import open_stand_in
from toys import DATA, toy_dataset, toy_model

from mlp.common.errors import DivergedError, UsageError
from mlp.training.range_test import (
    Curve,
    measure,
    read,
    smooth,
    usual_range,
    usual_steps,
)
from mlp.training.recipe import Recipe

SMALL = Recipe(batch_size=10, seed=3)


def curve(losses: np.ndarray, steps: int | None = None, noise: float = 0.0) -> Curve:
    """A curve over rates from 1e-4 to 10, with noise."""
    rates = np.geomspace(1e-4, 10.0, steps or len(losses))[: len(losses)]
    noisy = losses + np.random.default_rng(0).normal(0, noise, len(losses))
    return Curve(rates, noisy, steps or len(losses), float(losses[0]))


def bowl(steps: int = 200, least: float = 0.6) -> np.ndarray:
    """2.3 at first; falls from a third of the way on to 0.5, and rises again."""
    place = np.linspace(0, 1, steps)
    fallen = 2.3 - 1.8 * np.clip((place - 0.3) / (least - 0.3), 0, 1)
    return np.where(place > least, fallen + 12 * (place - least), fallen)


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_the_rate_of_the_least_loss_is_suggested(noise: float) -> None:
    found = read(curve(bowl(), noise=noise))
    assert found.problem is None
    assert found.suggestion == pytest.approx(1e-4 * 10 ** (5 * 0.6), rel=0.35)


def test_what_diverged_is_left_out_and_outweighs_nothing() -> None:
    losses = np.concatenate([bowl()[:150], [1e30] * 50])
    found = read(curve(losses))
    assert found.suggestion == pytest.approx(0.1, rel=0.35)
    assert len(found.lrs) == len(found.smoothed) < 160
    assert found.smoothed.max() < 10


def test_a_curve_that_ends_where_a_loss_is_not_finite_has_a_suggestion() -> None:
    assert read(curve(bowl()[:150], 200)).suggestion == pytest.approx(0.1, rel=0.35)


@pytest.mark.parametrize(
    ("losses", "steps", "kind", "words"),
    [
        (np.full(200, 2.3), 200, 1, "no slope"),
        (np.linspace(2.3, 2.29, 200), 200, 1, "no slope"),
        (np.concatenate([np.full(120, 2.3), np.full(80, 1e9)]), 200, 1, "before it diverges"),
        (np.linspace(2.3, 0.5, 200), 200, 1, "still falls"),
        (np.array([2.3, 1e9, 1e20]), 200, 3, "diverges at once"),
        (np.geomspace(2.3, 1e6, 200), 200, 3, "diverges at once"),
        (np.concatenate([[2.3], np.geomspace(1e6, 3.0, 199)]), 200, 3, "diverges at once"),
    ],
)
def test_a_curve_that_tells_nothing_is_refused(
    losses: np.ndarray, steps: int, kind: int, words: str
) -> None:
    found = read(curve(losses, steps, noise=0.02))
    assert found.suggestion is None
    assert found.problem is not None
    assert found.problem.exit_code == kind
    assert words in str(found.problem)


def test_noise_is_no_slope() -> None:
    for seed in range(20):
        noisy = np.random.default_rng(seed).normal(2.3, 0.6, 200)
        found = read(Curve(np.geomspace(1e-4, 10, 200), noisy, 200, 2.3))
        assert "no slope" in str(found.problem), seed


def test_a_network_that_starts_infinite_diverges_before_any_update() -> None:
    found = read(Curve(np.empty(0), np.empty(0), 200, np.inf))
    assert isinstance(found.problem, DivergedError)
    assert "before any update" in str(found.problem)


def test_smoothing_leaves_a_line_and_a_constant_in_place() -> None:
    np.testing.assert_allclose(smooth(np.full(50, 3.0), 4.0), 3.0)
    line = np.linspace(0, 1, 50)
    np.testing.assert_allclose(smooth(line, 2.0)[10:-10], line[10:-10])


def test_a_network_is_trained_at_rising_rates() -> None:
    told: list[int] = []
    model = toy_model()
    before = model.parameters.copy()
    found = measure(model, DATA, SMALL, 1e-3, 1.0, 40, told.append)
    assert found.steps == len(found.lrs) == len(found.losses) == sum(told) == 40
    np.testing.assert_allclose(found.lrs[[0, -1]], [1e-3, 1.0])
    np.testing.assert_allclose(np.diff(np.log(found.lrs)), np.log(1e3) / 39)
    assert found.initial == pytest.approx(found.losses[0], rel=0.5)
    assert found.losses[-10:].mean() < 0.8 * found.losses[:10].mean()
    assert not np.array_equal(model.parameters, before)


def test_a_seed_gives_the_same_curve() -> None:
    curves = [measure(toy_model(), DATA, SMALL, 1e-3, 1.0, 20) for _ in range(2)]
    np.testing.assert_array_equal(curves[0].losses, curves[1].losses)


def test_a_device_has_the_same_curve(monkeypatch: pytest.MonkeyPatch) -> None:
    """On the stand-in for CUDA, whose steps are captured and replayed."""
    host = measure(toy_model(dtype="float64"), DATA, SMALL, 1e-3, 1.0, 40)
    _, cuda = open_stand_in(monkeypatch)
    device = measure(toy_model(dtype="float64", backend=cuda), DATA, SMALL, 1e-3, 1.0, 40)
    np.testing.assert_allclose(device.losses, host.losses, rtol=1e-9)
    assert device.initial == pytest.approx(host.initial)


def test_its_rates_are_those_of_the_updates() -> None:
    """One update at so small a rate that nothing changes, and then at one that ruins everything."""
    low = measure(toy_model(), DATA, SMALL, 1e-12, 1e-11, 12)
    assert np.ptp(low.losses) < 1.5
    high = measure(toy_model(), DATA, SMALL, 1e20, 1e30, 12)
    assert len(high.losses) < 12


def test_what_is_held_out_is_not_learnt() -> None:
    data = toy_dataset(train=60)
    recipe = Recipe(batch_size=10, validation=0.5)
    assert usual_steps(30, recipe) == 102
    assert measure(toy_model(), data, recipe, 1e-3, 1.0).steps == 102


def test_classes_are_weighed() -> None:
    choice = "1,1,1,1,50"
    plain, weighed = (
        measure(toy_model(), DATA, Recipe(batch_size=10, class_weight=choice), 1e-3, 1.0, 12)
        for choice in (None, choice)
    )
    assert not np.allclose(plain.losses, weighed.losses)


def test_few_steps_take_some_of_the_images() -> None:
    found = measure(toy_model(), toy_dataset(train=500), SMALL, 1e-3, 1.0, 12)
    assert found.steps == len(found.losses) == 12


def test_the_usual_steps_are_an_epoch_or_several() -> None:
    assert usual_steps(60_000, Recipe()) == 469
    assert usual_steps(60_000, Recipe(batch_size="full")) == 100
    assert usual_steps(1_500, Recipe(batch_size=100)) == 105


def test_the_usual_range_follows_the_optimizer() -> None:
    low, high = usual_range(Recipe(optimizer="adam"))
    assert low < 0.001 < high
    assert usual_range(Recipe()) != (low, high)


@pytest.mark.parametrize(
    ("low", "high", "steps", "words"),
    [
        (1.0, 1.0, 20, "must rise"),
        (0.0, 1.0, 20, "must rise"),
        (1.0, np.inf, 20, "must rise"),
        (0.1, 1.0, 9, "at least 10"),
    ],
)
def test_rates_that_make_no_test_are_refused(
    low: float, high: float, steps: int, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        measure(toy_model(), DATA, SMALL, low, high, steps)
