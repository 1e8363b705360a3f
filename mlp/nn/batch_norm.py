"""Batch normalisation: each unit is brought to mean 0 and variance 1 over a batch, then rescaled.

Source: Ioffe and Szegedy, Batch Normalization: Accelerating Deep Network Training by Reducing
Internal Covariate Shift (2015).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from backends import Array, Backend
from mlp.common.errors import UsageError
from mlp.nn.layers import LAYERS, Layer, Shape


@LAYERS.register("batch_norm")
class BatchNorm(Layer):
    """y = gain · x̂ + shift, with x̂ = (x - running_mean) / √(running_var + ε), each unit by itself.

    It goes before an activation, as in ``batch_norm,sigmoid``. This is how a trained network uses
    it; while the network learns, `BatchNormInTraining` takes its place, which has the same
    parameters. The running statistics are among them, so that whatever copies, averages or saves
    parameters does the same with the statistics; no optimizer changes them, since in training
    their gradients are 0. They start at 0 and 1, of which after n updates (1 - momentum)ⁿ is left:
    where a training has a few updates alone, a larger momentum forgets that sooner.

    Source: Ioffe and Szegedy (2015), algorithm 2.

    Args:
        backend: the device that it computes on.
        dtype: ``"float32"`` or ``"float64"``.
        momentum: how much a batch counts in the running statistics, over what they were; above 0,
            at most 1, where they are those of the latest batch. As in PyTorch.
        eps: ε, above 0.
    """

    whole_batch = True
    starts: Mapping[str, str] = MappingProxyType(
        {
            "gain": "uniform(1, 1)",
            "shift": "zeros",
            "running_mean": "zeros",
            "running_var": "uniform(1, 1)",
        }
    )
    least: Mapping[str, float] = MappingProxyType({"running_var": 0.0})
    gain: Array
    dgain: Array
    shift: Array
    dshift: Array
    running_mean: Array
    drunning_mean: Array
    running_var: Array
    drunning_var: Array

    def __init__(
        self, backend: Backend, dtype: str, *, momentum: float = 0.1, eps: float = 1e-5
    ) -> None:
        if not 0 < momentum <= 1:
            raise UsageError(
                f"the momentum of batch_norm must be above 0 and at most 1, not {momentum:g}"
            )
        if not eps > 0:
            raise UsageError(f"the eps of batch_norm must be above 0, not {eps:g}")
        self.momentum, self.eps = momentum, eps
        self._device = backend, dtype
        super().__init__(backend, dtype)

    def shapes(self, width: int) -> dict[str, Shape]:
        """A gain, a shift, a mean and a variance for each unit."""
        return dict.fromkeys(self.starts, (width,))

    def in_training(self) -> Layer:
        """Return a `BatchNormInTraining` with the parameters of this one."""
        layer = BatchNormInTraining(*self._device, momentum=self.momentum, eps=self.eps)
        for name in self.starts:
            layer.bind({name: getattr(self, name)}, {name: getattr(self, f"d{name}")})
        return layer

    def forward(self, x: Array) -> Array:
        """y = gain · x̂ + shift."""
        centred = self.buffer("x_hat", *x.shape)  # (N, O)
        self.xp.subtract(x, self.running_mean, out=centred)
        return self.rescale(centred, self.running_var)

    def backward(self, dy: Array) -> Array:
        """dx = gain · scale · dy, and the gradients by the parameters.

        With the sums over the examples these are
        dgain = Σ dy · x̂, dshift = Σ dy, drunning_mean = -gain · scale · dshift, and
        drunning_var = -½ gain · scale² · dgain. Here scale = 1 / √(running_var + ε).
        """
        xp, slope = self.xp, self.sum_gradients(dy)  # (O,)
        xp.multiply(slope, self.dshift, out=self.drunning_mean)
        xp.negative(self.drunning_mean, out=self.drunning_mean)
        xp.multiply(slope, self.scale, out=self.drunning_var)
        xp.multiply(self.drunning_var, self.dgain, out=self.drunning_var)
        xp.multiply(self.drunning_var, -0.5, out=self.drunning_var)
        return xp.multiply(dy, slope, out=self.buffer("dx", *dy.shape))

    def rescale(self, centred: Array, variance: Array) -> Array:
        """Turn centred units (N, O) into x̂, in place, and return y; the variance is (O,)."""
        xp = self.xp
        self.x_hat, self.scale = centred, self.buffer("scale", *variance.shape)
        xp.add(variance, self.eps, out=self.scale)
        xp.sqrt(self.scale, out=self.scale)
        xp.divide(1.0, self.scale, out=self.scale)
        xp.multiply(centred, self.scale, out=centred)
        y = self.buffer("y", *centred.shape)  # (N, O)
        xp.multiply(centred, self.gain, out=y)
        return xp.add(y, self.shift, out=y)

    def sum_gradients(self, dy: Array) -> Array:
        """Write dgain = Σ dy · x̂ and dshift = Σ dy over the examples; return gain · scale, (O,)."""
        xp, term = self.xp, self.buffer("term", *dy.shape)  # (N, O)
        xp.multiply(dy, self.x_hat, out=term)
        xp.sum(term, axis=0, out=self.dgain)
        xp.sum(dy, axis=0, out=self.dshift)
        return xp.multiply(self.gain, self.scale, out=self.buffer("slope", *self.gain.shape))


class BatchNormInTraining(BatchNorm):
    """The same with the mean and the variance of the batch, which the running statistics follow.

    The batch's variance is the mean of the squares, Σ (x - mean)² / N. The running one follows the
    unbiased estimate, with N - 1, as the paper has it and PyTorch does.

    Source: Ioffe and Szegedy (2015), algorithm 1, with its gradient in section 3.
    """

    def in_training(self) -> Layer:
        return self

    def forward(self, x: Array) -> Array:
        """y = gain · x̂ + shift, with x̂ = (x - mean) / √(variance + ε).

        Raises:
            UsageError: if there is one example alone, which has no variance.
        """
        (N, O), xp = x.shape, self.xp  # noqa: E741
        if N < 2:
            raise UsageError(
                "batch_norm learns from two examples at once or more, as a single one has no "
                "variance: choose another batch size"
            )
        mean, variance = self.buffer("mean", O), self.buffer("variance", O)
        centred, squares = self.buffer("x_hat", N, O), self.buffer("y", N, O)
        xp.sum(x, axis=0, out=mean)
        xp.multiply(mean, 1.0 / N, out=mean)
        xp.subtract(x, mean, out=centred)
        xp.multiply(centred, centred, out=squares)
        xp.sum(squares, axis=0, out=variance)
        xp.multiply(variance, 1.0 / N, out=variance)
        self._follow(self.running_mean, mean, self.momentum)
        self._follow(self.running_var, variance, self.momentum * N / (N - 1))
        return self.rescale(centred, variance)

    def backward(self, dy: Array) -> Array:
        """dx = gain · scale · (dy - dshift / N - x̂ · dgain / N), with dgain and dshift as above.

        The running statistics do not enter y, so that their gradients are 0.
        """
        (N, O), xp = dy.shape, self.xp  # noqa: E741
        dx, term, mean = self.buffer("dx", N, O), self.buffer("term", N, O), self.buffer("mean", O)
        slope = self.sum_gradients(dy)  # (O,)
        xp.multiply(self.dgain, 1.0 / N, out=mean)
        xp.multiply(self.x_hat, mean, out=term)
        xp.subtract(dy, term, out=dx)
        xp.multiply(self.dshift, 1.0 / N, out=mean)
        xp.subtract(dx, mean, out=dx)
        xp.copyto(self.drunning_mean, 0.0)
        xp.copyto(self.drunning_var, 0.0)
        return xp.multiply(dx, slope, out=dx)

    def _follow(self, running: Array, latest: Array, weight: float) -> None:
        """running = (1 - momentum) · running + weight · latest, shape (O,)."""
        xp, term = self.xp, self.buffer("part", *latest.shape)
        xp.multiply(running, 1.0 - self.momentum, out=running)
        xp.multiply(latest, weight, out=term)
        xp.add(running, term, out=running)
