"""Tables converted a block at a time: the bytes that reading them whole gives, in little memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from small_datasets import checksums, digits, tree

from mlp.common.errors import DataError
from mlp.data.dataset import Split
from mlp.data.formats import convert as formats
from mlp.data.formats.splits import TEST, TRAIN, WHOLE
from mlp.data.formats.streamed import StreamedSplit, streamed

COUNT = 4_500  # rows of three blocks


def write_tables(folder: Path, count: int = COUNT, side: int = 8) -> tuple[Path, Path]:
    """A table of one set, and a folder of a training and a test table."""
    train, test = digits(count, side, side), digits(count // 2, side, side)
    formats.write({WHOLE: train}, folder / "digits.csv")
    formats.write({TRAIN: train, TEST: test}, folder / "pair", "csv")
    return folder / "digits.csv", folder / "pair"


TARGETS = [("digits.csv", "csv"), ("pair", "csv"), ("pair", "npz"), ("pair", "idx")]


def converted(folder: Path, source: str, to: str) -> Path:
    """Convert to a name that has the right ending."""
    ending = to if to == "npz" or source.endswith("csv") else ""
    target = folder / f"out-{source.partition('.')[0]}-{to}{'.' * bool(ending)}{ending}"
    formats.convert(folder / source, target, None if ending else to, force=True)
    return target


def content(path: Path) -> bytes | dict[str, bytes | None]:
    return tree(path) if path.is_dir() else path.read_bytes()


@pytest.mark.parametrize(("source", "to"), TARGETS)
def test_a_table_gives_the_bytes_that_it_gives_read_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, to: str
) -> None:
    write_tables(tmp_path)
    _, found = formats.convert(tmp_path / source, tmp_path / "told", "images")
    assert all(isinstance(split, StreamedSplit) for split in found.values())
    whole = formats.read_splits(tmp_path / source)
    assert {name: split.checksum for name, split in found.items()} == checksums(whole)
    by_blocks = content(converted(tmp_path, source, to))
    for own in ("csv", "csv_folder"):
        monkeypatch.setattr(f"mlp.data.formats.{own}.streamed", lambda *_: None)
    monkeypatch.setattr(Split, "parts", lambda split: iter([split]))
    assert content(converted(tmp_path, source, to)) == by_blocks


def test_npz_is_what_numpy_writes(tmp_path: Path) -> None:
    splits = {TRAIN: digits(COUNT), TEST: digits(9)}
    formats.write(splits, tmp_path / "ours.npz")
    arrays = {
        f"{letter}_{name}": array
        for name, split in splits.items()
        for letter, array in (("x", split.images), ("y", split.labels))
    }
    np.savez_compressed(tmp_path / "numpy.npz", **arrays)
    assert (tmp_path / "ours.npz").read_bytes() == (tmp_path / "numpy.npz").read_bytes()


def peak_of(call: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("source", "to"), TARGETS)
def test_five_times_the_rows_take_no_more_memory(tmp_path: Path, source: str, to: str) -> None:
    def peak(count: int) -> int:
        folder = tmp_path / str(count)
        folder.mkdir()
        write_tables(folder, count, side=12)
        return peak_of(lambda: converted(folder, source, to))

    peak(100)  # what is imported, or kept, the first time
    few, many = peak(6_000), peak(30_000)
    assert many < 1.2 * few


def spoilt(path: Path, row: int, first: str) -> None:
    """Put another label, and all else that is given before it, into a row far down."""
    lines = path.read_text().splitlines()
    lines[row] = f"{first},{lines[row].partition(',')[2]}"
    path.write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize("label", ["256", "", "two", "1,2"])
def test_a_fault_far_down_is_told_as_of_the_whole(tmp_path: Path, label: str) -> None:
    table, _ = write_tables(tmp_path)
    spoilt(table, 4_321, label)
    with pytest.raises(DataError) as whole:
        formats.read_splits(table)
    with pytest.raises(DataError) as caught:
        formats.convert(table, tmp_path / "out.csv")
    assert str(caught.value) == str(whole.value)
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize(
    "header", ["label", "id", "digit"], ids=["none", "a number of the row", "two labels"]
)
def test_what_takes_all_rows_to_tell_is_read_whole(tmp_path: Path, header: str) -> None:
    table, _ = write_tables(tmp_path, 60)
    head, _, rows = table.read_text().partition("\n")
    changed = "" if header == "label" else head.replace("pixel63", header) + "\n"
    table.write_text(changed + rows)
    assert streamed({WHOLE: table}) is None


def test_a_label_of_two_kinds_is_read_whole(tmp_path: Path) -> None:
    split = digits(30)
    formats.write({WHOLE: Split(split.images, split.labels % 2)}, tmp_path / "bits.csv")
    assert streamed({WHOLE: tmp_path / "bits.csv"}) is None
