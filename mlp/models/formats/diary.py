"""The two binary formats of the development diary: a header of widths, then every parameter.

Both are little-endian. The static format begins with four uint32, the widths of a network with two
hidden layers; the dynamic format with one uint32, the number of widths, and then as many. All
weights follow and then all biases, as float64: W as (outputs, inputs) column by column, which is
this project's (inputs, outputs) row by row. The diary's networks have biases, ReLU in the hidden
layers and a softmax at the end.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mlp.common.atomic import replacing
from mlp.common.errors import ModelError
from mlp.models.formats.parameters import Parameters, parameters_of
from mlp.models.formats.registry import FORMATS, Format
from mlp.nn.network import MLP

_STATIC_WIDTHS = 4
_MOST_WIDTHS = 32  # a larger first number is the first width of a static file


class Diary(Format):
    """Either format; a file's length decides which of them it has.

    A network without biases is written with biases of zero, which compute the same.
    """

    title = "a weight file of the diary"
    endings = (".bin",)
    last_resort = True

    def read(self, path: Path) -> Parameters:
        content = path.read_bytes()
        claims = _claims(content)
        for header, sizes in claims:
            if len(content) == header + 8 * _count(sizes):
                values = np.frombuffer(content, "<f8", offset=header).astype(np.float64)
                return _cut(values, sizes)
        calls = " or ".join(
            f"{header + 8 * _count(sizes):,} for the widths {'-'.join(map(str, sizes))}"
            for header, sizes in claims
        )
        raise ModelError(
            f"{path} is no model file or .npz, nor a sound weight file of the diary: it has "
            f"{len(content):,} bytes where there should be {calls or 'the widths of layers first'}"
        )

    def write(self, model: MLP, path: Path) -> None:
        if (model.activation, model.output) != ("relu", "identity"):
            raise ModelError(
                f"the diary's networks have relu and end in logits, but this one has "
                f"{model.activation} and ends in {model.output}: write another format"
            )
        parameters = parameters_of(model)
        biases = parameters.biases or [np.zeros(size) for size in model.sizes[1:]]
        header = self.header(model.sizes)
        with replacing(path) as file:
            file.write(np.array(header, "<u4").tobytes())
            for array in (*parameters.weights, *biases):
                file.write(array.astype("<f8").tobytes())

    @abstractmethod
    def header(self, sizes: Sequence[int]) -> Sequence[int]:
        """Return the numbers before the parameters, for a network of these widths."""


@FORMATS.register("diary-dynamic")
class DynamicDiary(Diary):
    """Any number of layers; the format of ``.bin`` unless another is named."""

    def matches(self, path: Path) -> bool:
        return True

    def header(self, sizes: Sequence[int]) -> Sequence[int]:
        return [len(sizes), *sizes]


@FORMATS.register("diary-static")
class StaticDiary(Diary):
    """Two hidden layers."""

    def matches(self, path: Path) -> bool:
        return False  # the other reads both

    def header(self, sizes: Sequence[int]) -> Sequence[int]:
        if len(sizes) != _STATIC_WIDTHS:
            raise ModelError(
                f"the static format holds two hidden layers, but this network has "
                f"{len(sizes) - 2}: write the dynamic one, diary-dynamic"
            )
        return sizes


def _claims(content: bytes) -> list[tuple[int, list[int]]]:
    """Read the header in either format: return its own length and the widths."""
    claims = []
    header = content[: 4 * (_MOST_WIDTHS + 1)]
    words = np.frombuffer(header[: len(header) // 4 * 4], "<u4").tolist()
    if words and 2 <= words[0] < len(words):
        n = words[0]
        claims.append((4 + 4 * n, words[1 : n + 1]))
    if len(words) >= _STATIC_WIDTHS:
        claims.append((4 * _STATIC_WIDTHS, words[:_STATIC_WIDTHS]))
    return claims


def _count(sizes: Sequence[int]) -> int:
    """Count the weights and biases of a network of these widths."""
    return sum(inputs * outputs + outputs for inputs, outputs in pairwise(sizes))


def _cut(values: NDArray[np.float64], sizes: Sequence[int]) -> Parameters:
    weights, biases, start = [], [], 0
    for inputs, outputs in pairwise(sizes):
        weights.append(values[start : start + inputs * outputs].reshape(inputs, outputs))
        start += inputs * outputs
    for outputs in sizes[1:]:
        biases.append(values[start : start + outputs])
        start += outputs
    return Parameters(weights, biases)
