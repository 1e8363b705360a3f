"""Doubt: a digit written otherwise stays itself; what views disagree on is not sure."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_pictures import cover
from hard_pictures import Scene, page_of, photograph

from mlp.data.synthetic import draw_lines
from mlp.handwriting import extract_digit
from mlp.handwriting.constants import SURE
from mlp.handwriting.doubt import combine, confidence
from mlp.handwriting.normalise import centre, count_parts, to_mnist_format
from mlp.handwriting.recognise import recognise
from mlp.handwriting.views import draw_views, slant_of
from mlp.nn.network import MLP

DRAWINGS = draw_lines(500, 11, "continental")[::20]


@pytest.fixture(scope="module")
def boards() -> list[np.ndarray]:
    return [to_mnist_format(cover(drawing, 90, 7, (110, 110)))[1] for drawing in DRAWINGS]


def test_views_are_thinner_upright_narrower_and_wider(boards: list[np.ndarray]) -> None:
    for board in boards:
        image, (thin, upright, narrow, wide) = centre(board), draw_views(board)
        assert thin.astype(int).sum() <= image.astype(int).sum()
        assert abs(slant_of(upright > 100)) < max(0.15, abs(slant_of(image > 100)) - 0.3)
        shapes = [
            np.ptp(np.nonzero(view > 60)[1]) / np.ptp(np.nonzero(view > 60)[0])
            for view in (narrow, image, wide)
        ]
        assert shapes == sorted(shapes)


def test_views_hold_as_many_strokes_as_the_digit(boards: list[np.ndarray]) -> None:
    for board in boards:
        for view in draw_views(board):
            assert view.shape == (28, 28)
            assert count_parts(view > 0) <= count_parts(board)


@pytest.mark.parametrize("lean", [-0.4, 0, 0.3])
def test_slant_is_columns_for_each_row_upwards(lean: float) -> None:
    rows = np.arange(60)
    bar = np.zeros((60, 80), bool)
    for row in rows:
        at = round(40 + lean * (30 - row))
        bar[row, at - 4 : at + 5] = True
    assert slant_of(bar) == pytest.approx(lean, abs=0.01)
    upright = draw_views(bar)[1]
    assert abs(slant_of(upright > 127)) < 0.03


def test_a_dot_has_views() -> None:
    assert (draw_views(np.ones((1, 1), bool)).reshape(4, -1).max(axis=1) > 0).all()


def test_the_image_counts_as_much_as_its_views() -> None:
    by_view = np.array([[[1.0, 0.0], [0.5, 0.5], [0.0, 1.0], [0.25, 0.75], [0.25, 0.75]]])
    np.testing.assert_allclose(combine(by_view), [[0.625, 0.375]])
    np.testing.assert_array_equal(combine(by_view[:, :1]), by_view[:, 0])


def test_confidence_falls_with_each_view_and_with_what_was_left_out() -> None:
    none = np.zeros(1)
    agreed = confidence(np.full((1, 5), 0.98), none)[0]
    assert agreed == pytest.approx(0.98)
    for view in range(5):
        doubted = np.full((1, 5), 0.98)
        doubted[0, view] = 0.02
        assert confidence(doubted, none)[0] < agreed - 0.02
    assert confidence(np.full((1, 5), 0.98), np.array([0.5]))[0] < agreed
    assert confidence(np.full((1, 5), 0.1), none)[0] < SURE
    assert np.isfinite(confidence(np.array([[0.0, 1.0]]), np.array([1e9]))).all()


def test_one_batch_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    model, batches = MLP([784, 10]), []
    forward = MLP.forward
    monkeypatch.setattr(
        MLP, "forward", lambda self, x: (batches.append(len(x)), forward(self, x))[1]
    )
    digit = extract_digit(photograph(page_of(7), Scene()))
    recognise(model, [digit, digit])
    assert batches == [10]


def test_ink_beside_a_digit_is_left_out_of_it() -> None:
    page = page_of(1, height=120, pen=0.1)
    assert extract_digit(photograph(page, Scene())).left_out == 0
    rows, columns = np.nonzero(page > 0.5)
    spot = rows.max() - 30, columns.max() + 22
    page[spot[0] : spot[0] + 12, spot[1] : spot[1] + 12] = 1
    assert 0.05 < extract_digit(photograph(page, Scene())).left_out < 0.3
