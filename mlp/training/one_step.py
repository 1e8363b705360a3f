"""One update by one example, kept stage by stage, to be looked at slowly.

It is what `mlp.training.step.Step` does with a batch of one, in float64 and by plain gradient
descent, on a copy of the network: each layer's own forward and backward, the loss's own, and the
optimizer's own step. No number of it is computed anywhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp.common.errors import UsageError
from mlp.common.threads import blas_threads
from mlp.models.formats.parameters import on_cpu
from mlp.models.metadata import metadata_of, task_of
from mlp.nn.layers import Layer
from mlp.nn.losses import LOSSES, Loss
from mlp.nn.network import MLP
from mlp.nn.optim import SGD
from mlp.training.pairs import USUAL_LOSSES

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Pass:
    """What one layer got and gave on the way forward and on the way back; each of one row.

    Attributes:
        layer: the layer, of the copy that was trained.
        block: the number, from 0, of the linear layer that it is or follows.
        x, y: its inputs, shape (I,), and outputs, shape (O,).
        dy: the gradient by the outputs, shape (O,).
        dx: that by the inputs, shape (I,); None where the layer computes none, as the first.
    """

    layer: Layer
    block: int
    x: Floats
    y: Floats
    dy: Floats
    dx: Floats | None


@dataclass(frozen=True)
class OneStep:
    """An update by one example, stage by stage; all numbers are float64.

    Attributes:
        model: the copy of the network; its parameters are those after the update.
        criterion: the loss.
        passes: one for each layer, in order.
        targets: what the network should have put out, shape (C,).
        doutputs: the gradient of the loss by the outputs, shape (C,).
        loss, loss_after: the loss before and after the update.
        outputs_after: what the network puts out after it, shape (C,).
        before, gradients, after: the parameters before the update, their gradients, and the
            parameters after it, each flat, shape (P,); see `part`.
    """

    model: MLP
    criterion: Loss
    passes: list[Pass]
    targets: Floats
    doutputs: Floats
    loss: float
    loss_after: float
    outputs_after: Floats
    before: Floats
    gradients: Floats
    after: Floats

    def part(self, flat: Floats, layer: Layer, name: str) -> Floats:
        """Return one parameter's part of ``before``, ``gradients`` or ``after``, in its shape."""
        part: Floats = self.model.view(flat, layer, name)
        return part


@blas_threads(1)  # more would spin, waiting for one another, if another program has a core
def take_one_step(
    model: MLP, x: NDArray[Any], targets: NDArray[Any], lr: float, *, taken: int = 0
) -> OneStep:
    """Let a copy of a network learn from one example, and keep every number on the way.

    Args:
        model: the network, which stays as it is.
        x: the example as the network reads it, shape (I,).
        targets: what it should put out, shape (C,).
        lr: the learning rate, above 0.
        taken: how many such updates are made before the one that is kept.

    Raises:
        UsageError: if a layer learns from two examples at once or more, as batch normalisation
            does, or if a number grows beyond float64.
    """
    if any(layer.whole_batch for layer in model.layers):
        raise UsageError(
            "this network normalises over a batch, so it cannot learn from one example: choose a "
            "model without batch_norm"
        )
    copy = on_cpu(model, "float64")
    loss = LOSSES.make(loss_of(model), copy.sizes[-1], copy.backend, copy.dtype)
    optimizer = SGD(copy.parameters, copy.gradients, copy.backend)
    optimizer.lr[...] = lr
    row = np.array(x, np.float64).reshape(1, -1)  # (1, I)
    wanted = np.array(targets, np.float64).reshape(1, -1)  # (1, C)
    try:
        with np.errstate(all="ignore"):  # what grows beyond all bounds is told below
            for _ in range(taken):
                loss.forward(copy.forward(row), wanted)
                copy.backward(loss.backward())
                optimizer.step()
            step = _kept_step(copy, loss, optimizer, row, wanted)
    finally:
        # By its fused functions it holds itself, and so the arrays until the collector comes.
        vars(optimizer).clear()
    numbers = [np.array([step.loss, step.loss_after]), step.before, step.gradients, step.after]
    numbers += [array for p in step.passes for array in (p.x, p.y, p.dy)] + [step.outputs_after]
    if not all(np.isfinite(array).all() for array in numbers):
        raise UsageError(
            "the numbers grow beyond all bounds at this learning rate: choose a lower one"
        )
    return step


def loss_of(model: MLP) -> str:
    """Name the loss that a network learnt by, or where that is unknown, one that suits it."""
    kind, recipe = task_of(model).kind, metadata_of(model).recipe or {}
    named = str(recipe.get("loss", ""))
    try:
        known, _ = LOSSES.parse(named)
    except UsageError:
        return USUAL_LOSSES[kind] if model.output == "identity" else "quadratic"
    return named if kind in known.learns else USUAL_LOSSES[kind]


def _kept_step(model: MLP, loss: Loss, optimizer: SGD, x: Floats, targets: Floats) -> OneStep:
    forward: list[tuple[Layer, int, Floats, Floats]] = []
    for block, layers in enumerate(model.blocks):
        for layer in layers:
            y = layer.forward(x)
            forward.append((layer, block, x[0].copy(), y[0].copy()))
            x = y
    value = float(loss.forward(x, targets).item())
    dy: Any = loss.backward()
    doutputs = dy[0].copy()
    passes: list[Pass] = []
    for layer, block, inputs, outputs in reversed(forward):
        gradient = dy[0].copy()
        dy = layer.backward(dy)
        dx = None if dy is None else dy[0].copy()
        passes.insert(0, Pass(layer, block, inputs, outputs, gradient, dx))
    before, gradients = model.parameters.copy(), model.gradients.copy()  # which a step spoils
    optimizer.step()
    after = model.forward(forward[0][2].reshape(1, -1))
    return OneStep(
        model, loss, passes, targets[0], doutputs,
        value, float(loss.forward(after, targets).item()), after[0].copy(),
        before, gradients, model.parameters.copy(),
    )  # fmt: skip
