"""Peculiarities of single published programs, registered only when a preset needs them.

Each is a name in a registry, with which the presets reproduce these programs to the figure. They
are not among the choices unless such a preset is loaded.
"""

from __future__ import annotations

import math
from typing import Any

from numpy.typing import NDArray

from backends import Array, Backend
from mlp.nn.activations import LeakyReLU
from mlp.nn.initializers import INITIALIZERS, at_least_0
from mlp.nn.losses import LOSSES, SoftmaxCrossEntropy
from mlp.training.reported_loss import REPORTED_LOSSES
from mlp.training.trainer import Trainer


@LOSSES.register("logit_error")
class LogitError(SoftmaxCrossEntropy):
    """A published defect: it reports the cross-entropy and descends a squared error on the logits.

    Where softmax(z) - t belongs, the program that this comes from has (z - t) · f'(z), with f the
    leaky ReLU. Its loss therefore stalls near ln(e + 9) - 1 = 1.4612, the cross-entropy of logits
    that equal their one-hot targets, while its accuracy goes on rising. Kept to reproduce it.
    """

    def __init__(self, classes: int, backend: Backend, dtype: str) -> None:
        self._f = LeakyReLU(backend, dtype)
        super().__init__(classes, backend, dtype)

    def gradient(self, xp: Any, outputs: Array, targets: Array, kept: Array) -> None:
        """(z - t) · f'(z), with f the leaky ReLU: not the derivative of `value`."""
        error = self.buffer("error", *outputs.shape)  # (N, C)
        xp.subtract(outputs, targets, out=error)
        self._f.gradient(xp, error, outputs, outputs, kept)


@INITIALIZERS.register("normal_fan_out")
def normal_fan_out(
    rng: Any, shape: tuple[int, ...], fan_in: int, fan_out: int, *, gain: float
) -> Any:
    """N(0, gain / fan_out): the variance that fits the transposed matrix (three-hundred-lines)."""
    return rng.normal(0.0, math.sqrt(at_least_0("normal_fan_out", gain) / fan_out), shape)


@INITIALIZERS.register("uniform_fan_in")
def uniform_fan_in(
    rng: Any, shape: tuple[int, ...], fan_in: int, fan_out: int, *, gain: float
) -> Any:
    """U(-b, b) with b = √(gain / fan_in), PyTorch's old start of a linear layer."""
    bound = math.sqrt(at_least_0("uniform_fan_in", gain) / fan_in)
    return rng.uniform(-bound, bound, shape)


@REPORTED_LOSSES.register("first_batch")
def loss_on_the_first_batch(trainer: Trainer, losses: NDArray[Any]) -> float:
    """The loss on the first batch of the images as they lie, after the epoch."""
    del losses  # each is of another batch
    model, batches, recipe = trainer.model, trainer.batches, trainer.recipe
    x, labels = batches.slice(0, min(trainer.batch_size, batches.micro_batch_size))
    criterion = LOSSES.make(recipe.loss, model.sizes[-1], model.backend, model.dtype)
    loss = criterion.forward(model.forward(x), labels)  # (1, 1)
    return float(model.backend.to_numpy(loss).item())
