"""Open a picture file of any common format as RGB bytes, at a size that is quick to work on."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from math import ceil
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from mlp.common.bounds import most_unpacked
from mlp.common.errors import DataError
from mlp.common.plain_file import check_file
from mlp.handwriting import constants
from mlp.handwriting.heic import heic_bytes, is_heic, most_of_heic, register_heic
from mlp.handwriting.pages import page_of
from mlp.handwriting.pdf import draw_page, is_pdf

HEAD = 512
"""Bytes at a file's beginning among which the marks of formats are looked for."""

# Named one by one, since Pillow's other readers include some that start programs (EPS).
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "JPEG2000", "TGA")

_UNREADABLE = {  # what such a file has near its beginning, and what it then is
    b"<svg": "an SVG drawing",
    b"<?xml": "an SVG drawing or other XML",
    b"%PDF": "a PDF document",
    b"%!PS": "a PostScript document",
    b"ftypavif": "an AVIF photo",
}


def load_picture(source: str | Path | BinaryIO) -> NDArray[np.uint8]:
    """Open a picture as RGB, upright, without transparency, at most 1024 pixels long.

    Args:
        source: the path of a picture, which for a further page of a TIFF or PDF ends in its number,
            as ``scan.pdf#2``; or a file opened for reading bytes.

    Returns:
        uint8 of shape (height, width, 3).

    Raises:
        DataError: if the file is missing, not a picture, damaged, has more than 64 million
            pixels, or would take more memory than a picture in a file of its size; see
            `mlp.common.bounds`.
    """
    name = str(source) if isinstance(source, str | Path) else "the file"
    try:
        if isinstance(source, str | Path):
            path, page = page_of(str(source))
            check_file(path, DataError)
            with Path(path).open("rb") as file:
                return _decode(file, name, page)
        return _decode(source, name)
    except FileNotFoundError:
        raise DataError(f"there is no file {name}: check its path") from None
    except IsADirectoryError:
        raise DataError(f"{name} is a folder: name one picture in it") from None
    except OSError as error:
        reason = error.strerror or error
        raise DataError(f"{name} cannot be read ({reason}): check the file") from None


def _decode(file: BinaryIO, name: str, page: int = 1) -> NDArray[np.uint8]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            warnings.simplefilter("ignore", UserWarning)  # oddities of metadata
            if is_pdf(file):
                file, page = draw_page(file, name, page), 1
            length = file.seek(0, io.SEEK_END)
            formats = (register_heic(name),) if is_heic(file) else FORMATS
            file.seek(0)
            with Image.open(file, formats=formats) as picture:
                if page > 1:
                    picture.seek(page - 1)
                _refuse_oversize(picture.size, name)
                size = picture.size
                _draft(picture)
                most = most_of_heic(length) if picture.format == "HEIF" else most_unpacked(length)
                if _bytes_to_decode(picture, size) > most:
                    raise DataError(
                        f"{name} claims {size[0]:,} x {size[1]:,} pixels in {length:,} bytes, more "
                        "than a picture holds in so few: make it smaller, or save it again as JPEG"
                    )
                return flatten(_upright(_shrink(picture), picture))
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


def _draft(picture: Image.Image) -> None:
    """Have a JPEG decoded at 1/2, 1/4 or 1/8 of its size, many times faster, where it is large."""
    ratio = max(picture.size) / constants.WORKING_SIDE
    if ratio > 1:
        width, height = picture.size
        picture.draft(None, (int(width / ratio), int(height / ratio)))


def _bytes_to_decode(picture: Image.Image, size: tuple[int, int]) -> int:
    """Bound the memory that Pillow takes to decode a picture; ``size`` is as in its header."""
    pixels, drafted = size[0] * size[1], picture.size[0] * picture.size[1]
    pixel = _PIXEL_BYTES.get(picture.mode, 4)
    # WebP holds a canvas, the one before it, a copy and Pillow's own, all in RGBA; JPEG 2000 an
    # int32 for each channel; TIFF a strip, which may be all, beside the picture; and a progressive
    # JPEG its coefficients, whatever it is drafted to.
    if picture.format == "HEIF":
        return heic_bytes(pixels, len(picture.getbands()), picture.info)
    if picture.format == "WEBP":
        return 17 * pixels
    if picture.format == "JPEG2000":
        return (4 * len(picture.getbands()) + pixel) * pixels
    if picture.format == "TIFF":
        return 2 * pixel * pixels
    if "progressive" in picture.info:
        return 2 * len(picture.getbands()) * pixels + pixel * drafted
    return pixel * drafted


_PIXEL_BYTES = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2}
"""Bytes that Pillow takes for a pixel, by the mode; 4 in others."""

_BAND_PIXELS = 1 << 20
"""Pixels that are converted at a time."""


def _shrink(picture: Image.Image) -> Image.Image:
    """Convert to grey, RGB or RGBA, 8 bits each, at the working size at most; a band at a time."""
    picture.load()
    to_eight_bit = _eight_bit(picture)
    width, height = picture.size
    scale = max(1.0, max(picture.size) / constants.WORKING_SIDE)
    if scale == 1 and width * height <= _BAND_PIXELS:
        whole = to_eight_bit(picture)
        whole.info = {}  # like that of a new picture
        return whole
    columns, rows = (max(1, round(side / scale)) for side in picture.size)
    down = height / rows  # rows of the picture to one of the copy
    step = max(1, int(_BAND_PIXELS / (width * down)))
    copy: Image.Image | None = None
    for start in range(0, rows, step):
        stop = min(start + step, rows)
        top, bottom = int(start * down), min(height, ceil(stop * down))
        band = to_eight_bit(picture.crop((0, top, width, bottom)))
        if scale > 1:
            box = (0, start * down - top, width, min(stop * down, height) - top)
            band = band.resize((columns, stop - start), Image.Resampling.BOX, box)
        if copy is None:
            copy = Image.new(band.mode, (columns, rows))
        copy.paste(band, (0, start))
    assert copy is not None
    return copy


def _upright(copy: Image.Image, picture: Image.Image) -> Image.Image:
    """Turn a copy of a picture as the camera was held."""
    if picture.getexif().get(ExifTags.Base.Orientation, 1) not in range(2, 9):
        return copy
    copy.getexif().update(picture.getexif())
    return ImageOps.exif_transpose(copy)


def _eight_bit(picture: Image.Image) -> Callable[[Image.Image], Image.Image]:
    """Choose how to convert a picture's bands to grey, RGB or RGBA of 8 bits."""
    if picture.mode.startswith(("I", "F")):
        return _levels(picture)
    mode = "L" if picture.mode in ("1", "L") else "RGB"
    if picture.has_transparency_data:
        mode = "RGBA"
    return lambda band: band.convert(mode)


def _levels(picture: Image.Image) -> Callable[[Image.Image], Image.Image]:
    """Map 16-bit, 32-bit and floating-point grey onto 0 to 255, by the least and largest."""
    width, height = picture.size
    step = max(1, _BAND_PIXELS // width)
    tops = range(0, height, step)
    bands = (picture.crop((0, top, width, min(top + step, height))) for top in tops)
    spans = [(float(levels.min()), float(levels.max())) for levels in map(_finite, bands)]
    low, top = min(0.0, min(spans)[0]), max(0.0, max(span[1] for span in spans))
    if not picture.mode.startswith("F") and 255 < top <= 65535:
        low, factor = 0.0, 1 / 257
    elif low >= 0 and 1 < top <= 255:
        factor = 1.0
    else:  # no scale is agreed on for the rest
        factor = 255 / max(top - low, 1e-12)
    return lambda band: Image.fromarray(
        ((_finite(band) - np.float32(low)) * np.float32(factor))
        .round()
        .clip(0, 255)
        .astype(np.uint8)
    )


def _finite(band: Image.Image) -> NDArray[Any]:
    """Return a band's levels, with 0 for what is not finite; shape (height, width)."""
    levels = np.asarray(band)
    return levels if levels.dtype.kind != "f" else np.nan_to_num(levels, posinf=0.0, neginf=0.0)


def flatten(picture: Image.Image) -> NDArray[np.uint8]:
    """Convert any mode to RGB, with transparency laid onto paper.

    Returns:
        uint8, shape (height, width, 3).
    """
    if not picture.has_transparency_data:
        return np.asarray(picture if picture.mode == "RGB" else picture.convert("RGB"))
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
        picture: uint8, shape (height, width, channels).
        side: in pixels.

    Returns:
        The copy, uint8 of shape (rows, columns, channels), or the picture if it is small enough;
        and how many times as large as that the picture is, 1 or more.
    """
    scale = max(picture.shape[:2]) / side
    if scale <= 1:
        return picture, 1.0
    channels = [Image.fromarray(np.ascontiguousarray(c)) for c in np.moveaxis(picture, 2, 0)]
    for channel in channels:
        channel.thumbnail((side, side), Image.Resampling.BOX)
    return np.moveaxis(np.array([np.asarray(channel) for channel in channels]), 0, 2), scale
