"""Files of other programs that are often met where data or a model is asked for."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import NamedTuple


class Foreign(NamedTuple):
    """What a file is, and what to write instead of it as data."""

    kind: str
    as_data: str


_SHEET = Foreign("a workbook", "save the sheet as CSV, and name that")
_HDF5 = Foreign("an HDF5 file", "write its arrays with numpy.savez, and name that")
_TORCH = Foreign("a file of PyTorch", "write its arrays with numpy.savez, and name that")
_ARROW = Foreign("an Arrow file", "write it as Parquet, which is read")
_TEXTS = Foreign("JSON", "write its rows as CSV, as pandas.read_json and to_csv do")
MODEL = Foreign("a model", "name the rows or pictures for it")

_ENDINGS = {
    **dict.fromkeys((".xlsx", ".xls", ".ods"), _SHEET),
    **dict.fromkeys((".json", ".jsonl", ".ndjson"), _TEXTS),
    **dict.fromkeys((".feather", ".arrow"), _ARROW),
    **dict.fromkeys((".h5", ".hdf5"), _HDF5),
    **dict.fromkeys((".pt", ".pth"), _TORCH),
    ".sqlite": Foreign("a database", "write its table as CSV, and name that"),
    ".safetensors": MODEL,
}


def foreign(path: Path) -> Foreign | None:
    """Tell what a file is by how it begins, or else by its ending; None where that is unknown.

    Raises:
        OSError: if it cannot be read.
    """
    if not path.is_file():
        return None
    with path.open("rb") as file:
        begin = file.read(8)
    if begin == b"\x89HDF\r\n\x1a\n":
        return _HDF5
    if begin.startswith(b"PK"):
        try:
            with zipfile.ZipFile(path) as archive:
                names = archive.namelist()
        except (zipfile.BadZipFile, ValueError, NotImplementedError):
            names = []
        if "xl/workbook.xml" in names:
            return _SHEET
        if any(name.endswith("/data.pkl") for name in names):
            return _TORCH
    name = path.name.lower().removesuffix(".gz")
    return _ENDINGS.get(Path(name).suffix)
