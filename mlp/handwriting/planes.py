"""A picture at the size that is worked on, its colours in planes that lie apart in memory."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mlp.common.errors import DataError
from mlp.handwriting import constants
from mlp.handwriting.filters import Plane
from mlp.handwriting.ink import align_polarity
from mlp.handwriting.load import flatten_alpha, shrink


def working_copies(picture: NDArray[np.uint8]) -> tuple[list[NDArray[np.uint8]], float]:
    """Shrink a picture to the working size.

    Pens are darker or lighter than the paper in all channels, of which a grey one has 1: in the
    last copy, or if something has a colour, in the first. Channels lie apart in memory, for speed.

    Args:
        picture: as for `mlp.handwriting.extract_digit`.

    Returns:
        The copies, uint8 of shape (height, width, 3 or 1), and how many times as large the picture
        is.

    Raises:
        DataError: if the array is not a picture.
    """
    known = picture.ndim == 2 or (picture.ndim == 3 and picture.shape[2] in (3, 4))
    if picture.dtype != np.uint8 or not known or picture.size == 0:
        raise DataError(
            f"a picture must be uint8 of shape (height, width) or (height, width, 3 or 4), "
            f"not {picture.dtype} of shape {picture.shape}"
        )
    if picture.ndim == 2:
        copy, scale = shrink(picture[..., None], constants.WORKING_SIDE)
        return [copy], scale
    if picture.shape[2] == 4:
        picture = flatten_alpha(picture)
    copy, scale = shrink(picture, constants.WORKING_SIDE)
    copy = np.ascontiguousarray(copy)
    red, green, blue = planes = np.ascontiguousarray(copy.transpose(2, 0, 1))  # (3, height, width)
    if (red == green).all() and (red == blue).all():
        return [planes[:1].transpose(1, 2, 0)], scale
    both, aligned = [planes], align_polarity(copy)
    if aligned is not copy:
        both.insert(0, np.ascontiguousarray(aligned.transpose(2, 0, 1)))
    return [channels.transpose(1, 2, 0) for channels in both], scale


def brightness(picture: NDArray[np.uint8]) -> Plane:
    """Average a picture's channels.

    Args:
        picture: uint8, shape (height, width, channels).

    Returns:
        float32, shape (height, width).
    """
    total: Plane = picture[..., 0].astype(np.float32)
    for channel in range(1, picture.shape[2]):
        total += picture[..., channel]
    total /= picture.shape[2]
    return total
