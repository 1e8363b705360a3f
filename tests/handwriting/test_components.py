"""Connected components and boxes, beside plainer ways to find them."""

from __future__ import annotations

import numpy as np
import pytest

from mlp.handwriting.components import (
    Box,
    connected_components,
    count_components,
    inked_by,
    parts_in,
    parts_of,
)


@pytest.mark.parametrize("density", [0.2, 0.4, 0.6])
def test_components_are_those_of_a_flood_fill(density):
    mask = np.random.default_rng(5).random((23, 31)) < density
    labels = connected_components(mask)
    filled = _flood_fill(mask)
    np.testing.assert_array_equal(labels, filled)
    assert count_components(mask) == filled.max()


def _flood_fill(mask: np.ndarray) -> np.ndarray:
    labels = np.zeros(mask.shape, int)
    for start in zip(*np.nonzero(mask), strict=True):
        if labels[start]:
            continue
        number, stack = labels.max() + 1, [start]
        while stack:
            row, column = stack.pop()
            inside = 0 <= row < mask.shape[0] and 0 <= column < mask.shape[1]
            if inside and mask[row, column] and not labels[row, column]:
                labels[row, column] = number
                stack += [(row + y, column + x) for y in (-1, 0, 1) for x in (-1, 0, 1)]
    return labels


@pytest.mark.parametrize("smallest", [1, 4])
def test_parts_have_the_boxes_and_areas_of_their_pixels(smallest):
    labels = connected_components(np.random.default_rng(6).random((20, 30)) < 0.3)
    expected = []
    for number in range(1, labels.max() + 1):
        rows, columns = np.nonzero(labels == number)
        box = Box(rows.min(), columns.min(), rows.max() + 1, columns.max() + 1)
        if box.extent >= smallest:
            expected.append(((number,), box, len(rows)))
    assert [(part.labels, part.box, part.area) for part in parts_of(labels, smallest)] == expected


def test_parts_join():
    one, other = parts_of(connected_components(np.array([[1, 0, 0], [0, 0, 1]], bool)))
    joined = one | other
    assert joined.labels == (1, 2)
    assert joined.box == Box(0, 0, 2, 3)
    assert joined.area == 2


def test_no_ink_has_no_parts():
    assert parts_of(connected_components(np.zeros((4, 5), bool))) == []


def test_boxes_are_scaled_outwards_and_moved():
    box = Box(3, 5, 10, 21)
    assert (box.height, box.width, box.extent) == (7, 16, 16)
    assert box.shrunk(2) == Box(1, 2, 5, 11)
    assert box.shrunk(0.5) == Box(6, 10, 20, 42)
    assert box.moved(10, -5) == Box(13, 0, 20, 16)


@pytest.mark.parametrize(
    ("other", "same"),
    [(Box(0, 0, 100, 50), True), (Box(5, 0, 105, 50), True), (Box(30, 0, 130, 50), False)],
)
def test_boxes_are_the_same_but_for_a_tenth(other, same):
    assert Box(0, 0, 100, 50).is_about(other) is same


@pytest.mark.parametrize("smallest", [1, 4])
def test_parts_of_a_mask_are_those_of_its_components(smallest):
    mask = np.random.default_rng(7).random((20, 30)) < 0.4
    parts = parts_in(mask, smallest)
    assert parts == parts_of(connected_components(mask), smallest)
    assert len(parts) > 3


def test_a_spiral_and_a_comb_are_one_component():
    """Their runs are joined in many steps, from the ends to the middle and back."""
    spiral = np.zeros((41, 41), bool)
    for ring in range(0, 20, 2):
        spiral[ring, ring : 41 - ring] = spiral[40 - ring, ring : 41 - ring] = True
        spiral[ring : 41 - ring, 40 - ring] = spiral[ring + 2 : 41 - ring, ring] = True
        spiral[ring + 2, ring : ring + 3] = True
    comb = np.zeros((41, 41), bool)
    comb[:, ::2] = comb[40] = True
    for mask in (spiral, comb, comb[::-1], comb.T, comb.T[:, ::-1]):
        np.testing.assert_array_equal(connected_components(mask), _flood_fill(mask))
    assert count_components(comb) == 1


def test_pixels_of_components_are_found_by_their_numbers():
    labels = connected_components(np.eye(9, dtype=bool)[:, ::3])
    assert np.argwhere(inked_by((2,), labels)).tolist() == [[3, 1]]
    assert np.argwhere(inked_by((3, 1), labels)).tolist() == [[0, 0], [6, 2]]
