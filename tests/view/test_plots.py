"""The views as figures: their size, whatever is drawn, and their captions."""

from __future__ import annotations

import numpy as np
import pytest

from mlp.view.plots import (
    LARGEST,
    MOST_CAPTIONS,
    plot_confusion,
    plot_digits,
    plot_rates,
    plot_robustness,
)

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


def test_robustness_has_axes_for_each_disturbance() -> None:
    curves = {"noise": {0.0: 0.9, 0.1: 0.8}, "rotation": {-15.0: 0.5, 0.0: 0.9}}
    figure = plot_robustness(curves, "few")
    assert [axes.get_title() for axes in figure.axes] == ["noise", "rotation"]
    assert list(figure.axes[1].lines[0].get_xdata()) == [-15.0, 0.0]
    assert figure.axes[1].get_xlabel() == "degrees clockwise"


def test_a_range_test_marks_what_it_suggests() -> None:
    rates = np.geomspace(1e-3, 1, 30)
    losses = np.r_[np.linspace(2, 1, 20), np.geomspace(1, 1e6, 10)]
    (axes,) = plot_rates(rates, losses, losses[:25], 0.03, "net").axes
    assert axes.get_xscale() == "log"
    assert axes.get_ylim()[1] < 3
    assert any(list(line.get_xdata()) == [0.03, 0.03] for line in axes.lines)
    (without,) = plot_rates(rates, losses, losses[:25], None, "net").axes
    assert len(without.lines) == len(axes.lines) - 1
