"""Folders of images: other kinds and names are read, and whatever does not belong is refused."""

from __future__ import annotations

import shutil
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hard_pictures import draw_digit
from PIL import Image
from small_datasets import assert_not_read, checksums, pair
from source import ROOT

from mlp.common.errors import DataError
from mlp.data.formats import convert as formats
from mlp.data.formats import image_folder
from mlp.data.formats.request import Request
from mlp.data.formats.rows import Asked
from mlp.data.formats.splits import TEST, TRAIN, WHOLE
from mlp.data.inputs import Pixels
from mlp.data.reading import Reading


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
        assert_not_read(folder, r"over the limit of 1,048,576")


def test_too_many_pixels_in_all_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_folder, "MAX_BYTES", 34 * 25 - 1)
    assert_not_read(folder, "take 850 bytes, over the limit of 849")


def test_links_out_of_the_folder_are_refused(folder: Path) -> None:
    path = some_image(folder)
    outside = folder.with_name("outside.png")
    path.rename(outside)
    path.symlink_to(outside)
    assert_not_read(folder, "is a link out of")
    outside.rename(path)
    folder.with_name("others").mkdir()
    (folder / "train" / "99").symlink_to(folder.with_name("others"))
    assert_not_read(folder, "is a link out of")


def spoil_half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:50])


BAD_IMAGES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "cut off": (spoil_half, "cannot be read as a picture"),
    "text": (lambda path: path.write_text("hello"), "cannot be read as a picture"),
    "empty": (lambda path: path.write_bytes(b""), "cannot be read as a picture"),
    "16 bits": (lambda path: Image.new("I;16", (5, 5)).save(path), "has 16 bits a pixel but|has 8"),
    "another size": (lambda path: Image.new("L", (6, 5)).save(path), "is 5 x 6 but .* is 5 x 5"),
    "a stranger": (lambda path: path.with_suffix(".bin").write_text("hi"), "is no picture"),
    "a folder": (lambda path: path.with_name("x.png").mkdir(), "is no picture"),
    "no test": (lambda path: shutil.rmtree(path.parents[2] / "train"), "no train folder"),
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
    assert_not_read(folder, sentence)


def test_words_val_and_capitals_are_read(tmp_path: Path) -> None:
    for place in ("Train/cat", "Train/dog", "Val/cat", "Test/dog", "__MACOSX/cat"):
        (tmp_path / "d" / place).mkdir(parents=True)
        Image.new("L", (3, 3), len(place)).save(tmp_path / "d" / place / "a.png")
    found = formats.read_raw(tmp_path / "d")
    assert {name: split.labels.tolist() for name, split in found.items()} == {  # type: ignore
        TRAIN: ["cat", "cat", "dog"],
        TEST: ["dog"],
    }


@pytest.mark.parametrize("ink", [0, 255])
def test_what_is_opaque_on_a_transparent_sheet_is_ink(tmp_path: Path, ink: int) -> None:
    picture = Image.new("RGBA", (5, 5))
    picture.putpixel((2, 1), (ink, ink, ink, 255))
    for label in "01":
        (tmp_path / "d" / label).mkdir(parents=True)
        picture.save(tmp_path / "d" / label / "a.png")
    features = formats.read_raw(tmp_path / "d")[WHOLE].features
    assert features[0, 1, 2] == 255
    assert features[0].sum() == 255


def test_mixed_sizes_are_scaled_where_asked(tmp_path: Path) -> None:
    for label, size in ("0", (8, 4)), ("1", (9, 30)):
        (tmp_path / "d" / label).mkdir(parents=True)
        Image.new("CMYK", size, (0, 0, 0, 0)).save(tmp_path / "d" / label / "a.jpg")
    split = formats.read_raw(tmp_path / "d", Request(Reading(size=6)))[WHOLE]
    assert split.features.shape == (2, 6, 6)
    assert (split.features > 250).all()


def test_mixed_depths_are_of_one_range_where_scaled(tmp_path: Path) -> None:
    for order in ("89", "98"):
        for name, depth in zip(order, ("u1", "u2"), strict=True):
            (tmp_path / order / name).mkdir(parents=True)
            grey = np.array([[0, 255], [128, 77]], depth) * (257 if depth == "u2" else 1)
            Image.fromarray(grey).save(tmp_path / order / name / "a.png")
        with pytest.raises(DataError, match="bits a pixel"):
            formats.read_raw(tmp_path / order)
        features = formats.read_raw(tmp_path / order, Request(Reading(size=2)))[WHOLE].features
        assert features.dtype == np.uint8
        assert features.tolist() == [[[0, 255], [128, 77]]] * 2


def test_a_model_of_bytes_reads_pictures_of_16_bits_where_scaled(tmp_path: Path) -> None:
    (tmp_path / "d" / "0").mkdir(parents=True)
    Image.fromarray(np.full((2, 2), 65535, "u2")).save(tmp_path / "d" / "0" / "a.png")
    asked = Asked(Pixels(shape=(2, 2)), 4)
    (rows,) = formats.read_rows(tmp_path / "d", Request(Reading(size=2)), asked)
    assert rows.raw.features.tolist() == [[[255, 255], [255, 255]]]


def test_drawings_are_read_where_nothing_else_is_imported(tmp_path: Path) -> None:
    for digit in (3, 4):
        page = np.pad(255 * (1 - draw_digit(digit, 100)), 30, constant_values=255)
        (tmp_path / str(digit)).mkdir()
        for k in range(2):
            Image.fromarray(page.astype(np.uint8)).save(tmp_path / str(digit) / f"{k}.png")
    script = (
        "import mlp, sys; print(mlp.load_dataset(sys.argv[1], handwriting=True, test=2).pixels)"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.split() == ["784"], done.stderr
