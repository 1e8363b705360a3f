"""Every operation that the source calls on a namespace, with arrays to call it on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

N, I, O = 7, 33, 5  # noqa: E741

Operation = Callable[[Any, dict[str, Any]], Any]
OPERATIONS: dict[str, Operation] = {
    "matmul": lambda xp, a: xp.matmul(a["x"], a["W"], out=a["y"]),
    "matmul of a transposed left": lambda xp, a: xp.matmul(a["x"].T, a["dy"], out=a["dW"]),
    "matmul of a transposed right": lambda xp, a: xp.matmul(a["dy"], a["W"].T, out=a["dx"]),
    "matmul of rows": lambda xp, a: xp.matmul(
        a["x"].reshape(1, -1), a["x"].reshape(-1, 1), out=a["one"]
    ),
    "add of a row": lambda xp, a: xp.add(a["dy"], a["b"], out=a["dy"]),
    "add of a number": lambda xp, a: xp.add(a["x"], 0.5, out=a["x"]),
    "subtract of a column": lambda xp, a: xp.subtract(a["dy"], a["column"], out=a["dy"]),
    "subtract from a number": lambda xp, a: xp.subtract(1.0, a["x"], out=a["x"]),
    "multiply": lambda xp, a: xp.multiply(a["x"], a["x"], out=a["dx"]),
    "multiply by an array of one": lambda xp, a: xp.multiply(a["b"], a["lr"], out=a["b"]),
    "multiply of bytes": lambda xp, a: xp.multiply(
        a["bytes"], 1 / 255, out=a["dx"], dtype=a["dx"].dtype
    ),
    "divide by a column": lambda xp, a: xp.divide(a["dy"], a["column"], out=a["dy"]),
    "divide of a number": lambda xp, a: xp.divide(0.5, a["lr"], out=a["lr"]),
    "sum of columns": lambda xp, a: xp.sum(a["dy"], axis=0, out=a["b"]),
    "sum of rows": lambda xp, a: xp.sum(a["dy"], axis=1, keepdims=True, out=a["column"]),
    "sum of a flat array": lambda xp, a: xp.sum(a["b"], axis=0, keepdims=True, out=a["lr"]),
    "sum of all": lambda xp, a: xp.sum(a["x"], out=a["one"].reshape(())),
    "max": lambda xp, a: xp.max(a["dy"], axis=1, keepdims=True, out=a["column"]),
    "max of a flat array": lambda xp, a: xp.max(a["b"], axis=0, keepdims=True, out=a["lr"]),
    "min of a flat array": lambda xp, a: xp.min(a["b"], axis=0, keepdims=True, out=a["lr"]),
    "argmax": lambda xp, a: xp.argmax(a["dy"], axis=1, out=a["labels"]),
    "take of floats": lambda xp, a: xp.take(a["x"], a["rows"], axis=0, out=a["some x"]),
    "take of bytes": lambda xp, a: xp.take(a["bytes"], a["rows"], axis=0, out=a["some bytes"]),
    "take of labels": lambda xp, a: xp.take(a["labels"], a["rows"], axis=0, out=a["some labels"]),
    "exp": lambda xp, a: xp.exp(a["x"], out=a["x"]),
    "log": lambda xp, a: xp.log(a["positive"], out=a["positive"]),
    "log2": lambda xp, a: xp.log2(a["positive"], out=a["positive"]),
    "exp2": lambda xp, a: xp.exp2(a["x"], out=a["x"]),
    "log1p": lambda xp, a: xp.log1p(a["positive"], out=a["positive"]),
    "expm1": lambda xp, a: xp.expm1(a["x"], out=a["x"]),
    "logaddexp with a number": lambda xp, a: xp.logaddexp(a["x"], 0.0, out=a["x"]),
    "sqrt": lambda xp, a: xp.sqrt(a["positive"], out=a["positive"]),
    "tanh": lambda xp, a: xp.tanh(a["x"], out=a["x"]),
    "sign": lambda xp, a: xp.sign(a["x"], out=a["x"]),
    "absolute": lambda xp, a: xp.absolute(a["x"], out=a["x"]),
    "negative": lambda xp, a: xp.negative(a["x"], out=a["x"]),
    "maximum with a number": lambda xp, a: xp.maximum(a["x"], 0.0, out=a["x"]),
    "maximum": lambda xp, a: xp.maximum(a["x"], a["dx"], out=a["x"]),
    "minimum": lambda xp, a: xp.minimum(a["x"], a["dx"], out=a["x"]),
    "floor": lambda xp, a: xp.floor(a["x"], out=a["x"]),
    "sin": lambda xp, a: xp.sin(a["x"], out=a["x"]),
    "cos": lambda xp, a: xp.cos(a["x"], out=a["x"]),
    "tan": lambda xp, a: xp.tan(a["small"], out=a["small"]),
    "matmul of stacks": lambda xp, a: xp.matmul(
        a["x"].reshape(N, 3, 11), a["dx"].reshape(N, 11, 3), out=a["stack"]
    ),
    "matmul of a stack": lambda xp, a: xp.matmul(
        a["dy"].T, a["x"].reshape(3, N, 11), out=a["W"].reshape(3, 5, 11)
    ),
    "matmul of a stack and a matrix": lambda xp, a: xp.matmul(
        a["x"].reshape(N, 3, 11), a["dx"].reshape(11, N, 3)[:, 0], out=a["stack"]
    ),
    "take of rows in a table": lambda xp, a: xp.take(
        a["x"], a["rows"].reshape(2, 2), axis=0, out=a["some x"].reshape(2, 2, I)
    ),
    "add of bits": lambda xp, a: xp.add(a["bits"], 0x9E3779B9, out=a["bits"]),
    "multiply of bits": lambda xp, a: xp.multiply(a["bits"], 0x7FEB352D, out=a["bits"]),
    "right_shift": lambda xp, a: xp.right_shift(a["bits"], 16, out=a["bits"]),
    "bitwise_xor": lambda xp, a: xp.bitwise_xor(a["bits"], a["other bits"], out=a["bits"]),
    "greater_equal into floats": lambda xp, a: xp.greater_equal(a["bits"], 1 << 30, out=a["x"]),
    "copyto of bits": lambda xp, a: xp.copyto(a["x"], a["bits"]),
    "copyto of floats into integers": lambda xp, a: xp.copyto(
        a["labels"], a["correct"], casting="unsafe"
    ),
    "clip": lambda xp, a: xp.clip(a["x"], -0.3, 0.3, out=a["x"]),
    "copyto": lambda xp, a: xp.copyto(a["dx"], a["x"]),
    "copyto of a number": lambda xp, a: xp.copyto(a["x"], 0.0),
    "copyto into a slice": lambda xp, a: xp.copyto(a["b"][1:2], a["lr"]),
    "copyto of some rows": lambda xp, a: xp.copyto(a["x"], a["dx"], where=a["mask"]),
    "equal to a number": lambda xp, a: xp.equal(a["labels"], 2, out=a["told"]),
    "isfinite": lambda xp, a: a["finite"].__setitem__(..., xp.isfinite(a["x"]).all()),
    "eye": lambda xp, a: a["square"].__setitem__(..., xp.eye(N, dtype=a["x"].dtype)),
    "zeros": lambda xp, a: a["square"].__setitem__(..., xp.zeros((N, N), dtype=a["x"].dtype)),
    "ones": lambda xp, a: a["square"].__setitem__(..., xp.ones((N, N), dtype=a["x"].dtype)),
    "arange": lambda xp, a: a["rows"].__setitem__(..., xp.arange(4)),
    "zeros_like": lambda xp, a: a["x"].__setitem__(..., xp.zeros_like(a["x"])),
}
WITHOUT_VALUES = {"empty", "empty_like"}


def arrays(dtype: str) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    shapes = {
        "x": (N, I), "dx": (N, I), "y": (N, O), "dy": (N, O), "W": (I, O), "dW": (I, O), "b": (O,),
        "column": (N, 1), "one": (1, 1), "lr": (1,), "correct": (N,), "some x": (4, I),
        "square": (N, N), "finite": (1,), "stack": (N, 3, 3),
    }  # fmt: skip
    made = {name: rng.normal(size=shape).astype(dtype) for name, shape in shapes.items()}
    made["bits"], made["other bits"] = rng.integers(0, 2**32, (2, N, I), dtype=np.uint32)
    made["small"] = rng.uniform(-1, 1, (N, I)).astype(dtype)
    made["positive"] = rng.uniform(0.1, 9, (N, I)).astype(dtype)
    made["bytes"] = rng.integers(0, 256, (N, I), dtype=np.uint8)
    made["some bytes"] = np.zeros((4, I), np.uint8)
    made["labels"] = rng.integers(0, O, N)
    made["rows"], made["some labels"] = np.array([6, 0, 3, 3]), np.zeros(4, np.int64)
    made["mask"], made["told"] = np.arange(N)[:, None] % 2 == 0, np.zeros(N, bool)
    return made
