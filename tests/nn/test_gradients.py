"""Every gradient against central differences, and the checker against gradients made wrong."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from gradients import check_gradient
from toys import TRUE_LOSSES

from backends import get_backend
from mlp.nn.activations import LeakyReLU, ReLU, Sigmoid, Tanh
from mlp.nn.binary_cross_entropy import BinaryCrossEntropy
from mlp.nn.layers import LAYERS, Chain, Layer, Linear
from mlp.nn.losses import LOSSES, SoftmaxCrossEntropy
from mlp.nn.network import MLP
from mlp.nn.quadratic import Quadratic

CPU = get_backend("cpu")
SHAPES = [(1, 1, 1), (1, 3, 2), (5, 1, 3), (4, 3, 1), (3, 3, 3), (2, 7, 5)]  # (N, I, O)


def away_from_zero(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Values of both signs from 0.1 on, where no activation has a kink."""
    return rng.choice([-1.0, 1.0], shape) * rng.uniform(0.1, 2.0, shape)


def some(rng: np.random.Generator, layer: Layer, name: str, shape: Any) -> np.ndarray:
    """Values that a parameter may have."""
    values = rng.normal(size=shape)
    return layer.least[name] + 0.1 + abs(values) if name in layer.least else values


def check_layer(layer: Layer, x: np.ndarray) -> None:
    """Check a layer's dx and its parameters' gradients for L = Σ dy · y with a random dy."""
    rng = np.random.default_rng(7)
    dy = rng.normal(size=layer.forward(x).shape)  # (N, O)

    def value() -> float:
        return float((dy * layer.forward(x)).sum())

    names = layer.shapes(x.shape[1])
    for name in names:
        getattr(layer, f"d{name}").fill(9.0)  # gradients are overwritten, whatever was there
    layer.forward(x)
    dx = layer.backward(dy)
    check_gradient(f"dx of {layer!r}", value, x, dx)
    for name in names:
        gradient = getattr(layer, f"d{name}")
        check_gradient(f"d{name} of {layer!r}", value, getattr(layer, name), gradient)


def check_linear(shape: tuple[int, int, int] = (3, 3, 3), bias: bool = True) -> None:
    N, I, O = shape  # noqa: E741
    rng = np.random.default_rng(sum(shape))
    layer = Linear(I, O, CPU, "float64", bias=bias)
    W, dW, b, db = rng.normal(size=(I, O)), np.empty((I, O)), rng.normal(size=O), np.empty(O)
    parameters, gradients = {"W": W, "b": b}, {"W": dW, "b": db}
    if not bias:
        del parameters["b"], gradients["b"]
    layer.bind(parameters, gradients)
    check_layer(layer, rng.normal(size=(N, I)))


def check_choice(name: str, shape: tuple[int, int] = (3, 4)) -> None:
    """Check a layer of the registry, with parameters of its own where it has some."""
    rng = np.random.default_rng(sum(shape))
    layer = LAYERS.make(name, CPU, "float64")
    for parameter, size in layer.shapes(shape[1]).items():
        layer.bind({parameter: some(rng, layer, parameter, size)}, {parameter: np.empty(size)})
    check_layer(layer, away_from_zero(rng, *shape))
    if (learning := layer.in_training()) is not layer and shape[0] > 1:
        check_layer(learning, away_from_zero(rng, *shape))


def check_loss(
    name: str,
    labels: str = "integers",
    shape: tuple[int, int] = (4, 3),
    total: int | None = None,
    weighted: bool = False,
) -> None:
    N, C = shape
    rng = np.random.default_rng(N + C)
    outputs = rng.normal(size=shape)  # (N, C)
    targets = rng.integers(0, C, N) if labels == "integers" else rng.dirichlet(np.ones(C), N)
    criterion = LOSSES[name](C, CPU, "float64")
    weights = rng.uniform(0.0, 3.0, N) if weighted else None

    def value() -> float:
        return criterion.forward(outputs, targets, total, weights=weights).item()

    value()
    check_gradient(f"gradient of {criterion!r}", value, outputs, criterion.backward())


def check_network(
    sizes: tuple[int, ...] = (4, 4, 4, 3),
    activation: str = "tanh",
    output: str = "identity",
    loss: str = "cross_entropy",
    bias: bool = True,
) -> None:
    """Check each W and b of a network on the smallest seed that keeps its kinks out of reach."""
    for seed in range(100):
        rng = np.random.default_rng(seed)
        model = MLP(
            sizes, activation, output, bias=bias, bias_init="uniform(-1, 1)", seed=seed,
            dtype="float64",
        )  # fmt: skip
        for block, width in zip(model.blocks, sizes[1:], strict=True):
            for follower in block[1:]:
                for parameter, shape in follower.shapes(width).items():
                    getattr(follower, parameter)[...] = some(rng, follower, parameter, shape)
        x = rng.normal(size=(5, sizes[0]))  # (N, I)
        outputs = model.forward(x)
        # Where units hardly vary over a batch, what divides by their deviation bends sharply.
        least = 0.3 if model.in_training() is not model else 0.0
        ys = [layer.buffer("y", 5, layer.outputs) for layer in model.linear]
        if all(abs(y).min() > 1e-3 and y.std(axis=0).min() >= least for y in ys):
            break
    else:
        pytest.fail("no seed keeps all kinks away")
    labels = rng.integers(0, sizes[-1], 5)
    criterion = LOSSES[loss](sizes[-1], CPU, "float64")

    assert outputs.shape == (5, sizes[-1])
    for network in {id(chain): chain for chain in (model, model.in_training())}.values():

        def value(network: Chain = network) -> float:
            return criterion.forward(network.forward(x), labels).item()

        model.gradients.fill(9.0)
        value()
        network.backward(criterion.backward())
        for k, layer in enumerate(model.linear):
            check_gradient(f"dW of layer {k} of {model}", value, layer.W, layer.dW)
            if bias:
                check_gradient(f"db of layer {k} of {model}", value, layer.b, layer.db)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_linear(shape: tuple[int, int, int], bias: bool) -> None:
    check_linear(shape, bias)


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (3, 4)])
@pytest.mark.parametrize("name", LAYERS)
def test_activation(name: str, shape: tuple[int, int]) -> None:
    check_choice(name, shape)


@pytest.mark.parametrize("total", [None, 11])
@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (6, 2), (4, 3)])
@pytest.mark.parametrize("labels", ["integers", "rows"])
@pytest.mark.parametrize("name", TRUE_LOSSES)
def test_loss(name: str, labels: str, shape: tuple[int, int], total: int | None) -> None:
    check_loss(name, labels, shape, total)


@pytest.mark.parametrize("labels", ["integers", "rows"])
@pytest.mark.parametrize("name", TRUE_LOSSES)
def test_weighted_loss(name: str, labels: str) -> None:
    check_loss(name, labels, (5, 4), weighted=True)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("activation", LAYERS)
@pytest.mark.parametrize("sizes", [(3, 2), (3, 5, 2), (2, 3, 1, 4, 3)])
def test_network(sizes: tuple[int, ...], activation: str, bias: bool) -> None:
    check_network(sizes, activation, bias=bias)


@pytest.mark.parametrize("output", LAYERS)
@pytest.mark.parametrize("loss", TRUE_LOSSES)
def test_network_with_an_output_activation(loss: str, output: str) -> None:
    check_network((3, 4, 3), "tanh", output, loss)


@pytest.mark.parametrize("loss", LOSSES)
def test_losses_and_gradients_of_micro_batches_add_up(loss: str) -> None:
    rng = np.random.default_rng(3)
    x, labels = rng.normal(size=(11, 4)), rng.integers(0, 3, 11)
    model = MLP((4, 5, 3), "tanh", dtype="float64")
    criterion = LOSSES[loss](3, CPU, "float64")

    def run(start: int, stop: int) -> tuple[float, np.ndarray]:
        value = criterion.forward(model.forward(x[start:stop]), labels[start:stop], 11).item()
        model.backward(criterion.backward())
        return value, model.gradients.copy()

    whole, gradient = run(0, 11)
    values, gradients = zip(*(run(*rows) for rows in pairwise((0, 4, 5, 11))), strict=True)
    assert sum(values) == pytest.approx(whole, rel=1e-13)
    np.testing.assert_allclose(sum(gradients), gradient, rtol=0, atol=1e-15)


def test_the_published_defect_is_caught() -> None:
    """`LogitError` says that its gradient is not its loss's, and the checker agrees."""
    with pytest.raises(AssertionError, match=r"gradient of LogitError\(\)\["):
        check_loss("logit_error")


# Each mutant is a mistake that people make: (class, method, the mistake, the check, what it says).
def linear_backward(
    dW: Callable[[Any, Any], Any] = lambda x, dy: x.T @ dy,
    db: Callable[[Any], Any] = lambda dy: dy.sum(axis=0),
    dx: Callable[[Any, Any], Any] = lambda W, dy: dy @ W.T,
) -> Callable[[Linear, Any], Any]:
    """A backward pass for `Linear` with one of its formulas replaced."""

    def backward(self: Linear, dy: Any) -> Any:
        self.dW[...] = dW(self.x, dy)
        self.db[...] = db(dy)
        return dx(self.W, dy)

    return backward


def accumulating(self: Linear, dy: Any) -> Any:
    self.dW += self.x.T @ dy
    self.db[...] = dy.sum(axis=0)
    return dy @ self.W.T


def scaled(backward: Callable[[Any], Any], factor: Callable[[Any], float]) -> Callable[[Any], Any]:
    return lambda self: backward(self) * factor(self)


def slope(formula: Callable[[Any], Any]) -> Any:
    """A gradient for an activation that multiplies dy by a formula of y."""

    def gradient(self: Any, xp: Any, dy: Any, x: Any, y: Any, dx: Any) -> None:
        dx[...] = dy * formula(y)

    return gradient


def forgets_first_activation(self: MLP, dy: Any) -> None:
    for i, layer in reversed(list(enumerate(self.layers))):
        if i != 1:
            dy = layer.backward(dy)


def loss_slope(formula: Callable[[Any, Any], Any]) -> Any:
    """A gradient for a loss that is a formula of the outputs and the targets."""

    def gradient(self: Any, xp: Any, outputs: Any, targets: Any, kept: Any) -> None:
        kept[...] = formula(outputs, targets)

    return gradient


def softmax(z: Any) -> Any:
    return np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


CE, BCE = SoftmaxCrossEntropy, BinaryCrossEntropy


MUTANTS: dict[str, tuple[type, str, Any, Callable[[], None], str]] = {
    "x not transposed": (
        Linear, "backward", linear_backward(dW=lambda x, dy: x @ dy), check_linear, "dW",
    ),
    "dW transposed": (
        Linear, "backward", linear_backward(dW=lambda x, dy: dy.T @ x), check_linear,
        "transpose of what it should be",
    ),
    "dW added to": (Linear, "backward", accumulating, check_linear, "dW"),
    "W not transposed": (
        Linear, "backward", linear_backward(dx=lambda W, dy: dy @ W), check_linear, "dx",
    ),
    "db averaged": (
        Linear, "backward", linear_backward(db=lambda dy: dy.mean(axis=0)), check_linear,
        "db of Linear(3, 3)[",
    ),
    "db left out": (
        Linear, "backward", linear_backward(db=lambda dy: 0.0), check_linear, "all of it is 0",
    ),
    "relu without its mask": (
        ReLU, "gradient", slope(np.ones_like), lambda: check_choice("relu"), "dx of ReLU()",
    ),
    "leaky relu without its leak": (
        LeakyReLU, "gradient", slope(lambda y: y > 0), lambda: check_choice("leaky_relu"),
        "dx of LeakyReLU()",
    ),
    "sigmoid without (1 - y)": (
        Sigmoid, "gradient", slope(lambda y: y), lambda: check_choice("sigmoid"), "dx",
    ),
    "sigmoid with (1 - y²)": (
        Sigmoid, "gradient", slope(lambda y: 1 - y * y), lambda: check_choice("sigmoid"), "dx",
    ),
    "tanh with y (1 - y)": (
        Tanh, "gradient", slope(lambda y: y * (1 - y)), lambda: check_choice("tanh"), "dx",
    ),
    "no 1/N": (
        CE, "backward", scaled(CE.backward, lambda self: len(self._outputs)),
        lambda: check_loss("cross_entropy"), "4 times what it should be",
    ),
    "1/N twice": (
        CE, "backward", scaled(CE.backward, lambda self: 1 / len(self._outputs)),
        lambda: check_loss("cross_entropy"), "0.25 times",
    ),
    "1/N of the micro-batch": (
        CE, "backward", scaled(CE.backward, lambda self: 11 / len(self._outputs)),
        lambda: check_loss("cross_entropy", total=11), "2.75 times",
    ),
    "wrong sign": (
        CE, "backward", scaled(CE.backward, lambda self: -1.0),
        lambda: check_loss("cross_entropy"), "-1 times",
    ),
    "softmax without the target": (
        CE, "gradient", loss_slope(lambda z, t: softmax(z)), lambda: check_loss("cross_entropy"),
        "SoftmaxCrossEntropy()[",
    ),
    "quadratic without its half": (
        Quadratic, "gradient", loss_slope(lambda a, t: 2 * (a - t)),
        lambda: check_loss("quadratic"), "2 times",
    ),
    "binary with the slope of σ": (
        BCE, "gradient", loss_slope(lambda z, t: (p := sigmoid(z)) * (1 - p) * (p - t)),
        lambda: check_loss("binary_cross_entropy"), "BinaryCrossEntropy()[",
    ),
    "not a number": (
        CE, "backward", scaled(CE.backward, lambda self: np.nan),
        lambda: check_loss("cross_entropy"), "not finite",
    ),
    "an activation left out": (
        MLP, "backward", forgets_first_activation, check_network, "layer 0",
    ),
}  # fmt: skip


@pytest.mark.parametrize("mutant", MUTANTS)
def test_the_checker_catches(mutant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    owner, method, mistake, check, message = MUTANTS[mutant]
    check()
    monkeypatch.setattr(owner, method, mistake)
    with pytest.raises(AssertionError) as failure:
        check()
    assert message in str(failure.value)


def test_a_failure_names_the_element_and_both_values() -> None:
    x = np.array([[1.0, 2.0], [3.0, 4.0]])
    gradient = 2 * x
    gradient[1, 0] = 5.0
    with pytest.raises(AssertionError, match=r"dx\[1, 0\] should be 6\S* .* but is 5; 1 of 4"):
        check_gradient("dx", lambda: float((x * x).sum()), x, gradient)
    np.testing.assert_array_equal(x, [[1.0, 2.0], [3.0, 4.0]])  # put back


def test_a_gradient_of_another_shape_is_refused() -> None:
    with pytest.raises(AssertionError, match="shape"):
        check_gradient("db", lambda: 0.0, np.zeros(3), np.zeros((1, 3)))
