"""``mnist.npz``: other integers are read; objects, damage and zip bombs are refused."""

from __future__ import annotations

import io
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_datasets import assert_not_read, pair

from mlp.common import bounds
from mlp.data.formats import convert as formats
from mlp.data.formats.splits import TRAIN


class Bomb:
    """Leaves a mark where it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return os.mkdir, (str(self.mark),)


def arrays(**changes: Any) -> dict[str, Any]:
    train, test = pair().values()
    four = {
        "x_train": train.images,
        "y_train": train.labels,
        "x_test": test.images,
        "y_test": test.labels,
    }
    return {name: value for name, value in {**four, **changes}.items() if value is not None}


BAD_ARRAYS = {
    "no names": (dict.fromkeys(("first", "second"), np.zeros(3)), r"names no images: it has first"),
    "twice": (arrays(X_train=np.zeros((23, 5, 5))), r"features twice, x_train and X_train"),
    "too bright": (arrays(x_train=np.full((23, 5, 5), 300)), r"go from 300 to 300"),
    "negative labels": (arrays(y_train=np.full(23, -1)), r"the label -1"),
    "five channels": (
        arrays(x_train=np.zeros((23, 5, 5, 5))),
        r"x_train .* of shape \(23, 5, 5, 5",
    ),
    "words": (arrays(x_train=np.full((23, 5, 5), "a")), r"x_train .* is <U1"),
    "too few labels": (arrays(y_train=np.zeros(22, int)), r"23 images but 22 labels"),
    "no images": (arrays(x_test=np.zeros((0, 5, 5), int), y_test=np.zeros(0, int)), r"no images"),
    "no pixels": (arrays(x_test=np.zeros((11, 0, 5), int)), r"no images"),
    "two sizes": (arrays(x_test=np.zeros((11, 4, 5), int)), r"4 x 5 and 5 x 5"),
}


@pytest.mark.parametrize("case", BAD_ARRAYS)
def test_bad_arrays_are_refused(tmp_path: Path, case: str) -> None:
    content, sentence = BAD_ARRAYS[case]
    np.savez(tmp_path / "bad.npz", **content)
    assert_not_read(tmp_path / "bad.npz", sentence)


def test_npz_of_other_integers_is_read(tmp_path: Path) -> None:
    np.savez(tmp_path / "wide.npz", **arrays(y_train=np.arange(23) % 10, extra=np.array("words")))
    assert formats.read_splits(tmp_path / "wide.npz")[TRAIN].labels[:3].tolist() == [0, 1, 2]


def test_pickled_arrays_are_never_loaded(tmp_path: Path) -> None:
    mark = tmp_path.with_name("mark")
    np.savez(tmp_path / "bad.npz", **arrays(x_train=np.array([Bomb(mark)], dtype=object)))
    assert_not_read(tmp_path / "bad.npz", "Python objects")
    (tmp_path / "other.npz").write_bytes(pickle.dumps(Bomb(mark)))
    assert_not_read(tmp_path / "other.npz", "is no dataset")
    assert not mark.exists()


def test_damaged_zips_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "good.npz", **arrays())
    good = (tmp_path / "good.npz").read_bytes()
    start = good.index(pair()[TRAIN].images.tobytes())
    flipped = good[:start] + bytes([good[start] ^ 1]) + good[start + 1 :]
    for bad in (good[:-30], good[: len(good) // 2], flipped):
        (tmp_path / "bad.npz").write_bytes(bad)
        assert_not_read(tmp_path / "bad.npz", "is a damaged .npz file")


def test_a_header_that_promises_too_much_costs_nothing(tmp_path: Path) -> None:
    member = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        member, {"descr": "|u1", "fortran_order": False, "shape": (1 << 40, 28, 28)}
    )
    np.savez(tmp_path / "bad.npz", **arrays(x_train=None))
    with zipfile.ZipFile(tmp_path / "bad.npz", "a") as archive:
        archive.writestr("x_train.npy", member.getvalue())
    assert_not_read(tmp_path / "bad.npz", f"promises {784 << 40:,} bytes and has 0")


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez_compressed(tmp_path / "bomb.npz", **arrays(x_train=np.zeros((23, 99, 99), np.uint8)))
    monkeypatch.setattr(bounds, "most_unpacked", lambda _: 100_000)
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *_: pytest.fail("it was unpacked"))
    assert_not_read(tmp_path / "bomb.npz", "over the limit of 100,000")
