"""Initial weights: each distribution's moments against theory, and the same start everywhere."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mlp.common.errors import UsageError
from mlp.nn.initializers import INITIALIZERS, draw
from mlp.nn.network import MLP

FAN_IN, FAN_OUT = 300, 500
VARIANCES = {
    "he_normal": 2 / FAN_IN,
    "he_uniform": 2 / FAN_IN,
    "glorot_normal": 2 / (FAN_IN + FAN_OUT),
    "glorot_uniform": 2 / (FAN_IN + FAN_OUT),
    "lecun_normal": 1 / FAN_IN,
    "lecun_uniform": 1 / FAN_IN,
    "uniform(-0.2, 0.6)": 0.8**2 / 12,
    "normal(0.3)": 0.3**2,
    "uniform_fan_in(0.6)": 0.6 / FAN_IN / 3,
    "normal_fan_out(0.6)": 0.6 / FAN_OUT,
}
MEANS = {"uniform(-0.2, 0.6)": 0.2}


def sample(init: str, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    values: np.ndarray = draw(init, rng, FAN_IN, FAN_OUT, (FAN_IN, FAN_OUT))
    return values


def test_every_name_is_covered() -> None:
    assert {name.split("(")[0] for name in VARIANCES} | {"zeros"} == set(INITIALIZERS)


@pytest.mark.parametrize(("init", "variance"), VARIANCES.items())
def test_moments(init: str, variance: float) -> None:
    """Within five standard errors of theory, for 150,000 draws."""
    values, mean = sample(init), MEANS.get(init, 0.0)
    kurtosis = 3.0 if "normal" in init else 1.8
    n = values.size
    assert values.mean() == pytest.approx(mean, abs=5 * math.sqrt(variance / n))
    spread = math.sqrt((kurtosis - 1) / n)  # the variance's relative standard error
    assert values.var() == pytest.approx(variance, rel=5 * spread)
    fourth = ((values - mean) ** 4).mean() / variance**2
    assert fourth == pytest.approx(kurtosis, rel=0.05)


@pytest.mark.parametrize("init", [init for init in VARIANCES if "uniform" in init])
def test_uniform_fills_its_bounds_and_no_more(init: str) -> None:
    mean, bound = MEANS.get(init, 0.0), math.sqrt(3 * VARIANCES[init])
    distance = abs(sample(init) - mean).max()
    assert 0.999 * bound < distance <= bound * (1 + 1e-12)


def test_zeros() -> None:
    assert not sample("zeros").any()


def test_a_spread_of_zero_is_allowed() -> None:
    assert not sample("normal(0)").any()
    assert (sample("uniform(0.5, 0.5)") == 0.5).all()


def test_a_spread_below_zero_is_told_with_its_distribution() -> None:
    with pytest.raises(UsageError, match=r"initialisation 'normal\(-1\)' needs"):
        sample("normal(-1)")


@pytest.mark.parametrize("init", [*VARIANCES, "zeros"])
def test_shape_and_dtype(init: str) -> None:
    values = draw(init, np.random.default_rng(0), 3, 5, (3, 5))
    assert (values.shape, values.dtype) == ((3, 5), np.float64)


@pytest.mark.parametrize(
    "init",
    [
        "xavier", "", "he_normal(2)", "uniform", "uniform(1)", "uniform(2, 1)", "normal(-1)",
        "uniform_fan_in(-1)", "normal_fan_out(-1)",
        "normal(nan)", "normal(inf)", "uniform(0, inf)", "uniform(-1e308, 1e308)", "normal(x)",
        "normal((1))", "normal(1", "zeros(0)",
    ],
)  # fmt: skip
def test_a_bad_initialisation_is_refused_in_a_sentence(init: str) -> None:
    with pytest.raises(UsageError, match="initialisation"):
        sample(init)


def parameters(**options: object) -> np.ndarray:
    model = MLP([7, 5, 3], bias_init="uniform(-1, 1)", **options)  # type: ignore[arg-type]
    values: np.ndarray = model.parameters
    return values


def test_the_same_seed_gives_the_same_bytes() -> None:
    assert parameters(seed=4).tobytes() == parameters(seed=4).tobytes()


def test_another_seed_gives_other_values() -> None:
    assert not np.isclose(parameters(seed=4), parameters(seed=5)).any()


def test_float32_starts_at_the_rounded_float64_start() -> None:
    rounded = parameters(dtype="float64").astype(np.float32)
    np.testing.assert_array_equal(parameters(dtype="float32"), rounded)


def test_a_bias_init_leaves_the_weights_of_the_first_layer() -> None:
    plain, biased = MLP([7, 5]), MLP([7, 5], bias_init="normal(1)")
    np.testing.assert_array_equal(plain.linear[0].W, biased.linear[0].W)


def test_layers_see_their_own_fans() -> None:
    """He's variance follows fan_in, so the layer after the widest has the smallest weights."""
    model = MLP([10, 2000, 200], init="he_normal")
    wide, narrow = (layer.W.var() for layer in model.linear)
    assert wide == pytest.approx(2 / 10, rel=0.1)
    assert narrow == pytest.approx(2 / 2000, rel=0.1)
