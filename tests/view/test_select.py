"""Which images are shown."""

from __future__ import annotations

import numpy as np
import pytest

from mlp.common.errors import UsageError
from mlp.data.load import Split
from mlp.view.select import labelled, rows_from


def test_rows_are_chosen_by_label_and_number() -> None:
    labels = np.array([3, 1, 3, 2], np.uint8)
    wanted = labels == 3
    assert rows_from(wanted, 0).tolist() == [0, 2]
    assert rows_from(wanted, 1).tolist() == [2]
    for index, message in ((-1, "0 to 3"), (4, "0 to 3"), (3, "begin earlier")):
        with pytest.raises(UsageError, match=message):
            rows_from(wanted, index)


@pytest.mark.parametrize("labels", [np.array([0, 1, 1]), np.array([[1, 0], [0, 1], [1, 1]])])
def test_labels_are_looked_for_in_classes_and_in_answers(labels: np.ndarray) -> None:
    split = Split(np.zeros((3, 2, 2), np.uint8), labels.astype(np.uint8))
    assert labelled(split, None, 3).all()
    assert labelled(split, 1, 2).tolist() == [False, True, True]
    for digit in (-1, 2):
        with pytest.raises(UsageError, match=f"--digit {digit}"):
            labelled(split, digit, 2)
