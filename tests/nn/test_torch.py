"""PyTorch as an oracle, where it is installed: networks, losses and SGD over some steps."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from mlp.nn.losses import LOSSES
from mlp.nn.network import MLP
from mlp.nn.optim import OPTIMIZERS, SGD
from mlp.nn.optim.optimizer import Optimizer
from mlp.training.recipe import Recipe
from mlp.training.step import Step

torch = pytest.importorskip("torch", reason="PyTorch, the oracle of this file, is not installed")

ACTIVATIONS = {
    "relu": torch.relu,
    "leaky_relu": torch.nn.functional.leaky_relu,  # its slope of 0.01 is the default
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "silu": torch.nn.functional.silu,
    "gelu": lambda x: torch.nn.functional.gelu(x, approximate="tanh"),
    "elu": torch.nn.functional.elu,
    "softplus": torch.nn.functional.softplus,
    "identity": lambda x: x,
}


def quadratic(outputs: Any, labels: Any) -> Any:
    t = torch.nn.functional.one_hot(labels, outputs.shape[1])
    return 0.5 * (outputs - t).square().sum() / len(outputs)


def binary(outputs: Any, labels: Any) -> Any:
    t = torch.nn.functional.one_hot(labels, outputs.shape[1]).to(outputs.dtype)
    bce = torch.nn.functional.binary_cross_entropy_with_logits
    return bce(outputs, t, reduction="sum") / len(outputs)


def huber(outputs: Any, labels: Any) -> Any:
    t = torch.nn.functional.one_hot(labels, outputs.shape[1]).to(outputs.dtype)
    return torch.nn.functional.huber_loss(outputs, t, reduction="sum") / len(outputs)


def focal(outputs: Any, labels: Any) -> Any:
    log_p = torch.log_softmax(outputs, 1).gather(1, labels[:, None])
    return -((1 - log_p.exp()) ** 2 * log_p).mean()


ORACLES = {
    "huber": huber,
    "focal": focal,
    "cross_entropy": torch.nn.functional.cross_entropy,
    "quadratic": quadratic,
    "binary_cross_entropy": binary,
}
SIZES, N = (6, 5, 4, 3), 7
RNG = np.random.default_rng(0)
X, LABELS = RNG.normal(size=(N, SIZES[0])), RNG.integers(0, SIZES[-1], N)


def torch_parameters(model: MLP) -> list[Any]:
    arrays = [layer.W for layer in model.linear] + [layer.b for layer in model.linear]
    return [torch.tensor(array.copy(), requires_grad=True) for array in arrays]


def torch_loss(parameters: list[Any], activation: str, loss: str) -> Any:
    y, depth = torch.tensor(X), len(SIZES) - 1
    for k, _ in enumerate(pairwise(SIZES)):
        y = y @ parameters[k] + parameters[depth + k]
        if k < depth - 1:
            y = ACTIVATIONS[activation](y)
    return ORACLES[loss](y, torch.tensor(LABELS))


def flat(tensors: list[Any]) -> np.ndarray:
    return np.concatenate([tensor.detach().numpy().ravel() for tensor in tensors])


@pytest.mark.parametrize("loss", ORACLES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_loss_and_gradients(activation: str, loss: str) -> None:
    model = MLP(SIZES, activation, bias_init="uniform(-1, 1)", dtype="float64")
    criterion = LOSSES[loss](SIZES[-1], model.backend, "float64")
    parameters = torch_parameters(model)
    expected = torch_loss(parameters, activation, loss)
    expected.backward()
    actual = criterion.forward(model.forward(X), LABELS).item()
    model.backward(criterion.backward())
    assert actual == pytest.approx(expected.item(), rel=1e-12)
    gradients = flat([parameter.grad for parameter in parameters])
    np.testing.assert_allclose(model.gradients, gradients, rtol=1e-10, atol=1e-13)


def both_step(rate: float, model: MLP, ours: Optimizer, parameters: list[Any], theirs: Any) -> None:
    """Step once, both, each along its own gradient of the same loss."""
    criterion = LOSSES["cross_entropy"](SIZES[-1], model.backend, "float64")
    ours.lr[:] = rate
    criterion.forward(model.forward(X), LABELS)
    model.backward(criterion.backward())
    ours.step()
    for group in theirs.param_groups:
        group["lr"] = rate
    theirs.zero_grad()
    torch_loss(parameters, "tanh", "cross_entropy").backward()
    theirs.step()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"momentum": 0.9},
        {"momentum": 0.9, "nesterov": True},
        {"weight_decay": 0.1},
        {"momentum": 0.8, "nesterov": True, "weight_decay": 0.05},
    ],
    ids=str,
)
def test_twenty_steps_of_sgd(options: dict[str, Any]) -> None:
    model = MLP(SIZES, "tanh", dtype="float64")
    ours = SGD(
        model.parameters, model.gradients, model.backend, decayed=model.weight_count, **options
    )
    parameters = torch_parameters(model)
    weights, biases = parameters[: len(SIZES) - 1], parameters[len(SIZES) - 1 :]
    theirs = torch.optim.SGD(
        [{"params": weights}, {"params": biases, "weight_decay": 0.0}], lr=0.1, **options
    )
    for step in range(20):
        both_step(0.3 / (1 + step), model, ours, parameters, theirs)
    np.testing.assert_allclose(model.parameters, flat(parameters), rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("limit", [0.01, 0.5])
def test_clipping_by_norm(limit: float) -> None:
    gradient = RNG.normal(size=20)
    parameter = torch.zeros(20, dtype=torch.float64, requires_grad=True)
    parameter.grad = torch.tensor(gradient)
    torch.nn.utils.clip_grad_norm_([parameter], limit)
    model = MLP([1, 10], dtype="float64", init="zeros")
    model.gradients[:] = gradient
    optimizer = SGD(model.parameters, model.gradients, model.backend, clip_norm=limit)
    optimizer.lr[:] = 1.0
    optimizer.step()
    np.testing.assert_allclose(-model.parameters, parameter.grad.numpy(), rtol=1e-4)


@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("count", [1, 20, 200])
@pytest.mark.parametrize("name", ["Adam", "AdamW", "RMSprop", "Adagrad"])
def test_steps_of_adaptive_optimizers(name: str, count: int, decay: float) -> None:
    """With PyTorch's defaults, on a network's own gradients; it has no Lion."""
    model = MLP(SIZES, "tanh", dtype="float64")
    ours = OPTIMIZERS[name.lower()](
        model.parameters, model.gradients, model.backend, weight_decay=decay,
        decayed=model.weight_count,
    )  # fmt: skip
    parameters = torch_parameters(model)
    weights, biases = parameters[: len(SIZES) - 1], parameters[len(SIZES) - 1 :]
    theirs = getattr(torch.optim, name)(
        [{"params": weights}, {"params": biases, "weight_decay": 0.0}], weight_decay=decay
    )
    for step in range(count):
        both_step(0.01 / (1 + step % 10), model, ours, parameters, theirs)
    np.testing.assert_allclose(model.parameters, flat(parameters), rtol=1e-10, atol=1e-12)


def test_label_smoothing_and_weights() -> None:
    logits = torch.tensor(RNG.normal(size=(N, 3)), requires_grad=True)
    of_classes = torch.tensor([0.5, 2.0, 1.0], dtype=torch.float64)
    plain = torch.nn.functional.cross_entropy(logits, torch.tensor(LABELS), weight=of_classes)
    smoothed = torch.nn.functional.cross_entropy(logits, torch.tensor(LABELS), label_smoothing=0.1)
    model = MLP([1, 3], dtype="float64")
    outputs, weights = logits.detach().numpy(), of_classes.numpy()[LABELS]
    criterion = LOSSES["cross_entropy"](3, model.backend, "float64")
    for theirs, options, share in ((plain, {"weights": weights}, 0.0), (smoothed, {}, 0.1)):
        logits.grad = None
        theirs.backward()
        criterion.smooth_labels(share)
        assert criterion.forward(outputs, LABELS, **options).item() == pytest.approx(theirs.item())
        np.testing.assert_allclose(criterion.backward(), logits.grad.numpy(), rtol=1e-10)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_batch_normalisation_learns_as_pytorchs_does(optimizer: str) -> None:
    """Twenty updates on other batches each, with all parameters and both running statistics."""
    model = MLP(SIZES, "batch_norm(0.2, 0.01),sigmoid", dtype="float64")
    layers: list[Any] = []
    for k, linear in enumerate(model.linear):
        layers.append(torch.nn.Linear(*linear.W.shape, dtype=torch.float64))
        with torch.no_grad():
            layers[-1].weight.copy_(torch.tensor(linear.W.T.copy()))
            layers[-1].bias.copy_(torch.tensor(linear.b))
        if k < len(model.linear) - 1:
            width = linear.W.shape[1]
            layers.append(torch.nn.BatchNorm1d(width, 0.01, 0.2, dtype=torch.float64))
            layers.append(torch.nn.Sigmoid())
    theirs = torch.nn.Sequential(*layers)
    kinds = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}
    other = kinds[optimizer](theirs.parameters(), lr=0.1)
    step = Step(model, Recipe(optimizer=optimizer, momentum=0.0))
    for nth in range(20):
        rng = np.random.default_rng(nth)
        x, labels = rng.normal(size=(N + nth, SIZES[0])), rng.integers(0, SIZES[-1], N + nth)
        loss = step.gradient(x, step.criterion.targets(labels))
        step.update(np.array([0.1]))
        expected = torch.nn.functional.cross_entropy(theirs(torch.tensor(x)), torch.tensor(labels))
        other.zero_grad()
        expected.backward()
        other.step()
        assert loss.item() == pytest.approx(expected.item(), rel=1e-9)
        # A bias that the normalisation takes off again has a gradient of rounding alone, which Adam
        # divides by some 1e-8: from there on both have the same.
        for k, linear in enumerate(model.linear[:-1]):
            with torch.no_grad():
                drift = layers[3 * k].bias - torch.tensor(linear.b)
                assert drift.abs().max() < 1e-8
                layers[3 * k].bias.copy_(torch.tensor(linear.b))
    for k, block in enumerate(model.blocks[:-1]):
        theirs_of, ours = layers[3 * k + 1].state_dict(), block[1]
        for name, name_of_theirs in {"gain": "weight", "shift": "bias"}.items():
            np.testing.assert_allclose(getattr(ours, name), theirs_of[name_of_theirs], rtol=1e-7)
        for name in ("running_mean", "running_var"):
            np.testing.assert_allclose(getattr(ours, name), theirs_of[name], rtol=1e-7)
    theirs.eval()
    np.testing.assert_allclose(
        model.forward(X), theirs(torch.tensor(X)).detach().numpy(), rtol=1e-7, atol=1e-9
    )
