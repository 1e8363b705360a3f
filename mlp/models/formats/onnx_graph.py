"""An ONNX model, put together node by node, and encoded without any library.

The numbers of the fields are those of onnx.proto, https://github.com/onnx/onnx.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mlp.models.formats.protobuf import message

IR_VERSION, OPSET = 8, 17
"""Of 2022, so that runtimes of the years since read it."""

_DTYPES = {"float32": 1, "uint8": 2, "int8": 3, "int64": 7, "bool": 9, "float64": 11}
_FLOAT, _INT = 1, 2  # the types of attributes


class Graph:
    """Nodes in the order in which they compute; values have names."""

    def __init__(self) -> None:
        self._nodes: list[bytes] = []
        self._constants: list[bytes] = []
        self._inputs: list[bytes] = []
        self._outputs: list[bytes] = []
        self._count = 0

    def input(self, name: str, dtype: str, shape: Sequence[int | str]) -> str:
        """Declare an input; a text in the shape stands for any number. Returns its name."""
        self._inputs.append(_value(name, dtype, shape))
        return name

    def output(self, value: str, name: str, dtype: str, shape: Sequence[int | str]) -> None:
        """Declare a value to be an output of this name."""
        self.node("Identity", value, name=name)
        self._outputs.append(_value(name, dtype, shape))

    def constant(self, values: ArrayLike, dtype: str = "float32") -> str:
        """Store an array; returns its name."""
        array: NDArray[Any] = np.asarray(values)
        name = self._fresh("constant")
        content = array.astype(np.dtype(dtype).newbyteorder("<")).tobytes()
        dims = [(1, size) for size in array.shape]
        tensor = message(*dims, (2, _DTYPES[dtype]), (8, name), (9, content))
        self._constants.append(tensor)
        return name

    def node(self, operator: str, *inputs: str, name: str = "", **attributes: int | float) -> str:
        """Add a node of one output.

        Args:
            operator: of ONNX, such as ``"Gemm"``.
            inputs: the names of its inputs.
            name: of its output; a new one unless given.
            attributes: the operator's.

        Returns:
            The name of its output.
        """
        name = name or self._fresh(operator)
        self._nodes.append(
            message(
                *((1, value) for value in inputs),
                (2, name),
                (3, f"node_{name}"),
                (4, operator),
                *((5, _attribute(key, value)) for key, value in attributes.items()),
            )
        )
        return name

    def cast(self, x: str, dtype: str) -> str:
        """Convert a value to another dtype."""
        return self.node("Cast", x, to=_DTYPES[dtype])

    def encode(self, name: str, producer: str, version: str, texts: Mapping[str, str]) -> bytes:
        """Return the file: a model of this graph.

        Args:
            name: of the graph.
            producer: the program that makes it.
            version: of the program.
            texts: what else is to be known, the model's ``metadata_props``.
        """
        graph = message(
            *((1, node) for node in self._nodes),
            (2, name),
            *((5, constant) for constant in self._constants),
            *((11, value) for value in self._inputs),
            *((12, value) for value in self._outputs),
        )
        return message(
            (1, IR_VERSION),
            (2, producer),
            (3, version),
            (7, graph),
            (8, message((1, ""), (2, OPSET))),
            *((14, message((1, key), (2, text))) for key, text in texts.items()),
        )

    def _fresh(self, operator: str) -> str:
        self._count += 1
        return f"{operator.lower()}_{self._count}"


def _value(name: str, dtype: str, shape: Sequence[int | str]) -> bytes:
    """Describe an input or output."""
    dims = [(1, message((1, size) if isinstance(size, int) else (2, size))) for size in shape]
    tensor = message((1, _DTYPES[dtype]), (2, message(*dims)))
    return message((1, name), (2, message((1, tensor))))


def _attribute(name: str, value: int | float) -> bytes:
    if isinstance(value, int):
        return message((1, name), (3, value), (20, _INT))
    return message((1, name), (2, value), (20, _FLOAT))
