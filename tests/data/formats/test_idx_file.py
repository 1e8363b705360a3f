"""One IDX file by itself: with the labels beside it, turned where it is EMNIST's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mlp.common.errors import DataError
from mlp.data.formats.convert import read_raw, read_rows
from mlp.data.formats.idx import write_idx
from mlp.data.formats.request import Request
from mlp.data.formats.rows import Asked
from mlp.data.formats.splits import WHOLE
from mlp.data.inputs import Pixels

IMAGES = np.random.default_rng(0).integers(0, 256, (9, 4, 5), dtype=np.uint8)
LABELS = np.arange(9, dtype=np.uint8)


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize(("prefix", "is_turned"), [("t10k", False), ("emnist-letters-test", True)])
def test_a_file_is_read_with_its_labels(
    ending: str, prefix: str, is_turned: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlp.data.formats.rows.CHUNK_BYTES", 40)
    path = tmp_path / f"{prefix}-images-idx3-ubyte{ending}"
    write_idx(path, IMAGES)
    write_idx(tmp_path / f"{prefix}-labels-idx1-ubyte.gz", LABELS)
    expected = IMAGES.swapaxes(1, 2) if is_turned else IMAGES
    whole = read_raw(path)[WHOLE]
    np.testing.assert_array_equal(whole.features, expected)
    assert whole.labels is not None
    rows = list(read_rows(path, Request(), Asked(Pixels(), 20)))
    np.testing.assert_array_equal(np.concatenate([part.raw.features for part in rows]), expected)
    np.testing.assert_array_equal(np.concatenate([part.raw.labels for part in rows]), LABELS)
    assert [number for part in rows for number in part.numbers] == list(range(1, 10))


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("change", [lambda b: b[:-7], lambda b: b + b"x"])
def test_a_damaged_file_is_refused(ending: str, change, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / f"images-idx3-ubyte{ending}"
    write_idx(path, IMAGES)
    if ending:
        import gzip

        path.write_bytes(gzip.compress(change(gzip.decompress(path.read_bytes()))))
    else:
        path.write_bytes(change(path.read_bytes()))
    with pytest.raises(DataError, match=r"ends before|goes on|too short"):
        list(read_rows(path, Request(), Asked(Pixels(), 20)))


def test_labels_of_another_count_are_refused(tmp_path: Path) -> None:
    write_idx(tmp_path / "t10k-images-idx3-ubyte", IMAGES)
    write_idx(tmp_path / "t10k-labels-idx1-ubyte", LABELS[:5])
    with pytest.raises(DataError, match="belong together"):
        list(read_rows(tmp_path / "t10k-images-idx3-ubyte", Request(), Asked(Pixels(), 20)))


def test_a_folder_of_four_files_gives_its_test_rows(tmp_path: Path) -> None:
    for split, count in (("train", 9), ("t10k", 4)):
        write_idx(tmp_path / f"{split}-images-idx3-ubyte", IMAGES[:count])
        write_idx(tmp_path / f"{split}-labels-idx1-ubyte", LABELS[:count])
    (part,) = read_rows(tmp_path, Request(), Asked(Pixels(), 20))
    assert len(part) == 4
