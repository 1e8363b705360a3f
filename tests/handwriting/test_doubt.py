"""Doubt: a digit written otherwise stays itself; what views disagree on is not sure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from drawn_pictures import cover
from hard_pictures import Scene, page_of, photograph

from mlp.data.synthetic import draw_lines
from mlp.handwriting import constants, extract_digit
from mlp.handwriting.constants import SURE
from mlp.handwriting.doubt import combine, confidence, evidence_of
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


def test_confidence_falls_with_each_view_and_with_what_the_pipeline_tells() -> None:
    none = np.zeros((1, 3))
    agreed = confidence(np.full((1, 5), 0.98), none)[0]
    assert agreed == pytest.approx(0.98)
    for view in range(5):
        doubted = np.full((1, 5), 0.98)
        doubted[0, view] = 0.02
        assert confidence(doubted, none)[0] < agreed - 0.02
    for kind in range(3):
        told = np.zeros((1, 3))
        told[0, kind] = 0.5
        assert confidence(np.full((1, 5), 0.98), told)[0] < agreed
    assert confidence(np.full((1, 5), 0.1), none)[0] < SURE
    assert np.isfinite(confidence(np.array([[0.0, 1.0]]), np.ones((1, 3)))).all()


def test_several_answers_to_a_digit_are_doubted_alike() -> None:
    by_view = np.full((2, 5, 3), 0.9)
    sure = confidence(by_view, np.array([[0, 0, 0], [0, 1, 0.5]]))
    assert sure.shape == (2, 3)
    np.testing.assert_allclose(sure[0], 0.9)
    assert (sure[1] < sure[0]).all()
    assert len(set(sure[1])) == 1


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


def test_a_stroke_that_was_rubbed_out_leaves_pieces() -> None:
    page = page_of(0, height=120, pen=0.1)
    assert extract_digit(photograph(page, Scene())).pieces == 1
    rows, columns = np.nonzero(page > 0.5)
    for row in (rows.min(), rows.max()):
        page[row - 14 : row + 15, columns.min() + 20 : columns.max() - 20] *= 0
    broken = extract_digit(photograph(page, Scene()))
    assert broken.pieces == 2
    assert evidence_of([broken])[0, 1] == 1


def test_blur_is_told_by_soft_edges() -> None:
    page = page_of(5, height=120, pen=0.1)
    told = [extract_digit(photograph(page, Scene(blur=blur))).softness for blur in (0, 1, 2, 4)]
    assert told == sorted(told)
    assert told[-1] > 2 * told[0]


def test_evidence_has_bounds() -> None:
    digit = extract_digit(photograph(page_of(7), Scene()))
    told = evidence_of([replace(digit, left_out=1e9, softness=1e9)])
    assert told.max() <= max(constants.MOST_LEFT_OUT, constants.MOST_SOFT)


def test_no_digits_have_no_evidence() -> None:
    assert evidence_of([]).shape == (0, 3)
