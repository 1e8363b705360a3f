"""Tables as people and spreadsheets write them, folders of pictures with labels, and their rows."""

from __future__ import annotations

import io
import shutil
from functools import cache
from pathlib import Path

import numpy as np
from fuzz_files import scratch
from hard_pictures import draw_digit, place
from PIL import Image
from small_datasets import digits

from mlp.data.formats import convert as data_formats
from mlp.data.formats.request import Request
from mlp.data.formats.rows import Asked
from mlp.data.inputs import Columns
from mlp.data.reading import Reading

_ROWS = [
    ("1", "5.5", "red", "yes", "setosa"),
    ("2", "4,5", "blue", "no", "virginica"),
    ("3", "NA", "green", "yes", "setosa"),
    ("4", "6.25", "red", "no", "virginica"),
] * 4
_NAMES = ("id", "size", "colour", "is new", "class")


def tables() -> list[bytes]:
    """The same table with each mark between its fields, in each encoding, with remarks, and R's."""

    def lines(mark: str, comma: str = ".", quote: str = "") -> str:
        rows = [_NAMES, *((str(i), *row[1:]) for i, row in enumerate(_ROWS, 1))]
        fields = [[f"{quote}{field}{quote}" for field in row] for row in rows]
        return "\n".join(mark.join(row) for row in fields).replace("4,5", f"4{comma}5") + "\n"

    texts = [
        lines(","), lines(";", ","), lines("\t"), lines("|"), lines(" ", quote='"'),
        "# of flowers\n# by hand\n" + lines(","), "#" + lines("\t"), lines(",", quote='"'),
        lines("  ", quote='"').replace('"id"', "", 1), lines(",").replace("red", "rötlich"),
    ]  # fmt: skip
    whole = [text.encode() for text in texts]
    return [
        *whole,
        texts[2].encode("utf-16"),
        texts[-1].encode("cp1252"),
        b"\xef\xbb\xbf" + whole[0],
    ]


def words_model() -> Asked:
    """What a model reads that has learnt from such a table."""
    names = ("size", "colour=blue", "colour=green", "colour=red", "is new=yes")
    return Asked(
        Columns(names, (5.0,) * 5, (1.0,) * 5, True), 5, ("id", "class"), ("setosa", "virginica")
    )


def read_words(path: Path) -> int:
    """Read the rows of a table, block by block, as that model is to answer them."""
    return sum(len(rows) for rows in data_formats.read_rows(path, Request(), words_model()))


@cache
def _pictures() -> Path:
    folder = scratch() / "listed"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "in").mkdir(parents=True)
    for i, image in enumerate(digits(12).images):
        Image.fromarray(image).save(folder / ("in" if i % 2 else ".") / f"p{i}.png")
    return folder


def read_list(content: bytes) -> object:
    """Read a folder of pictures whose table of labels is this one."""
    folder = _pictures()
    (folder / "labels.csv").write_bytes(content)
    return data_formats.read(folder, Reading(test=2))


def lists() -> list[bytes]:
    """Tables that name them."""
    rows = [(f"p{i}.png", str(i % 3)) for i in range(12)]
    found = [("filename,label", ","), ("image;digit", ";"), ("id\tclass", "\t")]
    texts = ["\n".join([head, *(mark.join(row) for row in rows)]) for head, mark in found]
    return [text.encode() for text in (*texts, texts[2].replace(".png", ""))]


def small_pictures() -> list[bytes]:
    """Pictures of each kind that data sets have, of one band and of several, with transparency."""
    grey = np.random.default_rng(0).integers(0, 256, (9, 7), np.uint8)
    found = []
    for mode, kinds in (
        ("L", ("PNG", "JPEG", "BMP", "GIF", "TIFF")),
        ("RGBA", ("PNG", "WEBP", "TIFF")),
        ("P", ("PNG", "GIF", "BMP")),
        ("I;16", ("PNG", "TIFF")),
        ("1", ("PNG", "TIFF")),
    ):
        for kind in kinds:
            image = Image.fromarray(grey)
            file = io.BytesIO()
            (image.convert("I").convert(mode) if mode == "I;16" else image.convert(mode)).save(
                file, kind
            )
            found.append(file.getvalue())
    return found


def photos() -> list[bytes]:
    """A digit as a phone's photo."""
    import pillow_heif

    page = (255 * (1 - place([draw_digit(4, 110)], 180, 190, 30))).astype(np.uint8)
    found = []
    for mode in ("L", "RGB", "RGBA"):
        file = io.BytesIO()
        pillow_heif.from_pillow(Image.fromarray(page).convert(mode)).save(file, quality=60)
        found.append(file.getvalue())
    return found
