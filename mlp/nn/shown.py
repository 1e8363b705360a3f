"""A network in a notebook: its layers, and what the units of the first look for."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from mlp.common.html import picture, table
from mlp.common.pictures import as_image, mosaic, robust_maximum, scaled, signed_on_paper
from mlp.nn.layers import Layer

UNITS_SHOWN, COLUMNS = 48, 12


def html_of(
    title: str, blocks: Sequence[Sequence[Layer]], widths: Sequence[int], W: Any, shape: Any
) -> str:
    """Describe a network in HTML, without scripts, and with nothing to be loaded.

    Args:
        title: what is said of the whole.
        blocks: its layers, in blocks.
        widths: what each block puts out.
        W: the first layer's weights on the host, shape (I, O).
        shape: (height, width) of the images that it reads; None where nobody knows.
    """
    rows = []
    for block, width in zip(blocks, widths, strict=True):
        for layer in block:
            shapes = layer.shapes(width)
            count = sum(getattr(layer, name).size for name in shapes)
            told = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
            rows.append((repr(layer), told, f"{count:,}" if count else ""))
    W = W[:, :UNITS_SHOWN]  # (I, units)
    maximum = robust_maximum(W)
    images = [
        as_image(scaled(w, maximum), shape if shape and len(shape) == 2 else None) for w in W.T
    ]
    units = f"the weights of {len(images)} of {widths[0]} units of the first layer"
    scale = f"blue negative, orange positive, full from {maximum:.3g} on"
    return (
        f"<div><p><b>{escape(title)}</b></p>{table(('layer', 'parameters', 'count'), rows)}"
        f"<p>{units.capitalize()}: {scale}</p>"
        f"{picture(signed_on_paper(mosaic(images, COLUMNS)), units, 2)}</div>"
    )
