"""How sure an answer is: what a network says of a digit's views, and what the pipeline left out.

A network's own probability tells how sure it is of an image, and nothing of how the image came
about. What speaks against it lowers its log-odds, by weights that were fitted on drawn pictures and
judged on pictures by people: `python -m bench.picture_confidence`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mlp.handwriting import constants

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


def confidence(by_view: Floats, left_out: Floats) -> Floats:
    """Return the probability that an answer is correct: the mean's, less what speaks against it.

    Args:
        by_view: the probability of the answer by a digit's image and each of its views, shape
            (N, V, ...).
        left_out: `mlp.handwriting.Digit.left_out`, which broadcasts to (N, ...).

    Returns:
        From 0 to 1, shape (N, ...).
    """
    weights = constants.DOUBT_BY_SPREAD, constants.DOUBT_BY_LEFT_OUT
    doubt = np.tensordot(weights, doubts(by_view, left_out), 1)  # (N, ...)
    sure: Floats = 1 / (1 + np.exp(doubt - log_odds(combine(by_view))))
    return sure


def doubts(by_view: Floats, left_out: Floats) -> Floats:
    """Return what speaks against an answer, 0 and more each.

    How far its least sure view falls below the mean, in log-odds; and what was left out.

    Args:
        by_view: as for `confidence`.
        left_out: as for `confidence`.

    Returns:
        Shape (2, N, ...).
    """
    spread = log_odds(combine(by_view)) - log_odds(by_view.min(axis=1))
    strange = np.minimum(left_out, constants.MOST_LEFT_OUT)
    return np.array([spread, np.broadcast_to(strange, spread.shape)])


def log_odds(share: Floats) -> Floats:
    """Return log(p / (1 - p)); of 0 and 1 what `constants.LEAST_SHARE` has."""
    share = np.clip(share, constants.LEAST_SHARE, 1 - constants.LEAST_SHARE)
    odds: Floats = np.log(share / (1 - share))
    return odds
