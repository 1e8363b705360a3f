"""A sheet of paper on a table is told from what is around it."""

from __future__ import annotations

import numpy as np
import pytest
from hard_pictures import TABLE, Scene, clean, likeness, on_table, page_of, photograph

from mlp.handwriting import NoDigit, extract_digit
from mlp.handwriting.paper import drop_cut_strokes, find_paper


@pytest.mark.parametrize("digit", [2, 5, 7])
@pytest.mark.parametrize("table", [(120, 80, 50), (45, 45, 50), (160, 130, 90)])
def test_a_sheet_on_a_rough_table_is_looked_at_alone(digit, table):
    sheet = photograph(page_of(digit, height=88), Scene(grain=3))
    extracted = extract_digit(on_table(sheet, table))
    assert likeness(extracted.image, clean(digit)) > 0.9
    assert 88 < extracted.box.height < 104
    middle = extracted.box.top + extracted.box.height / 2
    assert middle == pytest.approx(TABLE + 120, abs=7)  # where the sheet begins, and its middle


def laid(height: int, width: int, sheet: int = 240, table: int = 90) -> np.ndarray:
    """A sheet of this size in the middle of a table of 100 x 140 pixels."""
    picture = np.full((100, 140, 3), table, np.uint8)
    top, left = (100 - height) // 2, (140 - width) // 2
    picture[top : top + height, left : left + width] = sheet
    return picture


def test_the_mask_is_the_sheet_without_its_edge():
    mask = find_paper(laid(60, 80))
    assert mask is not None
    rows, columns = np.nonzero(mask)
    assert (rows.min(), rows.max() + 1) == (22, 78)
    assert (columns.min(), columns.max() + 1) == (32, 108)
    assert mask.sum() == 56 * 76


@pytest.mark.parametrize(
    "picture",
    [laid(0, 0), laid(100, 140), laid(20, 20), laid(60, 80, sheet=100)],
    ids=["no sheet", "no table", "too small", "hardly brighter"],
)
def test_no_sheet_is_found_where_there_is_none(picture):
    assert find_paper(picture) is None


def test_a_soft_edge_is_a_shadows():
    picture = np.full((100, 140, 3), 240, np.uint8)
    picture[:] = np.linspace(90, 240, 140)[:, None]
    assert find_paper(picture) is None


def test_a_sheet_of_which_the_edge_leaves_nothing_is_none():
    one = np.full((60, 60, 3), 255, np.uint8)
    one[15:45, 28:32] = 0  # as light on dark, four pixels of "paper"
    assert find_paper(~one) is None
    assert likeness(extract_digit(one).image, clean(1)) > 0.5


def test_a_picture_one_pixel_high_has_nothing_to_read():
    picture = np.full((1, 20, 3), 60, np.uint8)
    picture[:, 5:15] = 250
    with pytest.raises(NoDigit):
        extract_digit(picture)


def test_strokes_that_the_papers_edge_cuts_are_dropped():
    paper = np.zeros((30, 30), bool)
    paper[5:25, 5:25] = True
    labels = np.zeros((30, 30), np.int32)
    labels[4:10, 8] = 1  # begins at the edge
    labels[10:15, 15] = 2
    np.testing.assert_array_equal(np.unique(drop_cut_strokes(labels, paper)), [0, 2])
