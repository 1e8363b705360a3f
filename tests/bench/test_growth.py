"""Growth: a point is measured, on images that are made once and kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench import growth
from bench.growth import Point, make_images, measure


def test_a_mapped_file_is_measured(tmp_path: Path) -> None:
    make_images(tmp_path, 500)
    result = measure(Point("images", 500, 500, (8,), "mapped"), tmp_path, repeats=1)
    assert result.images_per_second == pytest.approx(500 / result.seconds[0])
    flop_per_image = 2 * (2 * 784 * 8) + 3 * (2 * 8 * 10)
    assert result.gflop_per_second == pytest.approx(flop_per_image * result.images_per_second / 1e9)
    assert result.peak_bytes is None or result.peak_bytes > 0


def test_images_are_made_in_blocks_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(growth, "BLOCK", 7)
    make_images(tmp_path, 20)
    images, labels = (np.load(tmp_path / f"train_{what}.npy") for what in ("images", "labels"))
    assert images.shape == (20, 28, 28)
    assert labels.shape == (20,)
    assert not (images[:7] == images[7:14]).all()
    make_images(tmp_path, 10)  # as many are there
    assert (np.load(tmp_path / "train_images.npy") == images).all()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "train_images.npy", "train_labels.npy"
    ]  # fmt: skip
