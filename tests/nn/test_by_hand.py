"""Two small networks worked out on paper: each number below was derived without this program.

Both have the widths 2-2-2 and a batch of N = 2. The weights are chosen so that every activation
is a simple fraction; L stands for ln 3, since σ(L) = 3/4, σ(0) = 1/2 and σ(-L) = 1/4.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from mlp.data.dataset import Dataset, Split
from mlp.nn.losses import SoftmaxCrossEntropy
from mlp.nn.network import MLP
from mlp.nn.optim import SGD
from mlp.nn.quadratic import Quadratic
from mlp.training.loop import train
from mlp.training.recipe import Recipe

L = math.log(3)
LR = 0.2
X = np.array([[1.0, 2.0], [2.0, -1.0]])


def network(activation: str, output: str, parameters: list[list[float]]) -> MLP:
    """A float64 network from W1, W2, b1 and b2, each given row by row."""
    model = MLP([2, 2, 2], activation, output, dtype="float64")
    model.parameters[:] = np.concatenate(parameters)
    return model


def close(actual: np.ndarray, expected: object) -> None:
    np.testing.assert_allclose(actual, np.array(expected, float), rtol=1e-13, atol=1e-15)


def test_relu_and_softmax_cross_entropy() -> None:
    model = network(
        "relu", "identity",
        [
            [1.5, -0.5, 0.5, 0.5],  # W1
            [L, -L, 0.0, L],  # W2
            [-0.5, 0.5],  # b1
            [-L, L],  # b2
        ],
    )  # fmt: skip
    criterion = SoftmaxCrossEntropy(2, model.backend, "float64")
    optimizer = SGD(model.parameters, model.gradients, model.backend)
    first, relu, second, _ = model.layers

    # x W1 + b1 = [[2, 1], [2, -1]], so h = [[2, 1], [2, 0]] and z = L [[1, 0], [1, -1]].
    logits = model.forward(X)
    close(first.forward(X), [[2, 1], [2, -1]])
    close(relu.forward(first.forward(X)), [[2, 1], [2, 0]])
    close(logits, [[L, 0], [L, -L]])

    # softmax z = [[3/4, 1/4], [9/10, 1/10]]; the labels 1 and 0 cost ln 4 and ln (10/9).
    loss = criterion.forward(logits, np.array([1, 0]))
    close(loss, [[(math.log(4) + math.log(10 / 9)) / 2]])

    # dz = (softmax z - t) / 2
    dlogits = criterion.backward()
    close(dlogits, [[3 / 8, -3 / 8], [-1 / 20, 1 / 20]])

    # dW2 = hᵀ dz; dh = dz W2ᵀ = L [[3/4, -3/8], [-1/10, 1/20]], whose last entry ReLU stops;
    # dW1 = xᵀ dh.
    model.backward(dlogits)
    close(second.dW, [[0.65, -0.65], [0.375, -0.375]])
    close(second.db, [0.325, -0.325])
    close(first.dW, [[0.55 * L, -0.375 * L], [1.6 * L, -0.75 * L]])
    close(first.db, [0.65 * L, -0.375 * L])

    # W - lr dW with lr = 0.2
    optimizer.lr[:] = LR
    optimizer.step()
    close(first.W, [[1.5 - 0.11 * L, -0.5 + 0.075 * L], [0.5 - 0.32 * L, 0.5 + 0.15 * L]])
    close(first.b, [-0.5 - 0.13 * L, 0.5 + 0.075 * L])
    close(second.W, [[L - 0.13, -L + 0.13], [-0.075, L + 0.075]])
    close(second.b, [-L - 0.065, L + 0.065])


def test_sigmoid_and_quadratic() -> None:
    model = network(
        "sigmoid", "sigmoid",
        [
            [-0.5 * L, 0.7 * L, 0.5 * L, -0.1 * L],  # W1
            [L, -3 * L, -2 * L, 2 * L],  # W2
            [0.5 * L, -0.5 * L],  # b1
            [1.25 * L, 0.25 * L],  # b2
        ],
    )  # fmt: skip
    criterion = Quadratic(2, model.backend, "float64")
    optimizer = SGD(model.parameters, model.gradients, model.backend)
    first, hidden, second, _ = model.layers

    # x W1 + b1 = L [[1, 0], [-1, 1]], so h = [[3/4, 1/2], [1/4, 3/4]];
    # h W2 + b2 = L [[1, -1], [0, 1]], so a = [[3/4, 1/4], [1/2, 3/4]].
    outputs = model.forward(X)
    close(hidden.forward(first.forward(X)), [[3 / 4, 1 / 2], [1 / 4, 3 / 4]])
    close(outputs, [[3 / 4, 1 / 4], [1 / 2, 3 / 4]])

    # With the labels 0 and 1, a - t = [[-1/4, 1/4], [1/2, -1/4]], whose squares sum to 7/16.
    loss = criterion.forward(outputs, np.array([0, 1]))
    close(loss, [[7 / 64]])
    doutputs = criterion.backward()
    close(doutputs, [[-1 / 8, 1 / 8], [1 / 4, -1 / 8]])

    # a (1 - a) = [[3/16, 3/16], [1/4, 3/16]], so dz2 = [[-3, 3], [8, -3]] / 128;
    # dh = dz2 W2ᵀ = L/128 [[-12, 12], [17, -22]], and h (1 - h) = [[3/16, 1/4], [3/16, 3/16]],
    # so dz1 = L/2048 [[-36, 48], [51, -66]].
    model.backward(doutputs)
    close(second.dW, [[-0.25 / 128, 1.5 / 128], [4.5 / 128, -0.75 / 128]])
    close(second.db, [5 / 128, 0])
    u = L / 2048
    close(first.dW, [[66 * u, -84 * u], [-123 * u, 162 * u]])
    close(first.db, [15 * u, -18 * u])

    optimizer.lr[:] = LR
    optimizer.step()
    close(
        first.W,
        [[-0.5 * L - 13.2 * u, 0.7 * L + 16.8 * u], [0.5 * L + 24.6 * u, -0.1 * L - 32.4 * u]],
    )
    close(first.b, [0.5 * L - 3 * u, -0.5 * L + 3.6 * u])
    close(
        second.W, [[L + 0.05 / 128, -3 * L - 0.3 / 128], [-2 * L - 0.9 / 128, 2 * L + 0.15 / 128]]
    )
    close(second.b, [1.25 * L - 1 / 128, 0.25 * L])


@pytest.mark.parametrize(
    ("schedule", "lrs"),
    [("constant", [0.5, 0.5]), ("linear", [0.375, 0.125])],
)
def test_the_loop_takes_the_same_steps(schedule: str, lrs: list[float]) -> None:
    """One pixel, one weight, one step an epoch: w = w - lr (σ(w x) - 1) σ' x, by hand."""
    split = Split(np.full((1, 1, 1), 255, np.uint8), np.zeros(1, np.uint8))  # x = 1, label 0
    model = MLP([1, 1], output="sigmoid", bias=False, init="zeros", dtype="float64")
    recipe = Recipe(
        loss="quadratic", batch_size=1, epochs=2, lr=0.5, momentum=0, schedule=schedule, warmup=0
    )
    history = train(model, Dataset("one", "tests", 1, split, split), recipe)
    w, losses = 0.0, []
    for lr in lrs:
        a = 1 / (1 + math.exp(-w))
        losses.append((a - 1) ** 2 / 2)
        w -= lr * (a - 1) * a * (1 - a)
    close(model.parameters, [w])
    close(np.array([epoch.loss for epoch in history.epochs]), losses)
