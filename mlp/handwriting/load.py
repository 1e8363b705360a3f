"""Open a picture file of any common format as RGB bytes, at a size that is quick to work on."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from mlp.common.errors import DataError
from mlp.handwriting import constants

HEAD = 512
"""Bytes at a file's beginning among which the marks of formats are looked for."""

# Named one by one, since Pillow's other readers include some that start programs (EPS).
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "JPEG2000", "ICO", "TGA")

_UNREADABLE = {  # what such a file has near its beginning, and what it then is
    b"<svg": "an SVG drawing",
    b"<?xml": "an SVG drawing or other XML",
    b"%PDF": "a PDF document",
    b"%!PS": "a PostScript document",
    b"ftyphei": "a HEIC photo",
    b"ftypmif1": "a HEIC photo",
    b"ftypavif": "an AVIF photo",
}


def load_picture(source: str | Path | BinaryIO) -> NDArray[np.uint8]:
    """Open a picture as RGB, upright, without transparency, at most 1024 pixels long.

    Args:
        source: the path of a picture, or a file opened for reading bytes.

    Returns:
        uint8 of shape (height, width, 3).

    Raises:
        DataError: if the file is missing, not a picture, damaged, or has more than 64 million
            pixels.
    """
    name = str(source) if isinstance(source, str | Path) else "the file"
    try:
        if isinstance(source, str | Path):
            with Path(source).open("rb") as file:
                return _decode(file, name)
        return _decode(source, name)
    except FileNotFoundError:
        raise DataError(f"there is no file {name}: check its path") from None
    except IsADirectoryError:
        raise DataError(f"{name} is a folder: name one picture in it") from None
    except OSError as error:
        reason = error.strerror or error
        raise DataError(f"{name} cannot be read ({reason}): check the file") from None


def _decode(file: BinaryIO, name: str) -> NDArray[np.uint8]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            warnings.simplefilter("ignore", UserWarning)  # oddities of metadata
            with Image.open(file, formats=FORMATS) as picture:
                _refuse_oversize(picture.size, name)
                return flatten(_shrink(picture))
    except DataError:
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise _oversize(name) from None
    except UnidentifiedImageError:
        raise DataError(_not_a_picture(file, name)) from None
    except Exception:  # Pillow's decoders raise a dozen kinds on bytes that were tampered with
        raise DataError(f"{name} is damaged or cut short: save or copy the picture again") from None


def _refuse_oversize(size: tuple[int, int], name: str) -> None:
    """Look at the size in the header, before a pixel is decoded."""
    if size[0] * size[1] > constants.MAX_PIXELS:
        raise _oversize(name)


def _oversize(name: str) -> DataError:
    millions = constants.MAX_PIXELS // 1_000_000
    return DataError(f"{name} has more than {millions} million pixels: crop it or make it smaller")


def _not_a_picture(file: BinaryIO, name: str) -> str:
    file.seek(0)
    head = file.read(HEAD)
    if not head:
        return f"{name} is empty: save or copy the picture again"
    kind = next((kind for mark, kind in _UNREADABLE.items() if mark in head), None)
    if kind is None:
        return f"{name} is not a picture that can be read: use PNG, JPEG, WebP, GIF, BMP or TIFF"
    return f"{name} is {kind}, which cannot be read: save it as PNG or JPEG"


def _shrink(picture: Image.Image) -> Image.Image:
    """Decode at about the working size, and turn the picture as the camera was held."""
    side = constants.WORKING_SIDE
    ratio = max(picture.size) / side
    if ratio > 1:
        width, height = picture.size
        # A JPEG then decodes at 1/2, 1/4 or 1/8 of its size, many times faster.
        picture.draft(None, (int(width / ratio), int(height / ratio)))
    if picture.mode == "P":
        picture = picture.convert("RGBA")
    elif picture.mode.startswith(("I", "F")):
        picture = _eight_bit(picture)
    picture = ImageOps.exif_transpose(picture)
    if max(picture.size) > side:
        picture.thumbnail((side, side), Image.Resampling.BOX, reducing_gap=None)
    return picture


def _eight_bit(picture: Image.Image) -> Image.Image:
    """Map 16-bit, 32-bit and floating-point grey onto 0 to 255."""
    levels = np.asarray(picture).astype(np.float64)
    levels = np.nan_to_num(levels, posinf=0.0, neginf=0.0)
    top = levels.max(initial=0.0)
    if not picture.mode.startswith("F") and 255 < top <= 65535:
        scaled = levels / 257
    elif levels.min(initial=0.0) >= 0 and 1 < top <= 255:
        scaled = levels
    else:  # no scale is agreed on for the rest
        low = levels.min(initial=0.0)
        scaled = (levels - low) * (255 / max(top - low, 1e-12))
    eight_bit = Image.fromarray(scaled.round().clip(0, 255).astype(np.uint8))
    eight_bit.getexif().update(picture.getexif())
    return eight_bit


def flatten(picture: Image.Image) -> NDArray[np.uint8]:
    """Convert any mode to RGB, with transparency laid onto paper.

    Returns:
        uint8, shape (height, width, 3).
    """
    if not picture.has_transparency_data:
        return np.asarray(picture.convert("RGB"))
    return flatten_alpha(np.asarray(picture.convert("RGBA")))


def flatten_alpha(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Lay RGBA onto a paper that its ink stands out from.

    A picture that is opaque for the most part is laid onto its own median colour. Otherwise its
    opaque part is taken for ink, and laid onto white, or onto black if the ink is light.

    Args:
        rgba: uint8, shape (height, width, 4).

    Returns:
        uint8, shape (height, width, 3).
    """
    colour = rgba[..., :3].astype(np.float32)
    alpha = rgba[..., 3:].astype(np.float32) / 255
    opaque = alpha[..., 0] > constants.OPAQUE
    if not opaque.any():
        paper = np.full(3, 255.0, np.float32)
    elif opaque.mean() > constants.OPAQUE:
        paper = np.median(colour[opaque], axis=0)
    else:
        light = colour[opaque].mean() > constants.LIGHT_INK
        paper = np.full(3, 0.0 if light else 255.0, np.float32)
    laid = colour * alpha + paper * (1 - alpha)  # (height, width, 3)
    return laid.round().astype(np.uint8)


def shrink(picture: NDArray[np.uint8], side: int) -> tuple[NDArray[np.uint8], float]:
    """Shrink a picture until it is at most ``side`` pixels long.

    Args:
        picture: uint8, shape (height, width, 3).
        side: in pixels.

    Returns:
        The copy, uint8 of shape (rows, columns, 3), or the picture if it is small enough; and how
        many times as large as that the picture is, 1 or more.
    """
    scale = max(picture.shape[:2]) / side
    if scale <= 1:
        return picture, 1.0
    small = Image.fromarray(picture)
    small.thumbnail((side, side), Image.Resampling.BOX)
    return np.asarray(small), scale
