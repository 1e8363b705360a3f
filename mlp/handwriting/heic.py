"""HEIC, which phones take photos in, read by the library of an extra."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from math import ceil
from typing import Any, BinaryIO

from mlp.common.bounds import most_unpacked
from mlp.common.errors import DataError
from mlp.common.version import install_command

EXTRA = "photos"
"""The extra that brings the library."""

BRANDS = (b"heic", b"heix", b"heim", b"heis", b"mif1")
"""What such a file calls itself, after the eight bytes that end in ``ftyp``."""

FREE = 280 << 20
"""Bytes that decoding any such file may take: a phone's 24 million pixels of an even desk lie in a
megabyte, which is less than a 128th of them."""

_PLANES = {420: 1.5, 422: 2.0}
"""Samples of a pixel by how its colours are sampled; 3 in others."""


def heic_bytes(pixels: int, bands: int, info: Mapping[Any, Any]) -> int:
    """Bound the memory that it takes to decode a picture.

    The samples are there twice, and beside them Pillow's four bytes a pixel and a fifth for what
    the decoder notes. Measured of 12 million pixels: 7.5 bytes each of 8 bits and 4:2:0, 9.4 of
    4:4:4, 15.4 of 10 bits and 4:4:4; this allows 8, 11 and 17.

    Args:
        pixels: their number.
        bands: the channels that it is decoded to, one of them alpha where the number is even.
        info: what the library tells of it: ``bit_depth``, and ``chroma``, such as 420.
    """
    samples = _PLANES.get(info.get("chroma", 444), 3.0) + (bands % 2 == 0)
    sample = 2 if info.get("bit_depth", 16) > 8 else 1
    return ceil((2 * samples * sample + 5) * pixels)


def most_of_heic(packed: int) -> int:
    """Return how many bytes decoding a file of ``packed`` bytes may take."""
    return max(FREE, most_unpacked(packed))


def is_heic(file: BinaryIO) -> bool:
    """Look at the beginning of a file, and go back to it."""
    file.seek(0)
    head = file.read(12)
    file.seek(0)
    return head[4:8] == b"ftyp" and head[8:12] in BRANDS


def register_heic(name: str) -> str:
    """Let Pillow read HEIC.

    Args:
        name: of the file that it is needed for.

    Returns:
        What Pillow calls the format.

    Raises:
        DataError: if the library is not installed, with the command that installs it.
    """
    try:
        import_module("pillow_heif").register_heif_opener()
    except ImportError as error:
        raise DataError(
            f"{name} is a HEIC photo, which pillow-heif reads, and that is missing ({error}): "
            f"{install_command(EXTRA)}, or save it as PNG or JPEG"
        ) from None
    return "HEIF"
