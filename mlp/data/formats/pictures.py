"""One picture file as an image of grey values: its size, its colours and what shines through."""

from __future__ import annotations

import io
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from mlp.common.bounds import most_unpacked
from mlp.common.errors import DataError
from mlp.common.registry import Registry

MAX_PIXELS = 1 << 20
"""The largest picture that is decoded as it is: 1,024 x 1,024."""

MAX_SCALED_PIXELS = 1 << 26
"""The largest picture that is decoded to be scaled down."""

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp")

PREPARATIONS: Registry[Callable[[Path], NDArray[np.uint8]]] = Registry("preparation of pictures")
"""What makes an image of a picture file in another way: the room `mlp.handwriting` enters its own,
which lies above this one."""

_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP")
_MOSTLY = 0.95  # a picture that is opaque over this share of it is no ink on a transparent sheet
_LONGEST = 2_048  # pixels of a side; what is longer is averaged down to it before it is scaled


def prepare(name: str, path: Path) -> NDArray[np.uint8]:
    """Make an image of a picture file in the way of this name.

    Raises:
        DataError: if nothing is found on the picture.
    """
    if name not in PREPARATIONS:  # nobody has entered that room yet, as where Python reads a folder
        import_module(f"mlp.{name}.drawings")
    return PREPARATIONS.make(name, path)  # type: ignore[no-any-return]


def decode(file: Path | BinaryIO, source: str, size: int | None = None) -> NDArray[Any]:
    """Read one picture; its size is checked before its pixels are decoded.

    Transparency is paper, 0; what is opaque on it is ink, light or dark.

    Args:
        file: the picture.
        source: its name, for messages.
        size: scale it to this height and width, with its proportions kept; as it is unless given.

    Returns:
        uint8, or uint16 of a picture of 16 bits; shape (height, width).

    Raises:
        DataError: if it cannot be decoded, is too large, or has several pages.
    """
    most = MAX_PIXELS if size is None else MAX_SCALED_PIXELS
    try:
        with Image.open(file, formats=_FORMATS) as picture:
            if picture.width * picture.height > most:
                shape = f"{picture.height:,} x {picture.width:,} pixels"
                raise DataError(_too_large(source, shape, most))
            length = _length(file)
            if size is not None and _bytes_of(picture) > most_unpacked(length):
                raise DataError(
                    f"{source} claims {picture.height:,} x {picture.width:,} pixels in {length:,} "
                    "bytes, more than a picture holds in so few: scale it down first"
                )
            if picture.format in ("GIF", "TIFF", "WEBP") and getattr(picture, "n_frames", 1) > 1:
                raise DataError(f"{source} has several pages: save each as a picture of its own")
            grey = _grey(ImageOps.exif_transpose(picture), source)
    except Image.DecompressionBombError:  # Pillow refuses the largest by itself
        raise DataError(_too_large(source, "too many pixels", most)) from None
    except DataError:
        raise
    except Exception as error:  # Pillow raises a dozen kinds on bytes that were tampered with
        raise DataError(f"{source} cannot be read as a picture ({error}): get it again") from None
    return grey if size is None else _scaled(grey, size)


def to_bytes(grey: NDArray[Any]) -> NDArray[np.uint8]:
    """Bring a picture of 16 bits to 8, so that 65535 becomes 255; one of 8 bits stays as it is."""
    if grey.dtype == np.uint8:
        return grey
    return ((grey.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _bytes_of(picture: Image.Image) -> int:
    """Bound the memory that a picture takes at most until it is scaled.

    Measured: 16 to 20 bytes a pixel where it is laid on paper, and of WebP, 10 to 12 of 16 bits, 5
    to 11 of others.
    """
    is_laid = picture.has_transparency_data or picture.format == "WEBP"
    pixel = 24 if is_laid else 16 if picture.mode[0] in "IF" else 12
    return pixel * picture.width * picture.height


def _length(file: Path | BinaryIO) -> int:
    """Return how many bytes a picture has as a file."""
    if isinstance(file, Path):
        return file.stat().st_size
    place = file.tell()
    length = file.seek(0, io.SEEK_END)
    file.seek(place)
    return length


def _grey(picture: Image.Image, source: str) -> NDArray[Any]:
    if picture.mode.startswith("I"):
        values = np.asarray(picture)
        if values.min(initial=0) < 0 or values.max(initial=0) > 65535:
            raise DataError(f"{source} has more than 16 bits a pixel: save it as 8-bit grey")
        return values.astype(np.uint16)
    if picture.mode == "F":
        raise DataError(f"{source} has floats for pixels: save it as 8-bit grey")
    if picture.has_transparency_data:
        return _flatten(np.asarray(picture.convert("RGBA")))
    if picture.mode not in ("1", "L", "P", "RGB"):  # CMYK and the like have no way to grey
        picture = picture.convert("RGB")
    return np.asarray(picture.convert("L"))


def _flatten(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Lay a picture, shape (height, width, 4), on paper, which has the value 0 under ink."""
    grey = np.asarray(Image.fromarray(rgba[..., :3]).convert("L"))
    opaque = rgba[..., 3] > 127
    if not opaque.any():
        return np.zeros(grey.shape, np.uint8)
    median, mean = np.median(grey[opaque]), grey[opaque].mean()
    is_whole = opaque.mean() > _MOSTLY
    laid = np.empty(grey.shape, np.uint8)
    step = max(1, MAX_PIXELS // grey.shape[1])  # since floats take more room
    for start in range(0, len(grey), step):
        rows = slice(start, start + step)
        alpha, values = rgba[rows, :, 3] / 255, grey[rows].astype(np.float64)
        if is_whole:
            values = values * alpha + median * (1 - alpha)
        else:
            values = (values if mean > 127 else 255 - values) * alpha
        laid[rows] = np.rint(values)
    return laid


def _scaled(grey: NDArray[Any], size: int) -> NDArray[Any]:
    """Scale an image into a square, on the colour of its border."""
    grey = _averaged(grey, max(_LONGEST, size))
    height, width = grey.shape
    if height == width == size:
        return grey
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    side = max(height, width)
    top, left = (side - height) // 2, (side - width) // 2
    square = np.full((side, side), np.median(border), np.float32)
    square[top : top + height, left : left + width] = grey
    scaled = Image.fromarray(square).resize((size, size), Image.Resampling.BILINEAR)
    found: NDArray[Any] = np.rint(np.asarray(scaled)).astype(grey.dtype)
    return found


def _averaged(grey: NDArray[Any], longest: int) -> NDArray[Any]:
    """Shrink an image that is longer, or the square around it might not fit the memory."""
    if max(grey.shape) <= longest:
        return grey
    picture = Image.fromarray(grey if grey.dtype == np.uint8 else grey.astype(np.float32))
    picture.thumbnail((longest, longest), Image.Resampling.BOX)
    found: NDArray[Any] = np.rint(np.asarray(picture)).astype(grey.dtype)
    return found


def _too_large(source: str, size: str, most: int) -> str:
    hint = "scale it down first, or let --size do it" if most == MAX_PIXELS else "scale it down"
    return f"{source} has {size}, over the limit of {most:,}: {hint}"
