"""How sure an answer is: what a network says of a digit's views, and what the pipeline had to do.

A network's own probability tells how sure it is of an image, and nothing of how the image came
about. What speaks against it lowers its log-odds, by weights that were chosen on drawn pictures and
on pictures by people together; `python -m bench.picture_confidence` judges them on others.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mlp.handwriting import constants
from mlp.handwriting.digit import Digit

Floats = NDArray[np.float64]


def combine(by_view: Floats) -> Floats:
    """Average the probabilities of a digit's image and its views, which together count as much.

    Args:
        by_view: those of the image, then of the views, if any; shape (N, V, ...).

    Returns:
        Shape (N, ...).
    """
    image, views = by_view[:, 0], by_view[:, 1:]
    mean: Floats = (image + views.mean(axis=1)) / 2 if views.shape[1] else image
    return mean


def evidence_of(digits: list[Digit]) -> Floats:
    """Return what the pipeline tells against digits, 0 and more each.

    Ink that was left out; whether it is in several pieces, which may have been joined wrongly or
    rubbed apart; and how much more of it is a soft edge than usual, as of what is blurred or tiny.

    Returns:
        Shape (N, 3).
    """
    rows = [
        (
            min(digit.left_out, constants.MOST_LEFT_OUT),
            digit.pieces > 1,
            min(max(digit.softness - constants.SOFT_USUAL, 0.0), constants.MOST_SOFT),
        )
        for digit in digits
    ]
    return np.array(rows, np.float64).reshape(-1, 3)


def confidence(by_view: Floats, evidence: Floats) -> Floats:
    """Return the probability that an answer is correct: the mean's, less what speaks against it.

    Args:
        by_view: the probability of the answer by a digit's image and each of its views, shape
            (N, V, ...).
        evidence: of the digits, from `evidence_of`, shape (N, 3).

    Returns:
        From 0 to 1, shape (N, ...).
    """
    weights = (
        constants.DOUBT_BY_SPREAD,
        constants.DOUBT_BY_LEFT_OUT,
        constants.DOUBT_BY_PIECES,
        constants.DOUBT_BY_SOFTNESS,
    )
    against = zip(weights, doubts(by_view, evidence), strict=True)
    # (N, ...): BLAS would add up in another order for another N, and so to other last bits.
    doubt = sum(weight * each for weight, each in against)
    sure: Floats = 1 / (1 + np.exp(doubt - log_odds(combine(by_view))))
    return sure


def doubts(by_view: Floats, evidence: Floats) -> Floats:
    """Return what speaks against an answer, 0 and more each.

    How far its least sure view falls below the mean, in log-odds; and the evidence.

    Args:
        by_view: as for `confidence`.
        evidence: as for `confidence`.

    Returns:
        Shape (4, N, ...).
    """
    spread = log_odds(combine(by_view)) - log_odds(by_view.min(axis=1))  # (N, ...)
    of_answers = evidence.T.reshape(evidence.shape[1], -1, *[1] * (spread.ndim - 1))
    return np.array([spread, *(np.broadcast_to(column, spread.shape) for column in of_answers)])


def log_odds(share: Floats) -> Floats:
    """Return log(p / (1 - p)); of 0 and 1 what `constants.LEAST_SHARE` has."""
    share = np.clip(share, constants.LEAST_SHARE, 1 - constants.LEAST_SHARE)
    odds: Floats = np.log(share / (1 - share))
    return odds
