"""Pictures as people take them: known digits on ruled, shadowed, coloured and noisy paper."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

# Each digit as strokes through points (x, y) of the unit square, y downwards.
STROKES = {
    0: [[(0.5, 0), (0.2, 0.15), (0.1, 0.5), (0.2, 0.85), (0.5, 1), (0.8, 0.85), (0.9, 0.5),
         (0.8, 0.15), (0.5, 0)]],
    1: [[(0.35, 0.15), (0.55, 0), (0.5, 1)]],
    2: [[(0.1, 0.2), (0.3, 0), (0.7, 0.02), (0.85, 0.25), (0.6, 0.6), (0.1, 1), (0.95, 0.97)]],
    3: [[(0.1, 0.05), (0.6, 0), (0.85, 0.2), (0.4, 0.47), (0.85, 0.7), (0.6, 1), (0.1, 0.93)]],
    4: [[(0.4, 0), (0.1, 0.6), (0.95, 0.58)], [(0.72, 0.25), (0.65, 1)]],
    5: [[(0.25, 0.05), (0.2, 0.45), (0.6, 0.4), (0.9, 0.7), (0.6, 1), (0.1, 0.93)],
        [(0.28, 0.03), (0.9, 0)]],
    6: [[(0.75, 0), (0.35, 0.3), (0.12, 0.7), (0.4, 1), (0.8, 0.85), (0.75, 0.58), (0.4, 0.55),
         (0.15, 0.75)]],
    7: [[(0.05, 0.03), (0.9, 0), (0.45, 1)]],
    8: [[(0.5, 0), (0.2, 0.2), (0.75, 0.65), (0.6, 1), (0.25, 0.95), (0.2, 0.7), (0.75, 0.25),
         (0.5, 0)]],
    9: [[(0.85, 0.2), (0.5, 0), (0.2, 0.2), (0.35, 0.45), (0.75, 0.4), (0.85, 0.15), (0.75, 1)]],
}  # fmt: skip

OVERSAMPLING = 4


def draw_digit(digit: int, height: int, pen: float = 0.1) -> np.ndarray:
    """Coverage from 0 to 1, float32, of a digit ``height`` pixels tall.

    Args:
        pen: the stroke's width as a share of the height.
    """
    size = height * OVERSAMPLING
    line = max(1, round(pen * size))
    canvas = Image.new("L", (round(0.75 * size) + 2 * line, size + 2 * line))
    draw = ImageDraw.Draw(canvas)
    for stroke in STROKES[digit]:
        points = [(line + x * 0.75 * size, line + y * size) for x, y in stroke]
        draw.line(points, fill=255, width=line, joint="curve")
        for x, y in (points[0], points[-1]):
            draw.ellipse((x - line / 2, y - line / 2, x + line / 2, y + line / 2), fill=255)
    small = canvas.resize(
        (canvas.width // OVERSAMPLING, canvas.height // OVERSAMPLING), Image.Resampling.BOX
    )
    return np.asarray(small, np.float32) / 255


def place(digits: list[np.ndarray], height: int, width: int, gap: int = 0) -> np.ndarray:
    """Coverage of a whole page, with ``digits`` side by side in its middle."""
    page = np.zeros((height, width), np.float32)
    left = (width - sum(d.shape[1] for d in digits) - gap * (len(digits) - 1)) // 2
    for digit in digits:
        rows, columns = digit.shape
        top = (height - rows) // 2
        view = page[top : top + rows, left : left + columns]
        np.maximum(view, digit, out=view)
        left += columns + gap
    return page


@dataclass(frozen=True)
class Scene:
    """How a page was made and photographed; colours are RGB, 0 to 255."""

    paper: tuple[int, int, int] = (250, 250, 248)
    pen: tuple[int, int, int] = (30, 30, 40)
    ruling: tuple[int, int, int] | None = None
    spacing: float = 0.08  # between rulings, as a share of the longer side
    squared: bool = False
    tilt: float = 0.0  # of the rulings, rise over run
    fan: float = 0.0  # how much the tilt changes from the first ruling to the last
    light: float = 0.0  # share of the light that is lost from corner to corner
    shadow: float = 0.0  # share of the light that a shadow with a blurred edge takes
    grain: float = 0.0  # standard deviation of the noise, in levels
    blur: float = 0.0  # standard deviation, in pixels
    jpeg: int | None = None


def photograph(coverage: np.ndarray, scene: Scene, seed: int = 0) -> np.ndarray:
    """A page, uint8 of shape (height, width, 3), as ``scene`` says."""
    rng = np.random.default_rng(seed)
    height, width = coverage.shape
    page = np.tile(np.float32(scene.paper), (height, width, 1))
    if scene.ruling is not None:
        lines = _rulings(height, width, scene)[..., None]
        page = page * (1 - lines) + np.float32(scene.ruling) * lines
    ink = coverage[..., None]
    # Ink covers the paper, yet a ruling still shows through it a little.
    page = page * (1 - ink) + ink * (
        0.85 * np.float32(scene.pen) + 0.15 * page * scene.pen[0] / 255
    )
    page *= _light(height, width, scene, rng)[..., None]
    if scene.blur:
        page = _blur(page, scene.blur)
    page += rng.normal(0, 1, page.shape) * scene.grain
    picture = page.round().clip(0, 255).astype(np.uint8)
    return picture if scene.jpeg is None else _jpeg(picture, scene.jpeg)


def _rulings(height: int, width: int, scene: Scene) -> np.ndarray:
    spacing = scene.spacing * max(height, width)
    thickness = max(1.0, max(height, width) / 500)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    tilt = scene.tilt + scene.fan * (y / height - 0.5)
    covered = _comb(y + tilt * (x - width / 2), spacing, thickness)
    if scene.squared:
        tilt = scene.tilt + scene.fan * (x / width - 0.5)
        covered = np.maximum(covered, _comb(x - tilt * (y - height / 2), spacing, thickness))
    return covered


def _comb(at: np.ndarray, spacing: float, thickness: float) -> np.ndarray:
    distance = np.abs((at + spacing / 3) % spacing - spacing / 2)
    return np.clip(thickness / 2 - distance + 0.5, 0, 1)


def _light(height: int, width: int, scene: Scene, rng: np.random.Generator) -> np.ndarray:
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    light = 1 - scene.light * (x + y) / 2
    if scene.shadow:
        angle = rng.uniform(0, 2 * np.pi)
        across = (x - 0.5) * np.cos(angle) + (y - 0.5) * np.sin(angle) + rng.uniform(-0.2, 0.2)
        light *= 1 - scene.shadow / (1 + np.exp(-across / 0.015))
    return light.astype(np.float32)


def _blur(page: np.ndarray, sigma: float) -> np.ndarray:
    reach = int(np.ceil(3 * sigma))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    weights /= weights.sum()
    for axis in (0, 1):
        page = sum(w * np.roll(page, s - reach, axis) for s, w in enumerate(weights))
    return page


def _jpeg(picture: np.ndarray, quality: int) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file).convert("RGB"))
