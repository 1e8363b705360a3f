"""HEIC, which phones take photos in, read by the library of an extra."""

from __future__ import annotations

from importlib import import_module
from typing import BinaryIO

from mlp.common.errors import DataError
from mlp.common.version import install_command

EXTRA = "photos"
"""The extra that brings the library."""

BRANDS = (b"heic", b"heix", b"heim", b"heis", b"mif1")
"""What such a file calls itself, after the eight bytes that end in ``ftyp``."""


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
