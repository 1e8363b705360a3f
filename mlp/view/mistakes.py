"""Images beside a network's answers: the errors it is surest of, and which inputs led to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.text import Text

from mlp.common.pictures import Image, as_image, robust_maximum, scaled
from mlp.view.bars import draw_bars
from mlp.view.digit import draw_digit
from mlp.view.heatmap import draw_signed
from mlp.view.layout import flow, wrap
from mlp.view.screen import Screen

BARS_WIDTH = 34
"""The columns of the bar chart that stands beside an image."""


@dataclass(frozen=True)
class Case:
    """An image that a network has read.

    Attributes:
        caption: which image it is, what it shows and what was read, in a line.
        image: uint8, shape (height, width).
        probabilities: of each class, shape (C,).
        contributions: for each layer what its inputs added to what was read, shape (I,); see
            `mlp.models.attribution`.
    """

    caption: str
    image: NDArray[np.uint8]
    probabilities: NDArray[Any]
    contributions: Sequence[NDArray[Any]] = field(default=())


def surest(candidates: NDArray[np.bool_], confidence: NDArray[Any], count: int) -> list[int]:
    """Return the rows, at most ``count``, of the most confident candidates, the surest first.

    Args:
        candidates: which rows may be taken, shape (N,).
        confidence: in what was read, shape (N,); NaN comes last, and equals stay in order.
        count: how many.
    """
    rows = np.flatnonzero(candidates)
    order = np.argsort(-confidence[rows], kind="stable")[:count]
    picked: list[int] = rows[order].tolist()
    return picked


def heatmaps(case: Case) -> list[Image]:
    """Arrange each layer's contributions as an image from -1 to 1, scaled layer by layer."""
    shape = case.image.shape[0], case.image.shape[1]
    return [
        as_image(scaled(values, robust_maximum(values)), shape if k == 0 else None)
        for k, values in enumerate(case.contributions)
    ]


def draw_case(case: Case, names: Sequence[str], screen: Screen) -> list[Text]:
    """Draw a caption over the image, the contributions layer by layer and the probabilities."""
    blocks = [[Text("image"), *draw_digit(case.image, screen)]]
    for k, image in enumerate(heatmaps(case), start=1):
        blocks.append([Text(f"active, layer {k}"), *draw_signed(image, screen)])
    beside = Screen(min(BARS_WIDTH, screen.width), screen.colour, screen.encoding)
    blocks.append([Text("probabilities"), *draw_bars(case.probabilities, names, beside)])
    return [*wrap(case.caption, screen.width), *flow(blocks, screen.width)]


def draw_cases(cases: Sequence[Case], names: Sequence[str], screen: Screen) -> list[Text]:
    """Draw cases below one another, with an empty line between."""
    lines: list[Text] = []
    for case in cases:
        lines += [Text()] if lines else []
        lines += draw_case(case, names, screen)
    return lines
