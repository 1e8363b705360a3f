"""Which products our own handle of cuBLAS takes."""

from __future__ import annotations

import numpy as np

from backends.cuda.blas import MOST_PRODUCTS, can_multiply_stacks


def test_a_call_takes_no_more_products_than_a_grid_has_blocks() -> None:
    for count in (1, MOST_PRODUCTS, MOST_PRODUCTS + 1):
        stacks = np.zeros((count, 1, 1), np.float32)
        assert can_multiply_stacks(stacks, stacks, stacks) == (count <= 65_535)
