"""Buffers: one array a name and shape."""

from __future__ import annotations

import numpy as np

from backends import get_backend
from mlp.nn.buffers import Buffers


def test_the_same_name_and_shape_is_the_same_array() -> None:
    buffer = Buffers(get_backend("cpu"), "float32")
    y = buffer("y", 2, 3)
    assert (y.shape, y.dtype) == ((2, 3), np.float32)
    assert buffer("y", 2, 3) is y
    assert buffer("y", 3, 2) is not y
    assert buffer("x", 2, 3) is not y
    assert buffer("rows", 4, dtype="int64").dtype == np.int64
