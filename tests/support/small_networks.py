"""Networks whose weights tell where they stand, and their files as other programs write them."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from mlp.common.errors import MLPError, ModelError
from mlp.models.formats.convert import read_model
from mlp.nn.network import MLP

PLACES = {
    "safetensors": "net.safetensors",
    "npz": "net.npz",
    "json": "net.json",
    "torch": "torch.safetensors",
    "csv": "net",
    "diary-dynamic": "net.bin",
    "diary-static": "net.bin",
}
"""Where each format that keeps every bit goes."""


def tree(folder: Path) -> dict[str, bytes | None]:
    """All that is in a folder, to see that nothing was changed."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def assert_same(found: MLP, model: MLP) -> None:
    assert (found.sizes, found.activation, found.output) == (
        model.sizes,
        model.activation,
        model.output,
    )
    assert found.dtype == model.dtype
    assert found.parameters.tobytes() == model.parameters.tobytes()


def assert_not_read(path: Path, sentence: str, error: type[MLPError] = ModelError) -> None:
    """Neither read nor converted; the sentence is one, and nothing is written."""
    before = tree(path.parent)
    with pytest.raises(error, match=sentence) as caught:
        read_model(path)
    assert "\n" not in str(caught.value)
    assert tree(path.parent) == before


# A network of widths 2, 2, 1, 2, whose weights tell where they stand: layer, output, input.
W = [
    np.array([[111.0, 112.0], [121.0, 122.0]]),
    np.array([[211.0, 212.0]]),
    np.array([[311], [321]]),
]
B = [[1.0, -2.0], [3.0], [4.0, 5.0]]
COLUMN_MAJOR = [111, 121, 112, 122, 211, 212, 311, 321]
STATIC = struct.pack("<4I13d", 2, 2, 1, 2, *COLUMN_MAJOR, 1, -2, 3, 4, 5)
DYNAMIC = struct.pack("<I", 4) + STATIC
TABLES = {
    "w1.csv": "w10,w11\n111.0,112.0\n121.0,122.0\n",
    "b1.csv": "b10\n1.0\n-2.0\n",
    "w2.csv": "w20,w21\n211.0,212.0\n",
    "b2.csv": "b20\n3.0\n",
    "w3.csv": "w30\n311.0\n321.0\n",
    "b3.csv": "b30\n4.0\n5.0\n",
}


def reference() -> MLP:
    model = MLP([2, 2, 1, 2], dtype="float64")
    for layer, weights, biases in zip(model.linear, W, B, strict=True):
        layer.W[...], layer.b[...] = weights.T, biases
    return model


def write_tables(folder: Path, **changes: str | None) -> Path:
    folder.mkdir()
    for name, text in {**TABLES, **{f"{k}.csv": v for k, v in changes.items()}}.items():
        if text is not None:
            (folder / name).write_text(text)
    return folder
