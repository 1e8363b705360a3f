"""Small images as arrays: their grids, and their size."""

from __future__ import annotations

import numpy as np

from mlp.view.image import fit, shrink


def test_shrinking_takes_means_of_what_is_there() -> None:
    image = np.array([[0.0, 1.0, np.nan], [2.0, 3.0, 5.0]])
    assert shrink(image, 2, 2).tolist() == [[1.5, 5.0]]
    assert fit(image, 3).tolist()[1] == [2.0, 3.0, 5.0]
