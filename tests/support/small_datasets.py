"""Small random datasets for tests of files, and how a refused file is checked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mlp.common.errors import DataError
from mlp.data.dataset import Split
from mlp.data.formats import convert as formats
from mlp.data.formats.splits import TEST, TRAIN, Splits


def digits(count: int, height: int = 5, width: int = 5, seed: int = 0) -> Split:
    rng = np.random.default_rng([seed, count])
    pixels = rng.integers(0, 256, (count, height, width), dtype=np.uint8)
    return Split(pixels, rng.integers(0, 10, count, dtype=np.uint8))


def pair(height: int = 5, width: int = 5) -> Splits:
    return {TRAIN: digits(23, height, width), TEST: digits(11, height, width)}


def checksums(splits: Splits) -> dict[str, str]:
    return {name: split.checksum for name, split in splits.items()}


def place(folder: Path, format: str) -> Path:
    return folder / (f"digits.{format}" if format == "npz" else format)


def tree(folder: Path) -> dict[str, bytes | None]:
    """All that is in a folder, to see that nothing was changed."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def assert_not_read(source: Path, sentence: str, error: type[Exception] = DataError) -> None:
    """Neither described nor converted; the sentence is one, and nothing is written."""
    before = tree(source.parent)
    with pytest.raises(error, match=sentence) as caught:
        formats.read_splits(source)
    assert "\n" not in str(caught.value)
    for target in ("out.csv", "out.npz", "out"):
        with pytest.raises(error, match=sentence):
            formats.convert(source, source.parent / target, None if "." in target else "images")
    assert tree(source.parent) == before
