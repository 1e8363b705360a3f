"""The views as figures: their size, whatever is drawn, and their captions."""

from __future__ import annotations

import numpy as np
import pytest

from mlp.view.plots import LARGEST, MOST_CAPTIONS, plot_confusion, plot_digits

pytest.importorskip("matplotlib")


def test_a_mosaic_leaves_out_captions_that_would_be_too_small_to_read() -> None:
    for count, written in ((4, 4), (MOST_CAPTIONS + 1, 0)):
        images = np.zeros((count, 2, 2), np.uint8)
        figure = plot_digits(images, [f"image {k}" for k in range(count)])
        captions = [text.get_text() for text in figure.axes[0].texts]
        assert sum(bool(caption) for caption in captions) == written
        assert max(figure.get_size_inches()) <= LARGEST


def test_a_confusion_matrix_tells_the_counts_that_there_are() -> None:
    figure = plot_confusion(np.array([[90, 10], [0, 5]]), ["cat", "dog"], "few")
    (axes,) = figure.axes
    told = {text.get_position()[::-1]: text.get_text() for text in axes.texts}
    assert told == {(0, 0): "90", (0, 1): "10", (1, 1): "5"}  # (row, column)
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["cat", "dog"]
