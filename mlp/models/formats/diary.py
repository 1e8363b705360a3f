"""The two binary forms of the development diary: a header of widths, then every parameter.

Both are little-endian. The static form begins with four uint32, the widths of a network with two
hidden layers; the dynamic form with one uint32, the number of widths, and then as many. All weights
follow and then all biases, as float64: W as (outputs, inputs) column by column, which is this
project's (inputs, outputs) row by row. The diary's networks have biases, ReLU in the hidden layers
and a softmax at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mlp.common.atomic import replacing
from mlp.common.errors import ModelError
from mlp.models.formats.parameters import Parameters

Layout = Literal["static", "dynamic"]

_STATIC_WIDTHS = 4
_MOST_WIDTHS = 32  # no more are looked for: a larger number is the first width of a static file


def read_diary(path: Path) -> Parameters:
    """Read a file of either form; which it is shows in its length.

    Raises:
        ModelError: if it cannot be read, or its length is not the one that its widths call for.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror or error}") from None
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


def write_diary(parameters: Parameters, path: Path, layout: Layout) -> None:
    """Write a file, whole or not at all, replacing what is there.

    A network without biases gets biases of zero, which compute the same.

    Raises:
        ModelError: if the form cannot hold the network.
        OSError: if it cannot be written.
    """
    if (parameters.activation, parameters.output) != ("relu", "identity"):
        raise ModelError(
            f"the diary's networks have relu and end in logits, but this one has "
            f"{parameters.activation} and ends in {parameters.output}: write another form"
        )
    sizes = [len(parameters.weights[0]), *(W.shape[1] for W in parameters.weights)]
    if layout == "static" and len(sizes) != _STATIC_WIDTHS:
        raise ModelError(
            f"the static form holds two hidden layers, but this network has {len(sizes) - 2}: "
            "write the dynamic form, diary-dynamic"
        )
    header = sizes if layout == "static" else [len(sizes), *sizes]
    biases = parameters.biases or [np.zeros(size) for size in sizes[1:]]
    with replacing(path) as file:
        file.write(np.array(header, "<u4").tobytes())
        for array in (*parameters.weights, *biases):
            file.write(array.astype("<f8").tobytes())


def _claims(content: bytes) -> list[tuple[int, list[int]]]:
    """What the header says under either form: its own length and the widths."""
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
    """How many weights and biases a network of these widths has."""
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
