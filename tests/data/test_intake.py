"""The values of new rows: one range for a whole file, whatever a chunk of it looks like alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mlp.common.errors import DataError
from mlp.data.inputs import Columns, Inputs, Pixels
from mlp.data.intake import Intake
from mlp.data.raw import RawSplit

BYTES = Pixels(0, 255, (2, 2))


def take(inputs: Inputs, *chunks: Any) -> list[Any]:
    intake, first, taken = Intake(inputs, 4 if isinstance(inputs, Pixels) else 2, "a.npy"), 0, []
    for chunk in chunks:
        features = np.asarray(chunk)
        taken.append(
            intake.take(RawSplit(features), np.arange(first + 1, first + len(features) + 1))
            .reshape(len(features), -1)
            .tolist()
        )
        first += len(features)
    return taken


@pytest.mark.parametrize(
    ("chunks", "taken"),
    [
        ([[[0, 9, 200, 255]], [[0, 1, 1, 0]]], [[[0, 9, 200, 255]], [[0, 1, 1, 0]]]),
        ([[[0.0, 0.2, 0.4, 1.0]], [[0.0, 0.0, 0.0, 1.0]]], [[[0, 51, 102, 255]], [[0, 0, 0, 255]]]),
        ([[[0, 0, 0, 0]], [[0, 1, 255, 0]]], [[[0, 0, 0, 0]], [[0, 1, 255, 0]]]),
        ([[[0.0] * 4], [[0.0, 0.2, 0.4, 1.0]]], [[[0] * 4], [[0, 51, 102, 255]]]),
        ([[[True, False, False, True]]], [[[255, 0, 0, 255]]]),
    ],
)
def test_one_range_holds_for_all_chunks(chunks: list[Any], taken: list[Any]) -> None:
    assert take(BYTES, *chunks) == taken


@pytest.mark.parametrize(
    ("inputs", "chunks", "sentence"),
    [
        (BYTES, [[[0, 0, 1, 1]]], "from 0 to 1, where the model reads whole numbers from 0 to 255"),
        (BYTES, [[[0, 3, 16, 16]]], "from 0 to 16"),
        (BYTES, [[[0, 1, 256, 4]]], "row 1"),
        (BYTES, [[[0.1, 0.2, 0.3, 0.9]], [[0, 2.5, 1, 0]]], "row 2"),
        (BYTES, [[[0, 9, 99, 200]], [[0, 9, np.nan, 200]]], "row 2 .* missing"),
        (BYTES, [[[-1, 0, 0.5, 1]]], "from -1 to 1"),
        (Pixels(-1, 1), [[[0, 0.2, 0.5, 1]]], "from 0 to 1"),
        (Pixels(0, 1), [[[0, 2, 5, 255]]], "where 0 to 1 belong"),
        (BYTES, [[[1, 2, 3]]], "2 x 2"),
        (BYTES, [np.ones((1, 1, 4))], "2 x 2"),
        (Columns(("a", "b"), (0, 0), (1, 1)), [[[1.0, 2]], [[1, 2], [1, np.nan]]], "b .* row 3"),
        (Columns(("a", "b"), (0, 0), (1, 1)), [[[1.0, 2, 3]]], "columns belong"),
    ],
)
def test_another_range_or_shape_is_refused(
    inputs: Inputs, chunks: list[Any], sentence: str
) -> None:
    with pytest.raises(DataError, match=sentence):
        take(inputs, *chunks)


def test_paler_images_are_remarked() -> None:
    intake = Intake(BYTES, 4, "a.npy")
    intake.take(RawSplit(np.array([[0, 50, 90, 100]])))
    assert intake.remark is not None
    assert "0 to 100" in intake.remark


def test_columns_are_taken_by_name_and_standardised() -> None:
    intake = Intake(Columns(("a", "b"), (1.0, 2.0), (2.0, 4.0)), 2, "a.csv")
    raw = RawSplit(np.array([[10.0, 3.0]]), None, ("b", "a"))
    assert intake.take(raw).tolist() == [[1.0, 2.0]]
    with pytest.raises(DataError, match="no column 'a'"):
        intake.take(RawSplit(np.zeros((1, 2)), None, ("b", "c")))


@pytest.mark.parametrize(("share", "told"), [(1.0, True), (0.5, False)])
def test_rows_that_are_mostly_ink_are_told(share: float, told: bool) -> None:
    images = np.random.default_rng(3).integers(0, 60, (40, 4, 4), dtype=np.uint8)
    images[: int(40 * share)] = 255 - images[: int(40 * share)]
    intake = Intake(Pixels(shape=(4, 4)), 16, "drawn")
    intake.take(RawSplit(images))
    assert ("drawn are mostly ink" in (intake.remark or "")) == told
    single = Intake(Pixels(shape=(4, 4)), 16, "drawn")
    single.take(RawSplit(images[:1]))
    assert single.remark is None
