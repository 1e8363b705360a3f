"""Layer normalisation: each example's units are brought to mean 0 and variance 1, then rescaled."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from backends import Array, Backend
from mlp.common.errors import UsageError
from mlp.nn.layers import LAYERS, Layer, Shape


@LAYERS.register("layer_norm")
class LayerNorm(Layer):
    """y = gain · x̂ + shift, with x̂ = (x - mean) / √(variance + ε) over the units of an example.

    It goes before an activation, as in ``layer_norm,relu``. No example depends on another, so that
    batches may be cut, and training and prediction compute the same.

    Source: Ba, Kiros and Hinton, Layer Normalization (2016), equations 3 and 4.

    Args:
        backend: the device that it computes on.
        dtype: ``"float32"`` or ``"float64"``.
        eps: ε, above 0.
    """

    starts: Mapping[str, str] = MappingProxyType({"gain": "uniform(1, 1)", "shift": "zeros"})
    gain: Array
    dgain: Array
    shift: Array
    dshift: Array

    def __init__(self, backend: Backend, dtype: str, *, eps: float = 1e-5) -> None:
        if not eps > 0:
            raise UsageError(f"the eps of layer_norm must be above 0, not {eps:g}")
        self.eps = eps
        super().__init__(backend, dtype)

    def shapes(self, width: int) -> dict[str, Shape]:
        """A gain and a shift for each unit."""
        return {"gain": (width,), "shift": (width,)}

    def forward(self, x: Array) -> Array:
        """y = gain · x̂ + shift."""
        (N, O), xp = x.shape, self.xp  # noqa: E741
        self.x_hat = x_hat = self.buffer("x_hat", N, O)
        self.scale = scale = self.buffer("scale", N, 1)  # 1 / √(variance + ε)
        y, mean = self.buffer("y", N, O), self.buffer("mean", N, 1)
        xp.sum(x, axis=1, keepdims=True, out=mean)
        xp.multiply(mean, 1.0 / O, out=mean)
        xp.subtract(x, mean, out=x_hat)
        xp.multiply(x_hat, x_hat, out=y)
        xp.sum(y, axis=1, keepdims=True, out=scale)
        xp.multiply(scale, 1.0 / O, out=scale)
        xp.add(scale, self.eps, out=scale)
        xp.sqrt(scale, out=scale)
        xp.divide(1.0, scale, out=scale)
        xp.multiply(x_hat, scale, out=x_hat)
        xp.multiply(x_hat, self.gain, out=y)
        return xp.add(y, self.shift, out=y)

    def backward(self, dy: Array) -> Array:
        """dgain = Σ dy · x̂, dshift = Σ dy, and dx = (h - mean(h) - x̂ · mean(h · x̂)) · scale.

        Here h = dy · gain, and scale = 1 / √(variance + ε). The sums are over the examples, the
        means over the units.
        """
        (N, O), xp = dy.shape, self.xp  # noqa: E741
        dx, term, mean = (
            self.buffer("dx", N, O),
            self.buffer("term", N, O),
            self.buffer("mean", N, 1),
        )
        xp.multiply(dy, self.x_hat, out=term)
        xp.sum(term, axis=0, out=self.dgain)  # (O,)
        xp.sum(dy, axis=0, out=self.dshift)
        xp.multiply(dy, self.gain, out=dx)  # h
        xp.multiply(dx, self.x_hat, out=term)
        xp.sum(term, axis=1, keepdims=True, out=mean)
        xp.multiply(mean, 1.0 / O, out=mean)
        xp.multiply(self.x_hat, mean, out=term)
        xp.sum(dx, axis=1, keepdims=True, out=mean)
        xp.multiply(mean, 1.0 / O, out=mean)
        xp.subtract(dx, mean, out=dx)
        xp.subtract(dx, term, out=dx)
        return xp.multiply(dx, self.scale, out=dx)
