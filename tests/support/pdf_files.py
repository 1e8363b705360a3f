"""PDF documents as small as they come, written by hand: pages of straight strokes."""

from __future__ import annotations

from collections.abc import Sequence

SEVEN = ((60, 140), (140, 140), (95, 40))
"""A seven on a page of 200 x 200 points, y upwards."""

FOUR = ((110, 160), (50, 90), (150, 90), (110, 90), (110, 160), (110, 30))

Points = Sequence[tuple[float, float]]


def pdf_of(
    *pages: Points, size: tuple[float, float] = (200, 200), content: bytes = b"", extra: str = ""
) -> bytes:
    """Write a document with a page of one stroke for each of ``pages``.

    Args:
        pages: the points that the stroke of each goes through.
        size: of a page, in points.
        content: what each page draws besides.
        extra: entries of each page.
    """
    numbers = range(3, 3 + 2 * len(pages), 2)
    kids = " ".join(f"{number} 0 R" for number in numbers)
    bodies = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
    ]
    for number, points in zip(numbers, pages, strict=True):
        (x, y), *others = points
        way = f"12 w 1 J 1 j {x} {y} m " + " ".join(f"{x} {y} l" for x, y in others) + " S\n"
        bodies.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {size[0]} {size[1]}] "
            f"/Contents {number + 1} 0 R {extra} >>".encode()
        )
        bodies.append(stream(way.encode() + content))
    return numbered(bodies)


def stream(content: bytes, entries: str = "") -> bytes:
    """Write a stream object."""
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (
        len(content),
        entries.encode(),
        content,
    )


def numbered(bodies: Sequence[bytes], trailer: str = "") -> bytes:
    """Write objects, from 1, of which the first is the catalogue, with their table."""
    document, places = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(bodies, start=1):
        places.append(len(document))
        document += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(document)
    document += b"xref\n0 %d\n0000000000 65535 f \n" % (len(bodies) + 1)
    document += b"".join(b"%010d 00000 n \n" % place for place in places)
    document += f"trailer\n<< /Size {len(bodies) + 1} /Root 1 0 R {trailer} >>\n".encode()
    document += b"startxref\n%d\n%%%%EOF\n" % start
    return bytes(document)


def locked() -> bytes:
    """Write a document that no password opens: its check of one is 32 zeros."""
    zeros = "00" * 32
    pages = b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>"
    how = f"<< /Filter /Standard /V 1 /R 2 /O <{zeros}> /U <{zeros}> /P -4 >>".encode()
    bodies = [b"<< /Type /Catalog /Pages 2 0 R >>", pages, page, how]
    return numbered(bodies, f"/Encrypt 4 0 R /ID [<{zeros[:32]}> <{zeros[:32]}>]")


def nested(levels: int, times: int) -> bytes:
    """Write a page of forms within forms: each draws the next so many times."""
    bodies = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /Contents 4 0 R "
        b"/Resources << /XObject << /F 5 0 R >> >> >>",
        stream(b"/F Do"),
    ]
    for level in range(levels):
        last = level == levels - 1
        entries = "/Type /XObject /Subtype /Form /BBox [0 0 200 200]"
        if not last:
            entries += f" /Resources << /XObject << /F {6 + level} 0 R >> >>"
        bodies.append(stream(b"0 0 200 200 re f " if last else b"/F Do " * times, entries))
    return numbered(bodies)
