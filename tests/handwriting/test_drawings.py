"""Own drawings as a dataset: each brought to MNIST's form, what is blank left out and told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from mlp.data.formats.convert import read_raw
from mlp.data.formats.request import Request
from mlp.data.reading import Reading
from mlp.handwriting import extract_digit, load_picture


def test_a_folder_of_drawings_is_read_as_predict_reads_them(tmp_path: Path) -> None:
    for label in "17":
        (tmp_path / "d" / label).mkdir(parents=True)
        drawing = Image.new("RGB", (200, 160 + int(label)), "white")
        ImageDraw.Draw(drawing).line((100, 30, 90, 130), "black", 8)
        drawing.save(tmp_path / "d" / label / "a.png")
    Image.new("RGB", (50, 50), "white").save(tmp_path / "d" / "1" / "blank.png")
    notes: list[str] = []
    split = read_raw(tmp_path / "d", Request(Reading(handwriting=True), note=notes.append))["all"]
    assert split.labels is not None
    assert split.labels.tolist() == [1, 7]
    expected = extract_digit(load_picture(tmp_path / "d" / "7" / "a.png")).image
    assert np.array_equal(split.features[1], expected)
    assert "1 of 3 pictures are left out" in notes[0]
