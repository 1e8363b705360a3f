"""Pages of PDF documents, drawn by the library of an extra in a process of its own."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO

from mlp.common.errors import DataError
from mlp.common.version import install_command
from mlp.handwriting import pdf_page
from mlp.handwriting.heic import EXTRA
from mlp.handwriting.pdf_page import End

MARK = b"%PDF-"
"""What such a file begins with."""

HEAD = 64
"""Bytes at its beginning, within which blanks may stand before that."""

PATIENCE = 20.0 * pdf_page.SECONDS
"""Seconds that are waited for a page, on whatever busy machine."""


def is_pdf(file: BinaryIO) -> bool:
    """Look at the beginning of a file, and go back to it."""
    file.seek(0)
    head = file.read(HEAD)
    file.seek(0)
    return head.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n\0").startswith(MARK)


def draw_page(file: BinaryIO, name: str, page: int, patience: float | None = None) -> BinaryIO:
    """Draw a page of a document.

    Args:
        file: the document.
        name: of it, for messages.
        page: its number, from 1.
        patience: seconds that are waited for it; None for `PATIENCE`.

    Returns:
        The page as a picture file in PPM, its longer side at most `pdf_page.SIDE` pixels.

    Raises:
        DataError: if the library is missing, the document is locked or damaged, there is no such
            page, or it takes more than a page may.
    """
    return io.BytesIO(_ask(file, name, page, patience))


def count_pdf_pages(file: BinaryIO, name: str) -> int:
    """Count the pages of a document.

    Raises:
        DataError: as `draw_page`.
    """
    return int(_ask(file, name, 0))


def _ask(file: BinaryIO, name: str, page: int, patience: float | None = None) -> bytes:
    """Let the program that reads documents answer, and return what it prints."""
    end, printed = End.MISSING, b""
    if find_spec("pypdfium2") is not None:
        end, printed = _run(file, page, PATIENCE if patience is None else patience)
    if end is not End.DONE:
        raise DataError(f"{name} {_REASONS[end]}")
    return printed


def _run(file: BinaryIO, page: int, patience: float) -> tuple[End, bytes]:
    """Start the program, and return how it ended and what it printed."""
    with _in_a_file(file) as given:
        try:
            ended = subprocess.run(
                [sys.executable, "-P", str(Path(pdf_page.__file__)), str(page)],
                stdin=given,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=patience,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return End.TOO_MUCH, b""
    if ended.returncode < 0:  # by a signal, as from the system where it went beyond its bounds
        return End.TOO_MUCH, b""
    known = ended.returncode in list(End)
    return End(ended.returncode) if known else End.DAMAGED, ended.stdout


@contextmanager
def _in_a_file(file: BinaryIO) -> Iterator[BinaryIO]:
    """Give what another process can read and seek in: what is in memory as a file."""
    try:
        file.fileno()
    except OSError:
        with tempfile.TemporaryFile() as copy:
            file.seek(0)
            shutil.copyfileobj(file, copy)
            copy.flush()
            yield copy
    else:
        yield file


_SAVE = "save the page as PNG or JPEG"

_REASONS = {
    End.MISSING: "is a PDF document, which pypdfium2 reads, and that is missing: "
    f"{install_command(EXTRA)}, or {_SAVE}",
    End.BROKEN: "is a PDF document, which pypdfium2 reads, and that cannot be loaded: reinstall it "
    f"(pip install --force-reinstall pypdfium2), or {_SAVE}",
    End.LOCKED: f"is a PDF document with a password: save it without one, or {_SAVE}",
    End.DAMAGED: "is a PDF document that is damaged or cut short: save or copy it again",
    End.NO_PAGE: "is no page of this PDF document, which has fewer: name another",
    End.ABSURD: "is a page of a PDF document that is larger than any paper, or of no width: "
    f"{_SAVE}",
    End.TOO_MUCH: f"is a PDF document that takes more than {pdf_page.SECONDS} seconds or "
    f"{pdf_page.MEMORY >> 20:,} MB to draw: {_SAVE}",
}
