"""Each adaptive optimizer against its published formulas, written out in the plainest way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import backends.cpu
from backends import get_backend
from mlp.common.errors import UsageError
from mlp.nn.optim import OPTIMIZERS
from mlp.training.recipe import Recipe

CPU = get_backend("cpu")
P, DECAYED = 7, 4
DECAY = np.where(np.arange(P) < DECAYED, 0.1, 0.0)

Steps = Iterator[tuple[np.ndarray, float]]
"""The gradient of each step, and its learning rate."""


def adam(p: np.ndarray, steps: Steps, coupled: np.ndarray, apart: np.ndarray) -> np.ndarray:
    """Kingma and Ba, algorithm 1, with its bias corrections as they are printed."""
    m, v = np.zeros(P), np.zeros(P)
    for t, (g, lr) in enumerate(steps, 1):
        g = g + coupled * p
        p = p - lr * apart * p
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        p = p - lr * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    return p


def rmsprop(p: np.ndarray, steps: Steps, coupled: np.ndarray, apart: np.ndarray) -> np.ndarray:
    v = np.zeros(P)
    for g, lr in steps:
        g = g + coupled * p
        v = 0.99 * v + 0.01 * g * g
        p = p - lr * g / (np.sqrt(v) + 1e-8)
    return p


def adagrad(p: np.ndarray, steps: Steps, coupled: np.ndarray, apart: np.ndarray) -> np.ndarray:
    total = np.zeros(P)
    for g, lr in steps:
        g = g + coupled * p
        total = total + g * g
        p = p - lr * g / (np.sqrt(total) + 1e-10)
    return p


def lion(p: np.ndarray, steps: Steps, coupled: np.ndarray, apart: np.ndarray) -> np.ndarray:
    """Chen and others, algorithm 2."""
    m = np.zeros(P)
    for g, lr in steps:
        update = np.sign(0.9 * m + 0.1 * g) + apart * p
        p = p - lr * update
        m = 0.99 * m + 0.01 * g
    return p


NONE = np.zeros(P)
REFERENCES: dict[str, tuple[Callable[..., np.ndarray], bool]] = {
    "adam": (adam, False),
    "adamw": (adam, True),
    "rmsprop": (rmsprop, False),
    "adagrad": (adagrad, False),
    "lion": (lion, True),
}
"""Each with whether its decay stands apart from the gradient."""


def gradients(count: int, dtype: str = "float64") -> Steps:
    """Of very different sizes, one of them always 0; the learning rates change."""
    rng = np.random.default_rng(count)
    for step in range(count):
        g = rng.normal(size=P) * 10.0 ** np.arange(-3, P - 3)
        g[2] = 0.0
        yield g.astype(dtype), 0.03 / (1 + step % 7)


def ours(name: str, count: int, dtype: str = "float64", **options: Any) -> np.ndarray:
    p, g = np.arange(1.0, P + 1).astype(dtype), np.empty(P, dtype)
    optimizer = OPTIMIZERS[name](p, g, CPU, **options)
    for gradient, lr in gradients(count, dtype):
        g[:] = gradient
        optimizer.lr[:] = lr
        optimizer.step()
    assert {array.dtype.name for array in optimizer.state.values()} == {dtype}
    return p


def test_every_optimizer_has_its_reference() -> None:
    assert set(OPTIMIZERS) == {"sgd", *REFERENCES}


@pytest.mark.parametrize("decay", [False, True])
@pytest.mark.parametrize("chunk", [65536, 3])
@pytest.mark.parametrize("count", [1, 20, 200])
@pytest.mark.parametrize("name", REFERENCES)
def test_steps_are_the_formulas(
    name: str, count: int, chunk: int, decay: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backends.cpu, "CHUNK", chunk)
    reference, is_apart = REFERENCES[name]
    decays = DECAY if decay else NONE
    coupled, apart = (NONE, decays) if is_apart else (decays, NONE)
    expected = reference(np.arange(1.0, P + 1), gradients(count), coupled, apart)
    options = {"weight_decay": 0.1, "decayed": DECAYED} if decay else {}
    np.testing.assert_allclose(ours(name, count, **options), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", REFERENCES)
def test_float32_keeps_close(name: str) -> None:
    expected = ours(name, 200)
    np.testing.assert_allclose(ours(name, 200, "float32"), expected, rtol=3e-5, atol=3e-5)


@pytest.mark.parametrize("name", ["adamw", "lion"])
def test_a_decay_of_all_parameters_goes_over_them_once(name: str) -> None:
    expected = REFERENCES[name][0](np.arange(1.0, P + 1), gradients(20), NONE, np.full(P, 0.1))
    np.testing.assert_allclose(ours(name, 20, weight_decay=0.1), expected, rtol=1e-12)


@pytest.mark.parametrize("name", REFERENCES)
def test_a_reset_forgets_every_step(name: str) -> None:
    p, g = np.ones(P), np.empty(P)
    optimizer = OPTIMIZERS[name](p, g, CPU)
    optimizer.lr[:] = 0.1
    after = []
    for _ in range(2):
        p[:], g[:] = 1.0, np.arange(P)
        optimizer.step()
        after.append(p.copy())
        optimizer.reset()
    np.testing.assert_array_equal(*after)


@pytest.mark.parametrize(
    "choice",
    ["adam(1)", "adam(-0.1)", "adam(0.9, 1)", "adam(0.9, 0.9, -1)", "rmsprop(1)",
     "rmsprop(0.9, -1)", "adagrad(-1)", "lion(1)", "lion(0.9, 1)"],
)  # fmt: skip
def test_a_number_out_of_range_is_refused(choice: str) -> None:
    optimizer, numbers = OPTIMIZERS.parse(choice)
    with pytest.raises(UsageError, match=r"of an optimizer must be (from 0 to below 1|at least 0)"):
        optimizer(np.ones(P), np.ones(P), CPU, **numbers)


def test_numbers_are_those_of_the_choice() -> None:
    """Without memory, Adam's step is the sign of the gradient, and Adagrad's first one too."""
    for choice in ("adam(0, 0, 0)", "adagrad(0)", "rmsprop(0, 0)", "lion(0, 0)"):
        p = np.zeros(3)
        optimizer, numbers = OPTIMIZERS.parse(choice)
        made = optimizer(p, np.array([3.0, -0.2, 1e-5]), CPU, **numbers)
        made.lr[:] = 0.5
        made.step()
        np.testing.assert_allclose(p, [-0.5, 0.5, -0.5], rtol=1e-15)


def test_a_recipe_takes_the_usual_rate_unless_it_has_one() -> None:
    assert Recipe().lr == 0.15
    for name, optimizer in OPTIMIZERS.items():
        assert Recipe(optimizer=name).lr == optimizer.usual_lr
        assert replace(Recipe(), optimizer=name).lr == optimizer.usual_lr
        assert replace(Recipe(optimizer="lion"), optimizer=name).lr == optimizer.usual_lr
        assert replace(Recipe(lr=0.02), optimizer=name).lr == 0.02


@pytest.mark.parametrize("name", REFERENCES)
def test_a_momentum_that_there_is_not_is_refused(name: str) -> None:
    Recipe(optimizer=name, momentum=0.0)
    for options in ({"momentum": 0.5}, {"nesterov": True}):
        with pytest.raises(UsageError, match=rf"optimizer '{name}' has no (momentum|nesterov)"):
            Recipe(optimizer=name, **options)  # type: ignore[arg-type]
