"""From colours to ink: how much of the paper's light each pixel absorbs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mlp.handwriting import constants
from mlp.handwriting.errors import NoDigit
from mlp.handwriting.filters import Mask, Plane, closing, enlarge, resize, smooth


def align_polarity(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Invert the channels in which a pen is lighter than the paper, if it is darker in others.

    An orange pen on a blue paper adds red and takes blue: as dark on light or as light on dark,
    its strokes are ink in the one channel, and the paper that they enclose is in the other. So
    find the direction in colour in which pixels differ most from their surroundings (the first
    principal component). Each pixel weighs as much as its hue differs from theirs, since a shadow
    takes light but keeps the hue.

    Args:
        picture: uint8, shape (height, width, 3).

    Returns:
        The same shape; equal to the picture where all channels agree.
    """
    fine = Image.fromarray(picture)
    fine.thumbnail((constants.COLOUR_SIDE, constants.COLOUR_SIDE), Image.Resampling.BOX)
    width, height = (max(1, side // constants.NEIGHBOURHOOD) for side in fine.size)
    coarse = fine.resize((width, height), Image.Resampling.BOX)
    around = np.asarray(coarse.resize(fine.size, Image.Resampling.BILINEAR), np.float32)
    change = np.asarray(fine, np.float32) - around  # (rows, columns, 3)
    light = (change * around).sum(axis=2) / np.maximum((around * around).sum(axis=2), 1)
    hue = change - light[..., None] * around
    weights = (hue * hue).sum(axis=2)  # (rows, columns)
    spread = np.einsum("ij,ijk,ijl->kl", weights, change, change)  # (3, 3)
    direction = np.linalg.eigh(spread)[1][:, -1]  # (3,): the widest spread's, of length 1
    direction *= np.sign(direction[np.abs(direction).argmax()])
    opposed = direction < -constants.OPPOSED_CHANNEL
    return np.where(opposed, ~picture, picture) if opposed.any() else picture


def estimate_paper_colour(
    picture: NDArray[np.uint8], widest: float | None = None
) -> NDArray[np.float32]:
    """Estimate the colour that the paper has under the ink, with shadows and uneven light.

    A morphological closing fills strokes with the brightness around them, yet follows the edge
    of a shadow, which a blur would smear into ink. Gonzalez & Woods, Digital Image Processing,
    4th ed., section 9.8 (bottom-hat transformation).

    Args:
        picture: uint8, shape (height, width, 3), or 1 in place of 3 if it is grey; dark on light.
        widest: no stroke is wider than this, in pixels; `constants.WIDEST_STROKE` is the limit and
            the default. The less it is, the closer shadows are followed.

    Returns:
        float32 of the same shape, from 1 to 255.
    """
    size = closing_size(picture, widest)
    height, width = picture.shape[:2]
    scale = min(1.0, constants.COLOUR_SIDE / max(height, width))
    rows, columns = max(1, round(height * scale)), max(1, round(width * scale))
    channels = picture.transpose(2, 0, 1).astype(np.float32)  # (channels, height, width)
    small = np.array([resize(c, rows, columns, Image.Resampling.BOX) for c in channels])
    filled = smooth(closing(small, size), constants.COLOUR_BLUR)  # (channels, rows, columns)
    paper = np.empty_like(channels)
    for channel, plane in zip(paper, filled, strict=True):
        shade = enlarge(plane, height, width)
        np.maximum(shade, np.float32(constants.DARKEST_PAPER), out=channel)
    return paper.transpose(1, 2, 0)


def closing_size(picture: NDArray[np.uint8], widest: float | None = None) -> int:
    """Return the side of the square by which the paper is estimated, in pixels of its copy.

    Args:
        picture: as for :func:`estimate_paper_colour`.
        widest: the same.
    """
    shorter, longer = sorted(picture.shape[:2])
    limit = constants.WIDEST_STROKE * max(shorter, longer / 2)
    scale = min(1.0, constants.COLOUR_SIDE / longer)
    return max(constants.NARROWEST_CLOSING, int(scale * min(widest or limit, limit)) | 1)  # odd


def absorbed_light(picture: NDArray[np.uint8], paper: NDArray[np.float32]) -> Plane:
    """Compute the share of the paper's light that each pixel absorbs, over all three channels.

    A ratio, so a stroke in a shadow weighs as much as one in the light; every channel counts as
    much as the paper has light in it, so a red or a yellow pen is ink although it is bright.

    Args:
        picture: uint8, shape (height, width, 3), or 1 in place of 3 if it is grey; dark on light.
        paper: float32, the same shape, from :func:`estimate_paper_colour`.

    Returns:
        float32 of shape (height, width), 0 for paper to 1 for black, the paper's grain at 0.
    """
    height, width = picture.shape[:2]
    ink = np.empty((height, width), np.float32)
    rows = max(1, _CACHED // width)
    for top in range(0, height, rows):
        band = slice(top, top + rows)
        taken = paper[band] - picture[band]  # (rows, width, channels)
        absorbed = _length(np.maximum(taken, 0, out=taken))
        np.divide(absorbed, _length(paper[band]), out=ink[band])
    return _over_paper(ink)


_CACHED = 1 << 15
"""Pixels whose light is compared at a time, so that they stay in a core's cache."""


def _length(colours: NDArray[np.float32]) -> Plane:
    """Return the length of each pixel's colour, shape (height, width)."""
    if colours.shape[2] == 1:
        return colours[..., 0]
    red, green, blue = (np.square(colours[..., channel]) for channel in range(3))
    red += green
    red += blue
    return np.sqrt(red, out=red)


def pen_colour(picture: NDArray[np.uint8], paper: NDArray[np.float32], strokes: Mask) -> Plane:
    """Find which light a pen absorbs.

    Seen in the light that it absorbs, a pink pen is dark on a grey paper that is as bright.

    Args:
        picture: uint8, shape (height, width, 3), or 1 in place of 3 if it is grey; dark on light.
        paper: float32, the same shape, from :func:`estimate_paper_colour`.
        strokes: bool, shape (height, width): which pixels are ink.

    Returns:
        float32, shape (3,) or (1,): the weights of red, green and blue, which sum to 1.
    """
    channels = picture.shape[2]
    if channels == 1:
        return np.ones(1, np.float32)
    taken = np.empty(channels, np.float32)
    for channel in range(channels):
        under, inked = paper[..., channel][strokes], picture[..., channel][strokes]  # (pixels,)
        taken[channel] = np.maximum(under - inked, 0).sum()
    weights: Plane = (taken + 1) / (taken + 1).sum()
    return weights


def in_light(picture: NDArray[np.uint8] | Plane, weights: Plane) -> Plane:
    """Compute how bright a picture is in some light.

    Args:
        picture: from 0 to 255, shape (height, width, channels).
        weights: float32, shape (channels,): how much of the light is red, green and blue.

    Returns:
        float32, shape (height, width).
    """
    brightness: Plane = picture[..., 0] * weights[0]
    for channel in range(1, len(weights)):
        brightness += picture[..., channel] * weights[channel]
    return brightness


def grain_blur(ink: Plane, pen: float) -> float:
    """How far to blur: little on paper without grain, where it would but close small loops.

    Args:
        ink: float32, shape (height, width).
        pen: how wide strokes are, in pixels.

    Returns:
        The standard deviation of a Gaussian, in pixels.
    """
    share = quantile(ink, constants.GRAIN_QUANTILE) / constants.GRAIN_COARSE
    return constants.GRAIN_BLUR * pen * min(1.0, max(share, constants.GRAIN_LEAST_BLUR))


def remove_grain(ink: Plane, sigma: float) -> Plane:
    """Blur, and subtract the level that the paper's grain then has.

    Args:
        ink: float32, shape (height, width).
        sigma: of the Gaussian, in pixels.

    Returns:
        float32, the same shape, at least 0.
    """
    return _over_paper(smooth(ink, sigma))


def _over_paper(ink: Plane) -> Plane:
    """How much ink there is beyond what most of the page has."""
    over: Plane = ink - np.float32(quantile(ink, 0.5))
    return np.maximum(over, 0, out=over)


def find_edge(ink: Plane) -> float:
    """Find the level of ink halfway into a stroke, so that soft edges keep their place.

    Args:
        ink: float32, shape (height, width), from 0 to 1.

    Raises:
        NoDigit: if no level stands clear of the paper's grain.
    """
    usual = quantile(ink, constants.GRAIN_QUANTILE)
    grain = constants.GRAIN_FLOOR + constants.GRAIN_LEVELS * usual
    # In coarse grain, a faint pen must still be among the pixels that the threshold divides.
    inked = ink[ink > min(grain, constants.FAINTEST_PEN / 2)]
    if len(inked) < constants.FEWEST_INKED:
        raise NoDigit
    pen = float(np.mean(inked[inked > otsu(inked)]))
    if pen < constants.FAINTEST_PEN:
        raise NoDigit
    return max(constants.STROKE_EDGE * pen, min(grain, constants.STROKE_EDGE_IN_GRAIN * pen))


def quantile(values: Plane, share: float) -> float:
    """Interpolate linearly between two neighbours in order, as NumPy does; from 0 to below 1."""
    place, rest = divmod(share * (values.size - 1), 1)
    in_order = np.partition(values, int(place), axis=None)
    low, above = float(in_order[int(place)]), in_order[int(place) + 1 :]
    return low + rest * (float(above.min()) - low) if rest else low


def otsu(values: NDArray[np.float32]) -> float:
    """Find the threshold that divides values into the two tightest classes.

    N. Otsu, A Threshold Selection Method from Gray-Level Histograms, 1979.

    Args:
        values: float32, shape (N,).

    Returns:
        The threshold; below all values where they are alike but for rounding.
    """
    in_order = np.sort(values)
    low, high = in_order[0], in_order[-1]
    if high - low <= constants.OTSU_BINS * np.spacing(np.maximum(abs(low), abs(high))):
        return float(np.nextafter(low, np.float32(-np.inf)))
    steps = np.arange(constants.OTSU_BINS + 1, dtype=np.float32)
    edges = steps * ((high - low) / constants.OTSU_BINS) + low
    edges[-1] = high
    before = np.searchsorted(in_order, edges)  # how many are under each edge
    before[-1] = len(values)
    counts, below = before[1:] - before[:-1], before[1:-1]  # (bins,), (bins - 1,)
    centres = (edges[:-1] + edges[1:]) / 2
    above = len(values) - below
    sums = np.cumsum(counts * centres)
    mean_below = sums[:-1] / np.maximum(below, 1)
    mean_above = (sums[-1] - sums[:-1]) / np.maximum(above, 1)
    return float(edges[1:-1][(below * above * (mean_below - mean_above) ** 2.0).argmax()])
