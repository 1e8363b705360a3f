"""Makes the pictures of the book, ``docs/book/pictures/``: ``python docs/book_pictures.py``.

Each chapter says by which command its pictures are made, so this runs the chapters that have some,
takes each picture that they show from where the command wrote it, and writes it in few colours. It
needs the test extra.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

from documented import in_a_process, run_page  # noqa: E402

from mlp.common.atomic import replacing  # noqa: E402

BOOK = ROOT / "docs" / "book"
COLOURS = 32
WIDTH = 900


def shown(chapter: Path) -> list[str]:
    """Return the names of the pictures that a chapter shows."""
    return re.findall(r"\]\(pictures/([\w-]+\.png)\)", chapter.read_text(encoding="utf-8"))


def make(chapter: Path) -> None:
    """Run a chapter in an empty folder and keep its pictures."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        run_page(chapter, in_a_process(Path(folder)))
        for name in shown(chapter):
            with Image.open(name) as whole:
                picture = whole.convert("RGB")
            picture.thumbnail((WIDTH, WIDTH))
            with replacing(BOOK / "pictures" / name) as file:
                picture.quantize(COLOURS).save(file, "PNG", optimize=True)
            print(f"{name}: {(BOOK / 'pictures' / name).stat().st_size:,} bytes")
        os.chdir(ROOT)


if __name__ == "__main__":
    for page in sorted(BOOK.glob("[0-9]*.md")):
        if shown(page):
            make(page)
