"""How a picture became the network's image: stages as a sheet."""

from __future__ import annotations

import numpy as np
import pytest

from mlp.view.stages import GAP, TILE, as_ink, draw_sheet


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.float32])
def test_the_largest_value_is_ink_and_the_least_is_paper(dtype: type) -> None:
    stage = np.array([[0, 1], [1, 0]], dtype)
    assert as_ink(stage).tolist() == [[0, 255], [255, 0]]
    assert not as_ink(np.full((2, 2), 7.0)).any()


def test_a_sheet_has_a_row_for_each_picture_and_a_tile_for_each_stage() -> None:
    page = np.zeros((500, 300))
    page[:250] = 1.0
    digit = np.eye(28)
    sheet = draw_sheet([("first", {"picture": page, "image": digit}), ("second", {"image": digit})])
    assert sheet.width == 2 * (TILE + GAP) + GAP
    pixels = np.asarray(sheet)
    first, second = np.array_split(pixels, 2)
    left = first[:, : TILE + GAP]
    assert 0.2 < (left == 0).mean() < 0.25, "half of a page as high as its tile is ink"
    assert (second[:, TILE + 2 * GAP :] == 255).all(), "it has no second stage"
