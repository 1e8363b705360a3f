"""The pages of picture files that have several: how they are named, and how many there are."""

from __future__ import annotations

import re
from pathlib import Path

from PIL import Image

from mlp.common.errors import DataError
from mlp.common.plain_file import check_file
from mlp.handwriting.pdf import count_pdf_pages

PAGED = (".tif", ".tiff", ".pdf")
"""The endings of files that may have several pages."""

MOST_PAGES = 1_000
"""Pages of a file that are read."""

_ENDINGS = "|".join(map(re.escape, PAGED))
_NUMBERED = re.compile(rf"(.+(?:{_ENDINGS}))#([1-9]\d{{0,4}})", re.IGNORECASE | re.DOTALL)


def page_of(name: str) -> tuple[str, int]:
    """Return the file of a name such as ``scan.pdf#2``, and the page, from 1."""
    match = _NUMBERED.fullmatch(name)
    return (match[1], int(match[2])) if match and not Path(name).exists() else (name, 1)


def count_pages(path: Path) -> int:
    """Count the pages of a TIFF or PDF, up to `MOST_PAGES`; 1 for what is none, or damaged."""
    try:
        check_file(path, DataError)
        if path.suffix.lower() == ".pdf":
            with path.open("rb") as file:
                return max(1, min(count_pdf_pages(file, path.name), MOST_PAGES))
        with Image.open(path, formats=("TIFF",)) as picture:
            return min(int(getattr(picture, "n_frames", 1)), MOST_PAGES)
    except Exception:  # it is told where the picture is read
        return 1
