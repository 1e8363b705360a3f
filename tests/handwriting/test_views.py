"""A digit is written otherwise to the pixel as Pillow's transforms draw it."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_pictures import cover
from PIL import Image

from mlp.data.synthetic import draw_lines
from mlp.handwriting import normalise, views
from mlp.handwriting.normalise import to_mnist_format
from mlp.handwriting.views import draw_views


def drawn_by_pillow(strokes: np.ndarray, shear: float, stretch: float) -> np.ndarray:
    height, width = strokes.shape
    wide = round(width * stretch + abs(shear) * height) + 2
    across = 1 / stretch
    start = width / 2 - across * wide / 2 - shear * height / 2
    drawn = Image.fromarray(strokes.astype(np.float32)).transform(
        (wide, height),
        Image.Transform.AFFINE,
        (across, shear, start, 0, 1, 0),
        Image.Resampling.BILINEAR,
    )
    return np.asarray(drawn) > 0.5


@pytest.fixture(scope="module")
def boards() -> list[np.ndarray]:
    rng = np.random.default_rng(6)
    drawings = draw_lines(500, 12, "continental")[::25]
    boards = [to_mnist_format(cover(drawing, 90, 7, (110, 110)))[1] for drawing in drawings]
    noise = [np.pad(rng.random(shape) < 0.5, ((0, 0), (1, 1))) for shape in [(9, 13), (40, 20)]]
    return [*boards, *noise, np.pad(np.ones((1, 1), bool), 1)]


@pytest.mark.parametrize("shear", [0.0, 0.1, -0.25, 0.5, -0.6, 1 / 3])
def test_rows_are_moved_as_pillow_moves_them(boards: list[np.ndarray], shear: float) -> None:
    for board in boards:
        expected = drawn_by_pillow(board, shear, 1.0)
        np.testing.assert_array_equal(views._sheared(board, shear), expected)


@pytest.mark.parametrize("stretch", [1.0, 1.22, 1 / 1.22, 2.0, 0.5])
def test_rows_are_stretched_as_pillow_stretches_them(
    boards: list[np.ndarray], stretch: float
) -> None:
    for board in boards:
        expected = drawn_by_pillow(board, 0.0, stretch)
        np.testing.assert_array_equal(views._stretched(board, stretch), expected)


def test_a_digit_in_one_piece_is_looked_at_once(
    boards: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    count, counted = normalise.count_parts, []

    def watched(mask: np.ndarray) -> int:
        counted.append(mask.shape)
        return count(mask)

    monkeypatch.setattr(normalise, "count_parts", watched)
    whole = [board for board in boards if count(board) == 1 and board.shape[0] > 40]
    for board in whole:
        draw_views(board)
    assert len(whole) > 5
    assert len(counted) <= 1.2 * len(whole)  # a thin stroke may fall apart, and is then compared
