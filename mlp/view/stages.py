"""The stages from a picture to the network's image, side by side in the terminal or as a sheet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray
from PIL import ImageDraw, ImageFont, ImageOps
from rich.text import Text

from mlp.view.digit import draw_digit
from mlp.view.image import fit
from mlp.view.layout import flow
from mlp.view.screen import Screen

Stages = Mapping[str, NDArray[Any]]
"""Images by their names, in order; the largest value of each is ink, and the least is paper."""

STAGE_WIDTH = 36
"""Columns: no stage is wider in the terminal."""

TILE = 224
"""Pixels: the width and height of a stage in the sheet."""

GAP, CAPTION = 8, 20
"""Pixels around and above the tiles of the sheet."""

MOST_ROWS = 50
"""A sheet has no more rows than this."""


def draw_stages(stages: Stages, screen: Screen) -> list[Text]:
    """Draw stages side by side, each below its name."""
    width = min(STAGE_WIDTH, screen.width)
    blocks = []
    for name, stage in stages.items():
        tall = fit(as_ink(stage).T / 255.0, STAGE_WIDTH).T  # (rows, W): not too high either
        image = (np.nan_to_num(fit(tall, width)) * 255).astype(np.uint8)
        blocks.append([Text(name), *draw_digit(image, screen)])
    return flow(blocks, screen.width)


def draw_sheet(rows: Sequence[tuple[str, Stages]]) -> PIL.Image.Image:
    """Draw stages as a picture, ink on paper.

    Args:
        rows: at most `MOST_ROWS` captions, each with the stages that stand below it.
    """
    columns = max(len(stages) for _, stages in rows)
    tall = TILE + 2 * CAPTION + GAP
    sheet = PIL.Image.new("L", (columns * (TILE + GAP) + GAP, len(rows) * tall + GAP), 255)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(14)
    for row, (caption, stages) in enumerate(rows):
        top = GAP + row * tall
        draw.text((GAP, top), caption, fill=0, font=font)
        for column, (name, stage) in enumerate(stages.items()):
            left = GAP + column * (TILE + GAP)
            draw.text((left, top + CAPTION), name, fill=96, font=font)
            tile = _tile(stage)
            sheet.paste(tile, (left, top + 2 * CAPTION))
            box = (left, top + 2 * CAPTION, left + tile.width - 1, top + 2 * CAPTION + tile.height)
            draw.rectangle(box, outline=192)
    return sheet


def as_ink(stage: NDArray[Any]) -> NDArray[np.uint8]:
    """Scale a stage to uint8 of the same shape, 0 for its least and 255 for its largest value."""
    values = stage.astype(np.float64)
    low, high = values.min(), values.max()
    ink = (values - low) / (high - low) if high > low else np.zeros_like(values)
    return (ink * 255).round().astype(np.uint8)


def _tile(stage: NDArray[Any]) -> PIL.Image.Image:
    """Fit a stage into a tile: enlarged pixel by pixel if it is small."""
    image = PIL.Image.fromarray(255 - as_ink(stage))
    enlarge = max(image.size) <= TILE // 2
    how = PIL.Image.Resampling.NEAREST if enlarge else PIL.Image.Resampling.LANCZOS
    return ImageOps.contain(image, (TILE, TILE), how)
