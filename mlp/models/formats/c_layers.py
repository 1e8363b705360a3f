"""The layers as statements of C, each by its class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from mlp.models.formats.c_text import Dialect
from mlp.models.formats.layer_forms import LayerForms
from mlp.nn.activations import Identity, LeakyReLU, ReLU, Sigmoid, Tanh
from mlp.nn.batch_norm import BatchNorm
from mlp.nn.layer_norm import LayerNorm
from mlp.nn.smooth import BEND, CUBIC, ELU, GELU, SiLU, Softplus

STATEMENTS: LayerForms[Callable[[Dialect, Any, int], str]] = LayerForms("the C header")
"""Each returns the statements of a layer that follows a linear one, of so many units: they change
the array ``x`` in its place, and may use the whole number ``i``."""


@STATEMENTS.register(Identity)
def identity(c: Dialect, layer: Identity, width: int) -> str:
    return ""


@STATEMENTS.register(ReLU)
def relu(c: Dialect, layer: ReLU, width: int) -> str:
    return c.each(width, "v > 0 ? v : 0")


@STATEMENTS.register(LeakyReLU)
def leaky_relu(c: Dialect, layer: LeakyReLU, width: int) -> str:
    return c.each(width, f"v > 0 ? v : {c.number(layer.slope)} * v")


@STATEMENTS.register(Sigmoid)
def sigmoid(c: Dialect, layer: Sigmoid, width: int) -> str:
    half = c.number(0.5)
    return c.each(width, f"{half} + {half} * tanh{c.f}({half} * v)")


@STATEMENTS.register(Tanh)
def tanh(c: Dialect, layer: Tanh, width: int) -> str:
    return c.each(width, f"tanh{c.f}(v)")


@STATEMENTS.register(SiLU)
def silu(c: Dialect, layer: SiLU, width: int) -> str:
    half = c.number(0.5)
    return c.each(width, f"v * ({half} + {half} * tanh{c.f}({half} * v))")


@STATEMENTS.register(GELU)
def gelu(c: Dialect, layer: GELU, width: int) -> str:
    half, bend, cubic = c.number(0.5), c.number(BEND), c.number(BEND * CUBIC)
    u = f"v * ({bend} + {cubic} * v * v)"
    return c.each(width, f"v * ({half} + {half} * tanh{c.f}({half} * {u}))")


@STATEMENTS.register(ELU)
def elu(c: Dialect, layer: ELU, width: int) -> str:
    return c.each(width, f"v > 0 ? v : {c.number(layer.alpha)} * expm1{c.f}(v)")


@STATEMENTS.register(Softplus)
def softplus(c: Dialect, layer: Softplus, width: int) -> str:
    return c.each(width, f"v > 0 ? v + log1p{c.f}(exp{c.f}(-v)) : log1p{c.f}(exp{c.f}(v))")


@STATEMENTS.register(LayerNorm)
def layer_norm(c: Dialect, layer: LayerNorm, width: int) -> str:
    gain, shift = (", ".join(map(c.number, values)) for values in (layer.gain, layer.shift))
    return (
        "    {\n"
        f"        static const {c.type} gain[{width}] = {{{gain}}};\n"
        f"        static const {c.type} shift[{width}] = {{{shift}}};\n"
        f"        {c.type} mean = 0, scale = 0;\n"
        f"        for (i = 0; i < {width}; i++) mean += x[i];\n"
        f"        mean /= {width};\n"
        f"        for (i = 0; i < {width}; i++) scale += (x[i] - mean) * (x[i] - mean);\n"
        f"        scale = 1 / sqrt{c.f}(scale / {width} + {c.number(layer.eps)});\n"
        f"        for (i = 0; i < {width}; i++)\n"
        "            x[i] = gain[i] * (x[i] - mean) * scale + shift[i];\n"
        "    }\n"
    )


@STATEMENTS.register(BatchNorm)
def batch_norm(c: Dialect, layer: BatchNorm, width: int) -> str:
    factors = layer.gain / np.sqrt(layer.running_var.astype(np.float64) + layer.eps)
    factor, mean, shift = (
        ", ".join(map(c.number, values)) for values in (factors, layer.running_mean, layer.shift)
    )
    return (
        "    {\n"
        f"        static const {c.type} factor[{width}] = {{{factor}}};\n"
        f"        static const {c.type} mean[{width}] = {{{mean}}};\n"
        f"        static const {c.type} shift[{width}] = {{{shift}}};\n"
        f"        for (i = 0; i < {width}; i++) x[i] = factor[i] * (x[i] - mean[i]) + shift[i];\n"
        "    }\n"
    )
