"""Datasets in every form: kept to the pixel, described, and refused where they are not sound."""

from __future__ import annotations

import io
import json
import os
import pickle
import shutil
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import mlp.common.safe_npz
from mlp.cli import main
from mlp.common.errors import DataError, UsageError
from mlp.data.dataset import Dataset, Split
from mlp.data.describe import describe_dataset
from mlp.data.formats import convert as formats
from mlp.data.formats import image_folder as images
from mlp.data.formats.csv import read_csv, write_csv
from mlp.data.formats.registry import FORMATS
from mlp.data.formats.splits import TEST, TRAIN, WHOLE, Splits
from mlp.data.load import load_dataset
from mlp.data.mnist import MnistUnavailable, load_mnist


def digits(count: int, height: int = 5, width: int = 5, seed: int = 0) -> Split:
    rng = np.random.default_rng([seed, count])
    pixels = rng.integers(0, 256, (count, height, width), dtype=np.uint8)
    return Split(pixels, rng.integers(0, 10, count, dtype=np.uint8))


def pair(height: int = 5, width: int = 5) -> Splits:
    return {TRAIN: digits(23, height, width), TEST: digits(11, height, width)}


def checksums(splits: Splits) -> dict[str, str]:
    return {name: split.checksum for name, split in splits.items()}


def place(folder: Path, form: str) -> Path:
    return folder / (f"digits.{form}" if form == "npz" else form)


def tree(folder: Path) -> dict[str, bytes | None]:
    """All that is in a folder, to see that nothing was changed."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


# --- Round trips ----------------------------------------------------------------------------------


@pytest.mark.parametrize("second", FORMATS.names)
@pytest.mark.parametrize("first", FORMATS.names)
@pytest.mark.parametrize("shape", [(5, 5), (3, 4)])
def test_every_form_turns_into_every_other(
    tmp_path: Path, first: str, second: str, shape: tuple[int, int]
) -> None:
    splits = pair(*shape)
    there, then = place(tmp_path, first), place(tmp_path, f"{second}").with_name(f"x-{second}.npz")
    then = then if second == "npz" else then.with_suffix("")
    formats.write(splits, there, first)
    form, _ = formats.convert(there, then, second)
    assert form.name == second == formats.detect(then).name
    assert checksums(formats.read_splits(then)) == checksums(splits)


@given(
    count=st.integers(1, 30),
    height=st.integers(1, 6),
    width=st.integers(1, 6),
    seed=st.integers(0, 9),
)
@settings(max_examples=30, deadline=None)
def test_a_lone_split_is_kept_as_csv_and_as_images(
    tmp_path_factory: pytest.TempPathFactory, count: int, height: int, width: int, seed: int
) -> None:
    folder = tmp_path_factory.mktemp("lone")
    split = digits(count, height, width, seed)
    formats.write({WHOLE: split}, folder / "digits.csv")
    formats.convert(folder / "digits.csv", folder / "images", "images")
    assert formats.read_splits(folder / "digits.csv")[WHOLE].checksum == split.checksum
    assert formats.read_splits(folder / "images")[WHOLE].checksum == split.checksum


def test_read_makes_a_dataset_that_training_takes(tmp_path: Path) -> None:
    splits = pair()
    formats.write(splits, tmp_path / "digits.npz")
    dataset = load_dataset(str(tmp_path / "digits.npz"))
    assert (dataset.name, dataset.classes, dataset.pixels) == ("digits", 10, 25)
    assert dataset.train.checksum == splits[TRAIN].checksum
    formats.write(dataset, tmp_path / "again", "idx")
    assert checksums(formats.read_splits(tmp_path / "again")) == checksums(splits)


# --- CSV ------------------------------------------------------------------------------------------

TABLE = "label,pixel0,pixel1,pixel2,pixel3\n7,0,255,3,4\n1,9,8,7,6\n"
ROWS = [[0, 255, 3, 4], [9, 8, 7, 6]]


@pytest.mark.parametrize(
    "text",
    [
        TABLE,
        TABLE.partition("\n")[2],
        TABLE.replace("\n", "\r\n"),
        "\ufeff" + TABLE,
        TABLE + "\n\n",
        TABLE.rstrip(),
        TABLE.replace("255", " 255.0"),
        TABLE.replace("label", '"Label"'),
        "a,b,c,class,d\n0,255,3,7,4\n9,8,7,1,6\n",
        TABLE.replace("pixel0,pixel1,pixel2,pixel3", "1x1,1x2,2x1,2x2"),
    ],
)
def test_csv_is_read_as_people_write_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / "digits.csv"
    path.write_bytes(text.encode())
    split = read_csv(path)
    assert split.images.tolist() == [[row[:2], row[2:]] for row in ROWS]
    assert split.labels.tolist() == [7, 1]


def test_csv_is_written_as_kaggle_has_it(tmp_path: Path) -> None:
    rows = np.array(ROWS, np.uint8).reshape(2, 2, 2)
    write_csv(Split(rows, np.array([7, 1], np.uint8)), tmp_path / "square.csv")
    assert (tmp_path / "square.csv").read_text() == TABLE
    write_csv(Split(rows.reshape(2, 1, 4), np.zeros(2, np.uint8)), tmp_path / "flat.csv")
    assert (tmp_path / "flat.csv").read_text().startswith("label,1x1,1x2,1x3,1x4\n0,0,255,")


def test_a_fault_far_down_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "digits.csv"
    write_csv(digits(5_000, 2, 2), path)
    lines = path.read_text().splitlines()
    lines[4_321] = "1,2,3,nan,5"
    path.write_text("\n".join(lines))
    with pytest.raises(DataError, match=r"line 4,322 .* has 'nan' in column 4"):
        read_csv(path)


# --- What is not sound ----------------------------------------------------------------------------

BAD_TABLES = {
    "text": (TABLE.replace("255", "many"), r"line 2 .*'many' in column 3"),
    "NaN": (TABLE.replace("255", "nan"), r"line 2 .*'nan' in column 3"),
    "infinite": (TABLE.replace("255", "inf"), r"'inf'"),
    "too bright": (TABLE.replace("255", "256"), r"'256'"),
    "negative": (TABLE.replace("9,", "-9,"), r"line 3 .*'-9' in column 2"),
    "a fraction": (TABLE.replace("255", "0.5"), r"'0.5'"),
    "a gap": (TABLE.replace("255", ""), r"'' in column 3"),
    "underscores": (TABLE.replace("255", "2_5"), r"'2_5'"),
    "a label outside": (TABLE.replace("7,0", "10,0"), r"image 1 .* label 10"),
    "a short row": (TABLE[:-3], r"line 3 .* has 4 columns where 5"),
    "a long row": (TABLE.replace("1,9", "1,1,9"), r"line 3 .* has 6 columns where 5"),
    "no label": (TABLE.replace("label", "pixel"), r"0 of its columns label"),
    "two labels": (TABLE.replace("pixel0", "label"), r"2 of its columns label"),
    "783 pixels": (",".join(["1"] * 784) + "\n", r"783 pixels, which are not a square"),
    "783 columns": ("label," + ",".join(["p"] * 782) + "\n", r"783 columns, .* not a square"),
    "a wrong shape": ("label,1x1,1x2,2x1\n1,2,3,4\n", r"3 pixels, which are not 2 x 1"),
    "labels alone": ("label\n1\n", r"0 pixels"),
    "no rows": (TABLE.partition("\n")[0] + "\n", r"holds no images"),
    "nothing": ("", r"is empty"),
    "binary": ("\0\1\2\udcff", r"0 of its columns label"),
}


@pytest.mark.parametrize("case", BAD_TABLES)
def test_a_bad_table_is_refused(tmp_path: Path, case: str) -> None:
    text, sentence = BAD_TABLES[case]
    (tmp_path / "bad.csv").write_bytes(text.encode(errors="surrogateescape"))
    assert_refused(tmp_path / "bad.csv", sentence)


def assert_refused(source: Path, sentence: str, error: type[Exception] = DataError) -> None:
    """Neither described nor converted; the sentence is one, and nothing is written."""
    before = tree(source.parent)
    with pytest.raises(error, match=sentence) as caught:
        formats.read_splits(source)
    assert "\n" not in str(caught.value)
    for target in ("out.csv", "out.npz", "out"):
        with pytest.raises(error, match=sentence):
            formats.convert(source, source.parent / target, None if "." in target else "images")
    assert tree(source.parent) == before


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
    "missing": (arrays(y_test=None), r"lacks y_test"),
    "floats": (arrays(x_train=np.zeros((23, 5, 5))), r"x_train .* is float64"),
    "flat": (arrays(x_train=np.zeros((23, 25), np.uint8)), r"\(23, 25\).*rank 3"),
    "too bright": (arrays(x_train=np.full((23, 5, 5), 300)), r"x_train .* runs from 300 to 300"),
    "negative labels": (arrays(y_train=np.full(23, -1)), r"y_train .* runs from -1"),
    "labels outside": (arrays(y_train=np.full(23, 10)), r"label 10"),
    "too few labels": (arrays(y_train=np.zeros(22, int)), r"23 images but 22 labels"),
    "no images": (arrays(x_test=np.zeros((0, 5, 5), int), y_test=np.zeros(0, int)), r"no images"),
    "no pixels": (arrays(x_test=np.zeros((11, 0, 5), int)), r"no images"),
    "two sizes": (arrays(x_test=np.zeros((11, 4, 5), int)), r"4 x 5 and 5 x 5"),
}


@pytest.mark.parametrize("case", BAD_ARRAYS)
def test_bad_arrays_are_refused(tmp_path: Path, case: str) -> None:
    content, sentence = BAD_ARRAYS[case]
    np.savez(tmp_path / "bad.npz", **content)
    assert_refused(tmp_path / "bad.npz", sentence)


def test_npz_of_other_integers_is_read(tmp_path: Path) -> None:
    np.savez(tmp_path / "wide.npz", **arrays(y_train=np.arange(23) % 10, extra=np.array("words")))
    assert formats.read_splits(tmp_path / "wide.npz")[TRAIN].labels[:3].tolist() == [0, 1, 2]


def test_pickled_arrays_are_never_loaded(tmp_path: Path) -> None:
    mark = tmp_path.with_name("mark")
    np.savez(tmp_path / "bad.npz", **arrays(x_train=np.array([Bomb(mark)], dtype=object)))
    assert_refused(tmp_path / "bad.npz", "Python objects")
    (tmp_path / "other.npz").write_bytes(pickle.dumps(Bomb(mark)))
    assert_refused(tmp_path / "other.npz", "is no dataset")
    assert not mark.exists()


def test_damaged_zips_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "good.npz", **arrays())
    good = (tmp_path / "good.npz").read_bytes()
    start = good.index(pair()[TRAIN].images.tobytes())
    flipped = good[:start] + bytes([good[start] ^ 1]) + good[start + 1 :]
    for bad in (good[:-30], good[: len(good) // 2], flipped):
        (tmp_path / "bad.npz").write_bytes(bad)
        assert_refused(tmp_path / "bad.npz", "is a damaged .npz file")


def test_a_header_that_promises_too_much_costs_nothing(tmp_path: Path) -> None:
    member = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        member, {"descr": "|u1", "fortran_order": False, "shape": (1 << 40, 28, 28)}
    )
    np.savez(tmp_path / "bad.npz", **arrays(x_train=None))
    with zipfile.ZipFile(tmp_path / "bad.npz", "a") as archive:
        archive.writestr("x_train.npy", member.getvalue())
    assert_refused(tmp_path / "bad.npz", f"promises {784 << 40:,} bytes and has 0")


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez_compressed(tmp_path / "bomb.npz", **arrays(x_train=np.zeros((23, 99, 99), np.uint8)))
    monkeypatch.setattr(mlp.common.safe_npz, "MAX_BYTES", 100_000)
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *_: pytest.fail("it was unpacked"))
    assert_refused(tmp_path / "bomb.npz", "zip bomb")


# --- Folders of images ----------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    formats.write(pair(), tmp_path / "digits", "images")
    return tmp_path / "digits"


def some_image(folder: Path) -> Path:
    return min(path for path in (folder / "test").rglob("*.png"))


def test_images_of_other_kinds_are_read_as_grey(folder: Path) -> None:
    before = formats.read_splits(folder)
    for i, path in enumerate(sorted(folder.rglob("*.png"))):
        with Image.open(path) as image:
            other = image.convert(("RGB", "L", "P")[i % 3])
        other.save(path)
    (folder / ".DS_Store").write_bytes(b"litter")
    assert checksums(formats.read_splits(folder)) == checksums(before)


def test_jpeg_and_other_names_of_the_splits_are_read(folder: Path) -> None:
    for split in ("train", "test"):
        (folder / split).rename(folder / f"{split}ing")
    path = next((folder / "testing").rglob("*.png"))
    Image.new("L", (5, 5), 128).save(path.with_suffix(".JPG"), "JPEG")
    path.unlink()
    found = formats.read_splits(folder)
    assert list(found) == [TRAIN, TEST]
    assert (found[TEST].images == 128).all(axis=(1, 2)).sum() == 1


def test_names_are_ordered_by_their_numbers_across_classes(tmp_path: Path) -> None:
    for name, grey in (("1/img10", 10), ("0/img9", 9), ("0/img11", 11), ("1/img9", 19)):
        path = tmp_path / "digits" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (1, 1), grey).save(path)
    split = formats.read_splits(tmp_path / "digits")[WHOLE]
    assert split.images.ravel().tolist() == [9, 19, 10, 11]
    assert split.labels.tolist() == [0, 1, 1, 0]


def png(width: int, height: int) -> bytes:
    """A PNG that claims a size and ends where its pixels begin, which is all that a bomb needs."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b""))


def test_huge_images_are_refused_before_they_are_decoded(folder: Path) -> None:
    for size in ((100_000, 100_000), (12_000, 9_000), (1_025, 1_024)):
        some_image(folder).write_bytes(png(*size))
        assert_refused(folder, r"over the limit of 1,048,576")


def test_too_many_pixels_in_all_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MAX_BYTES", 34 * 25 - 1)
    assert_refused(folder, "take 850 bytes, over the limit of 849")


def test_links_out_of_the_folder_are_refused(folder: Path) -> None:
    path = some_image(folder)
    outside = folder.with_name("outside.png")
    path.rename(outside)
    path.symlink_to(outside)
    assert_refused(folder, "is a link out of")
    outside.rename(path)
    folder.with_name("others").mkdir()
    (folder / "train" / "99").symlink_to(folder.with_name("others"))
    assert_refused(folder, "is a link out of")


def spoil_half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:50])


BAD_IMAGES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "cut off": (spoil_half, "cannot be read as a PNG or JPEG"),
    "text": (lambda path: path.write_text("hello"), "cannot be read as a PNG or JPEG"),
    "empty": (lambda path: path.write_bytes(b""), "cannot be read as a PNG or JPEG"),
    "another kind": (
        lambda path: Image.new("L", (5, 5)).save(path, "GIF"),
        "cannot be read as a PNG or JPEG",
    ),
    "16 bits": (lambda path: Image.new("I;16", (5, 5)).save(path), "more than 8 bits"),
    "transparent": (lambda path: Image.new("RGBA", (5, 5)).save(path), "transparency"),
    "transparent grey": (
        lambda path: Image.new("L", (5, 5)).save(path, transparency=0),
        "transparency",
    ),
    "another size": (lambda path: Image.new("L", (6, 5)).save(path), "is 5 x 6 but .* is 5 x 5"),
    "a stranger": (lambda path: path.with_suffix(".txt").write_text("hi"), "no PNG or JPEG"),
    "a folder": (lambda path: path.with_name("x.png").mkdir(), "no PNG or JPEG"),
    "no class": (lambda path: (path.parents[1] / "ten").mkdir(), "not the folder of a class"),
    "class 10": (lambda path: path.parent.rename(path.parents[1] / "10"), "label 10"),
    "class 256": (lambda path: path.parent.rename(path.parents[1] / "256"), "not the folder of a"),
    "class 01": (lambda path: path.parent.rename(path.parents[1] / "01"), "not the folder of a"),
    "no test": (lambda path: shutil.rmtree(path.parents[1]), "no train and test"),
    "two tests": (
        lambda path: shutil.copytree(path.parents[1], path.parents[2] / "testing"),
        "does not belong here",
    ),
    "no images": (
        lambda path: [file.unlink() for file in path.parents[1].rglob("*.png")],
        "holds no images",
    ),
}


@pytest.mark.parametrize("case", BAD_IMAGES)
def test_bad_images_are_refused(folder: Path, case: str) -> None:
    spoil, sentence = BAD_IMAGES[case]
    spoil(some_image(folder))
    assert_refused(folder, sentence)


# --- Which form, and where to ---------------------------------------------------------------------


def test_what_is_no_dataset_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(b"\0\0\x08\1\0\0\0\0")
    os.mkfifo(tmp_path / "pipe")
    for name, sentence in (
        ("missing", "there is no file or folder"),
        ("pipe", "there is no file or folder"),
        ("empty", "is no dataset"),
        ("train-labels-idx1-ubyte", "is no dataset"),
    ):
        with pytest.raises(DataError, match=sentence):
            formats.detect(tmp_path / name)


def test_a_folder_of_two_forms_is_refused(folder: Path) -> None:
    formats.write(pair(), folder.with_name("csv"), "csv")
    for file in folder.with_name("csv").iterdir():
        file.rename(folder / file.name)
    assert_refused(folder, "is both a folder of two CSV files and a folder of images")


def test_mnist_names_of_a_csv_pair_are_read(tmp_path: Path) -> None:
    formats.write(pair(), tmp_path / "csv", "csv")
    for file in (tmp_path / "csv").iterdir():
        file.rename(file.with_name(f"mnist_{file.name}"))
    assert checksums(formats.read_splits(tmp_path / "csv")) == checksums(pair())


@pytest.mark.parametrize(
    ("target", "to", "sentence"),
    [
        ("digits", None, "tells no format of datasets"),
        ("digits.xlsx", None, "tells no format of datasets"),
        ("digits.npz", "hdf5", "tells no format of datasets"),
        ("digits.csv", "idx", "does not suit the format idx"),
        ("digits", "npz", "does not suit the format npz"),
        ("digits.csv", None, "a CSV file holds one set of images"),
    ],
)
def test_a_target_that_tells_no_form_is_refused(
    tmp_path: Path, target: str, to: str | None, sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence):
        formats.write(pair(), tmp_path / target, to)
    assert not tree(tmp_path)


@pytest.mark.parametrize(("target", "to"), [("x.npz", None), ("x", "csv"), ("x", "idx")])
def test_a_lone_split_is_no_dataset(tmp_path: Path, target: str, to: str | None) -> None:
    formats.write({WHOLE: digits(9)}, tmp_path / "lone.csv")
    with pytest.raises(UsageError, match="there is one set of images"):
        formats.convert(tmp_path / "lone.csv", tmp_path / target, to)
    with pytest.raises(DataError, match="needs training and test images"):
        formats.read(tmp_path / "lone.csv")
    assert list(tree(tmp_path)) == ["lone.csv"]


def test_images_of_several_classes_are_not_written(tmp_path: Path) -> None:
    several = Split(digits(4).images, np.eye(4, 10, dtype=np.uint8))
    with pytest.raises(DataError, match="several labels"):
        formats.write({TRAIN: several, TEST: several}, tmp_path / "x.npz")
    assert not tree(tmp_path)


@pytest.mark.parametrize("form", FORMATS.names)
def test_nothing_is_replaced_unasked(tmp_path: Path, form: str) -> None:
    target = place(tmp_path, form)
    formats.write(pair(), target, form)
    before = tree(tmp_path)
    other = {TRAIN: digits(7), TEST: digits(6)}
    with pytest.raises(UsageError, match="add --force"):
        formats.write(other, target, form)
    assert tree(tmp_path) == before
    formats.write(other, target, form, force=True)
    assert checksums(formats.read_splits(target)) == checksums(other)
    assert {path.parts[0] for path in map(Path, tree(tmp_path))} == {target.name}


@pytest.mark.parametrize("form", ["csv", "idx", "images"])
def test_a_folder_with_anything_else_in_it_is_never_replaced(tmp_path: Path, form: str) -> None:
    target = tmp_path / "digits"
    formats.write(pair(), target, form)
    (target / "thesis.tex").write_text("years of work")
    before = tree(tmp_path)
    with pytest.raises(DataError, match=r"thesis.tex"):
        formats.write(pair(), target, form, force=True)
    for folder in (tmp_path / "home", tmp_path / "home" / "documents"):
        folder.mkdir()
    (tmp_path / "home" / "documents" / "thesis.tex").write_text("years of work")
    before = tree(tmp_path)
    with pytest.raises(DataError, match=r"is no dataset"):
        formats.write(pair(), tmp_path / "home", form, force=True)
    assert tree(tmp_path) == before


def test_a_file_is_not_replaced_by_a_folder_nor_a_folder_by_a_file(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("text")
    (tmp_path / "taken.npz").mkdir()
    for target, to in (("taken", "idx"), ("taken.npz", None)):
        with pytest.raises(UsageError, match="is to be written"):
            formats.write(pair(), tmp_path / target, to, force=True)


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    formats.write(pair(), tmp_path / "empty", "csv")
    assert checksums(formats.read_splits(tmp_path / "empty")) == checksums(pair())


@pytest.mark.parametrize("form", FORMATS.names)
def test_a_full_disk_leaves_what_was_there(
    tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = place(tmp_path, form)
    formats.write(pair(), target, form)
    before = tree(tmp_path)

    def fail(*args: Any, **kwargs: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", fail)
    monkeypatch.setattr(np, "column_stack", fail)
    monkeypatch.setattr("mlp.data.formats.idx_folder.write_idx_folder", fail)
    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(DataError, match="No space left on device"):
        formats.write({TRAIN: digits(7), TEST: digits(6)}, target, form, force=True)
    assert tree(tmp_path) == before


def test_converting_in_place_keeps_the_data(tmp_path: Path) -> None:
    formats.write(pair(), tmp_path / "digits", "images")
    formats.convert(tmp_path / "digits", tmp_path / "digits", "idx", force=True)
    assert formats.detect(tmp_path / "digits").name == "idx"
    assert checksums(formats.read_splits(tmp_path / "digits")) == checksums(pair())


# --- Description ----------------------------------------------------------------------------------


def test_the_figures_are_those_of_the_pixels() -> None:
    split = digits(2_345, 3, 4)
    found = describe_dataset({WHOLE: split}, 10).splits[WHOLE]
    assert (found.images, found.height, found.width) == (2_345, 3, 4)
    assert found.class_counts == [int((split.labels == c).sum()) for c in range(10)]
    assert found.mean == pytest.approx((split.images / 255).mean(), rel=1e-12)
    assert found.std == pytest.approx((split.images / 255).std(), rel=1e-12)
    assert found.sha256 == split.checksum


def problems(train: Split, test: Split | None = None) -> str:
    splits = {TRAIN: train, TEST: test} if test is not None else {WHOLE: train}
    return "; ".join(describe_dataset(splits, 10).problems)


def test_problems_are_seen() -> None:
    good = digits(500)
    dark = Split(good.images // 3, good.labels)
    assert problems(dark, Split(digits(400).images // 3, digits(400).labels)) == ""
    assert "no images of class 0, 2" in problems(
        Split(dark.images, np.where(np.isin(dark.labels, [0, 2]), 1, dark.labels).astype(np.uint8))
    )
    assert "inverted" in problems(Split(255 - dark.images, dark.labels))
    assert "sorted by class" in problems(Split(dark.images, np.sort(dark.labels)))
    blank = dark.images.copy()
    blank[[3, 5]] = 7
    assert "2 images of one colour" in problems(Split(blank, dark.labels))
    assert "500 test images are among" in problems(dark, dark)
    twice = Split(np.repeat(dark.images, 2, axis=0), np.tile([1, 2], 500).astype(np.uint8))
    assert "500 images that are there again with another label" in problems(twice)


# --- The commands ---------------------------------------------------------------------------------


def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: object
) -> tuple[int, str, str]:
    monkeypatch.setattr("sys.argv", ["mlp", *map(str, words)])
    with pytest.raises(SystemExit) as exit_:
        main()
    out, err = capsys.readouterr()
    return int(exit_.value.code or 0), out, err


def test_info_describes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    formats.write(pair(), tmp_path / "digits", "images")
    code, out, err = run(monkeypatch, capsys, "data", "info", tmp_path / "digits")
    assert (code, err) == (0, "")
    assert "a folder of images" in out
    assert "5 x 5" in out
    assert pair()[TEST].checksum in out
    code, out, err = run(monkeypatch, capsys, "data", "info", tmp_path / "digits", "--json")
    found = json.loads(out)
    assert (code, err, found["form"]) == (0, "", "images")
    assert found["splits"]["train"]["images"] == 23
    assert found["splits"]["train"]["sha256"] == pair()[TRAIN].checksum


def test_convert_converts_and_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    formats.write(pair(), tmp_path / "a.npz")
    words = ("data", "convert", tmp_path / "a.npz", tmp_path / "b", "--to", "csv")
    code, out, err = run(monkeypatch, capsys, *words, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["sha256"] == checksums(pair())
    assert checksums(formats.read_splits(tmp_path / "b")) == checksums(pair())
    code, out, err = run(monkeypatch, capsys, *words)
    assert (code, out) == (2, "")
    assert "add --force" in err
    code, out, _ = run(monkeypatch, capsys, *words, "--force")
    assert code == 0
    assert "23 (train) and 11 (test) images" in out


def test_more_classes_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    letters = Split(digits(26).images, np.arange(26, dtype=np.uint8))
    formats.write({WHOLE: letters}, tmp_path / "letters.csv")
    code, out, err = run(monkeypatch, capsys, "data", "info", tmp_path / "letters.csv")
    assert (code, out) == (1, "")
    assert err.startswith("mlp: image 11 of the split all")
    assert err.count("\n") == 1
    words = ("data", "info", tmp_path / "letters.csv", "--classes", 26)
    assert run(monkeypatch, capsys, *words)[0] == 0


# --- The real thing -------------------------------------------------------------------------------


@pytest.mark.mnist
def test_mnist_is_kept_and_sound(tmp_path: Path) -> None:
    try:
        mnist: Dataset = load_mnist(download=False)
    except MnistUnavailable as error:
        pytest.skip(str(error))
    rows = {WHOLE: mnist.test}
    formats.write(rows, tmp_path / "mnist.csv")
    assert checksums(formats.read_splits(tmp_path / "mnist.csv")) == checksums(rows)
    found = describe_dataset({TRAIN: mnist.train, TEST: mnist.test}, 10)
    assert found.problems == []
    assert round(found.splits[TRAIN].mean, 4) == 0.1307  # as is well known
    assert round(found.splits[TRAIN].std, 4) == 0.3081
