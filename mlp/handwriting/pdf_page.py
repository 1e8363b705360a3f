"""A program of its own that draws a page of a PDF document, for `mlp.handwriting.pdf`.

    python -P pdf_page.py PAGE < document > page.ppm

It imports nothing of this package, since it is started for each page. What a document can make of
PDFium, which is written in C++, is held to some seconds and some memory, and ends no other process.
"""

from __future__ import annotations

import sys
from enum import IntEnum

SIDE = 2048
"""Pixels, longer side of a page: twice those of the working copy, to which it is shrunk."""

FINEST = 300 / 72
"""Pixels to a point, a 72nd of an inch, at most: as scans have them."""

LONGEST = 14_400
"""Points: a page has no longer side by the standard (ISO 32000-1, annex C.2)."""

SECONDS = 30
"""Seconds of processor time that a page may take."""

MEMORY = 3 << 29
"""Bytes of address space: a scan of A4 at 600 dots an inch in colour takes half of it."""


class End(IntEnum):
    """How the program ends."""

    DONE = 0
    MISSING = 10  # the library
    LOCKED = 11  # by a password
    DAMAGED = 12
    NO_PAGE = 13  # of this number
    ABSURD = 14  # in its size
    TOO_MUCH = 15  # memory
    BROKEN = 16  # the library is there, but cannot be loaded


def main(page: int) -> End:
    """Draw a page of the document on stdin, from 1, in PPM; of page 0, print how many there are."""
    _limit()
    try:
        import pypdfium2
    except (ImportError, OSError):  # the second where its shared library cannot be loaded
        return End.BROKEN
    try:
        document = pypdfium2.PdfDocument(sys.stdin.buffer)
        if page == 0:
            print(len(document))
            return End.DONE
        if page > len(document):
            return End.NO_PAGE
        sheet = document[page - 1]
        longer, shorter = max(sheet.get_size()), min(sheet.get_size())
        if not (shorter > 0 and longer <= LONGEST):  # nor where one is NaN
            return End.ABSURD
        drawn = sheet.render(scale=min(SIDE / longer, FINEST))
        drawn.to_pil().convert("RGB").save(sys.stdout.buffer, "PPM")
    except pypdfium2.PdfiumError:
        raw = pypdfium2.raw
        return End.LOCKED if raw.FPDF_GetLastError() == raw.FPDF_ERR_PASSWORD else End.DAMAGED
    except MemoryError:
        return End.TOO_MUCH
    return End.DONE


def _limit() -> None:
    """Let the system end this program where it takes too long, or too much memory."""
    try:
        import resource
    except ImportError:  # Windows, where whoever waits ends it
        return
    for kind, most in (
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        within = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (within, hard))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
