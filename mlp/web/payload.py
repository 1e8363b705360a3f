"""The digits of a picture, for JSON: the page's own network reads them."""

from __future__ import annotations

import base64
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp.data.strokes import skeletons
from mlp.data.synthetic import CLASSES, load_synthetic
from mlp.handwriting import Digit, NoDigit, SeveralDigits, extract_digit, extract_digits
from mlp.handwriting.doubt import evidence_of

SAMPLES_DRAWN, SAMPLES_SEED = 300, 0
"""Of so many digits that the project draws, with this seed, the samples are taken."""


def digits_payload(picture: NDArray[np.uint8]) -> dict[str, Any]:
    """Find the digits of a picture, of one digit or rows of them.

    Args:
        picture: as `mlp.handwriting.extract_digit` takes it.

    Returns:
        ``height`` and ``width`` of the picture; and ``digits``, in reading order: where each
        stands, ``box``; what a network reads, ``images``, its image and then its views, bytes in
        base 85; and ``against``, as `mlp.handwriting.doubt.evidence_of` tells it.
    """
    try:
        digits = [extract_digit(picture)]
    except SeveralDigits:
        digits = extract_digits(picture)
    except NoDigit:
        digits = []
    height, width = picture.shape[:2]
    return {"height": height, "width": width, "digits": [_digit(digit) for digit in digits]}


@cache
def samples_payload() -> dict[str, list[str]]:
    """Draw a typical digit of each kind, for those with no pen at hand.

    Returns:
        ``samples``, those of 0 to 9 in order: each of 784 bytes in base 85.
    """
    split = load_synthetic(1, SAMPLES_DRAWN, SAMPLES_SEED).test
    return {"samples": [_packed(_typical(split.images[split.labels == d])) for d in range(CLASSES)]}


def _typical(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the image, of shape (N, H, W), that is most in line with the mean, and no blot."""
    values = images.reshape(len(images), -1).astype(np.float64)
    ink = values.sum(axis=1)
    alike = values @ values.mean(axis=0) / np.sqrt((values**2).sum(axis=1))
    alike[ink > np.median(ink)] = 0
    most: NDArray[np.uint8] = images[alike.argmax()]
    return most


@cache
def sample_strokes() -> list[list[list[list[int]]]]:
    """Return how the project writes each of the ten digits most often, for the board.

    Returns:
        For 0 to 9 in order the strokes, each a list of points [x, y], in thousandths of the
        board's side, y down.
    """
    styles = skeletons()
    written = []
    for digit in range(CLASSES):
        style = int(np.where(styles.digits == digit, styles.shares, 0).argmax())
        corners = styles.waypoints[styles.knots[:, :, style], :, style]  # (4, P, 2)
        points = (styles.weights[:, :, style, None] * corners).sum(axis=0)  # (P, 2), -1 to 1
        places = np.rint(500 + 330 * points).astype(int)
        of_stroke = styles.strokes[:, style]
        written.append([places[of_stroke == k].tolist() for k in range(of_stroke.max() + 1)])
    return written


def _digit(digit: Digit) -> dict[str, Any]:
    return {
        "box": vars(digit.box),
        "images": _packed(np.array([digit.image, *digit.views])),
        "against": evidence_of([digit])[0].tolist(),
    }


def _packed(images: NDArray[np.uint8]) -> str:
    return base64.b85encode(images.tobytes()).decode("ascii")
