"""Chains of elementwise calls as one kernel, run on the host and compared with NumPy."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from cupy_stand_in import DeviceArray, StandIn, device_array

from backends import get_backend
from backends.cuda.chain import FORMULAS, NotElementwiseError, chain_text
from backends.cuda.fusion import Fused
from backends.cuda.queue import of_device
from mlp.nn.optim.sgd import SGD


def chained(chain: Callable[..., None], cupy: StandIn, xp: Any = None) -> Fused:
    return Fused(chain, cupy, xp, of_device(cupy, 0))


def test_a_formula_is_numpys(cupy: StandIn) -> None:
    """All in one kernel: each function's operands and result are three arguments of a chain."""
    special = np.float32([0.0, -0.0, 1.0, -1.0, 0.3, -2.5, 88.0, np.inf, -np.inf, np.nan])
    x, y = (a.ravel() for a in np.meshgrid(special, special))
    outs = {name: device_array(np.empty(len(x), "f")) for name in FORMULAS}

    def chain(xp: Any, x: Any, y: Any, *outs: Any) -> None:
        for name, out in zip(FORMULAS, outs, strict=True):
            getattr(xp, name)(*(x, y)[: getattr(np, name).nin], out=out)

    chained(chain, cupy)(device_array(x), device_array(y), *outs.values())
    for name, out in outs.items():
        function = getattr(np, name)
        with np.errstate(all="ignore"):
            expected = function(*(x, y)[: function.nin])
        np.testing.assert_allclose(np.asarray(out), expected, rtol=3e-7, err_msg=name)


def test_a_chain_reads_single_elements_numbers_and_its_own_results(cupy: StandIn) -> None:
    def chain(xp: Any, p: Any, g: Any, lr: Any, factor: float, scratch: Any) -> None:
        xp.multiply(g, lr, out=scratch)
        xp.multiply(scratch, factor, out=scratch)
        xp.subtract(p, scratch, out=p)

    p, g = np.random.default_rng(4).normal(size=(2, 37, 3)).astype("f")
    arrays = device_array(p), device_array(g), device_array(np.float32([0.3]))
    fused = chained(chain, cupy)
    fused(*arrays, 0.5, device_array(np.empty_like(p)))
    np.testing.assert_allclose(np.asarray(arrays[0]), p - g * np.float32(0.15), rtol=1e-6)
    assert len(cupy.kernels) == 1


def test_a_number_with_a_fraction_is_passed_at_each_launch(cupy: StandIn) -> None:
    """One kernel for all of them, where a flag makes one of its own."""

    def chain(xp: Any, x: Any, factor: float, adds: bool) -> None:
        xp.multiply(x, factor, out=x)
        if adds:
            xp.add(x, factor, out=x)

    fused = chained(chain, cupy)
    for dtype, adds, factor in itertools.product(
        ("float32", "float64"), (False, True), (0.1, 1e-3, -7.0)
    ):
        x = device_array(np.arange(5, dtype=dtype))
        fused(x, factor, adds)
        expected = np.arange(5, dtype=dtype) * np.dtype(dtype).type(factor)
        np.testing.assert_allclose(np.asarray(x), expected + factor * adds, rtol=1e-6)
    assert len(cupy.compiled) == 4


def test_a_number_cannot_hold_results(cupy: StandIn) -> None:
    def chain(xp: Any, x: Any, number: float) -> None:
        xp.multiply(x, 2.0, out=number)

    with pytest.raises(NotElementwiseError, match="cannot hold"):
        chain_text(chain, (device_array(np.ones(3, "f")), 0.5), set())


@pytest.mark.parametrize("name", ["descend", "descend_with_momentum", "descend_ahead"])
def test_what_nobody_reads_is_not_stored(cupy: StandIn, name: str) -> None:
    """The gradient after an update, a sixth of what one with momentum moves."""
    p, g, v = np.random.default_rng(4).normal(size=(3, 37)).astype("f")
    velocity = [] if name == "descend" else [v]
    room = [np.full(37, 7, "f")] if name == "descend_ahead" else []
    sgd = SGD(p.copy(), g.copy(), get_backend("cpu"), momentum=0.9)
    expected = [a.copy() for a in (p, g, *velocity, np.float32([0.3]), *room)]
    getattr(sgd, name)(np, *expected)
    actual = [device_array(a.copy()) for a in (p, g, *velocity, np.float32([0.3]), *room)]
    chained(getattr(sgd, name), cupy)(*actual)
    kept = [0, 2] if velocity else [0]
    for place in kept:
        np.testing.assert_allclose(np.asarray(actual[place]), expected[place], rtol=1e-6)
    np.testing.assert_array_equal(np.asarray(actual[1]), g)
    [code] = cupy.kernels.values()
    assert code.count("[i] = ") == len(kept)


@pytest.mark.parametrize(
    "what",
    [
        lambda xp, a, b: xp.multiply(a.T, a, out=b),
        lambda xp, a, b: xp.sum(a, axis=0, out=b),
        lambda xp, a, b: xp.multiply(a, float("nan"), out=b),
        lambda xp, a, b: xp.multiply(a, a, out=b, dtype="f"),
    ],
)
def test_what_is_not_elementwise_is_not_made_a_kernel(what: Callable[..., None]) -> None:
    with pytest.raises(NotElementwiseError):
        chain_text(what, (device_array(np.ones(3, "f")),) * 2, set())


def test_arrays_that_a_kernel_cannot_read_are_computed_call_by_call(cupy: StandIn) -> None:
    def double(xp: Any, x: Any, y: Any) -> None:
        xp.add(x, x, out=y)

    a = np.arange(6.0, dtype="f").reshape(2, 3)
    for x in (a, a.astype("f8"), np.asfortranarray(a), a[:1]):
        y = device_array(np.empty_like(a))
        chained(double, cupy, cupy)(device_array(x).view(DeviceArray), y)
        np.testing.assert_array_equal(np.asarray(y), np.broadcast_to(2 * x, y.shape))
    one = device_array(np.zeros(1, "f"))  # cannot hold all the results; NumPy says so, and CuPy too
    with pytest.raises(ValueError, match="broadcast"):
        chained(double, cupy, cupy)(device_array(a), one)
