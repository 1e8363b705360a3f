"""Files of other programs' tables and arrays, small ones to be changed."""

from __future__ import annotations

import io

import numpy as np
import pyarrow
import pyarrow.parquet
import scipy.io
from PIL import Image

IMAGES = np.random.default_rng(0).integers(0, 256, (12, 8, 8), np.uint8)
LABELS = np.arange(12) % 3


def mats() -> list[bytes]:
    """Arrays of MATLAB's, packed and not."""
    found = []
    for packed in (False, True):
        file = io.BytesIO()
        arrays = {"X": IMAGES, "y": LABELS, "few": np.ones((1, 2), np.uint8), "text": "words"}
        scipy.io.savemat(file, arrays, do_compression=packed)
        found.append(file.getvalue())
    return found


def arffs() -> list[bytes]:
    head = "@relation t\n@attribute x real\n@attribute 'a b' {3,4}\n@attribute class {u,v}\n@data\n"
    return [(head + "1.5,3,u\n?,4,v\n" * 6).encode()]


def parquets() -> list[bytes]:
    """A table, and pictures with labels."""
    pictures = []
    for image in IMAGES:
        file = io.BytesIO()
        Image.fromarray(image).save(file, "PNG")
        pictures.append({"bytes": file.getvalue(), "path": "a.png"})
    tables = (
        pyarrow.table({"label": LABELS, "a": np.arange(12.0), "word": ["x", None] * 6}),
        pyarrow.table({"image": pictures, "label": LABELS}),
    )
    found = []
    for table in tables:
        file = io.BytesIO()
        pyarrow.parquet.write_table(table, file)
        found.append(file.getvalue())
    return found
