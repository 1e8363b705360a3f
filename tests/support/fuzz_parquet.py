"""Parquet files, small ones to be changed."""

from __future__ import annotations

import io

import numpy as np
import pyarrow
import pyarrow.parquet
from fuzz_tables import IMAGES, LABELS
from PIL import Image


def parquets() -> list[bytes]:
    """A table, and pictures with labels; packed in several ways."""
    pictures = []
    for image in IMAGES:
        file = io.BytesIO()
        Image.fromarray(image).save(file, "PNG")
        pictures.append({"bytes": file.getvalue(), "path": "a.png"})
    words = pyarrow.array(["x", None] * 6)
    tables = (
        pyarrow.table({"label": LABELS, "a": np.arange(12.0), "word": words}),
        pyarrow.table({"image": pictures, "label": LABELS}),
        pyarrow.table({"label": words.dictionary_encode(), "b": pyarrow.array([1, None] * 6)}),
    )
    found = []
    for table in tables:
        for how in ("snappy", "zstd", "none"):
            file = io.BytesIO()
            pyarrow.parquet.write_table(table, file, compression=how)
            found.append(file.getvalue())
    return found
