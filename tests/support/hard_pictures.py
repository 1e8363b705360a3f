"""Pictures as people take them: known digits on ruled, shadowed, coloured and noisy paper.

``python tests/support/hard_pictures.py FOLDER`` draws a page of each kind, with ``labels.csv``.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from mlp.handwriting.normalise import to_mnist_format

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


def write_digits(folder: Path, digits: Iterable[int], size: int, side: int) -> None:
    """Write a picture of each digit, dark on light, into a folder: 0.png and so on."""
    for digit in digits:
        page = place([draw_digit(digit, size)], side, side)
        Image.fromarray((255 * (1 - page)).astype(np.uint8)).save(folder / f"{digit}.png")


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


BLUE_LINES = (150, 180, 220)
SCENES = {
    "plain": Scene(),
    "grey paper, blue pen": Scene(paper=(170, 168, 160), pen=(25, 40, 130), grain=4, jpeg=70),
    "red pen": Scene(pen=(190, 30, 40), grain=4, light=0.3),
    "yellow pen": Scene(pen=(235, 210, 40), grain=3),
    "lined": Scene(ruling=BLUE_LINES, tilt=0.03, grain=3, jpeg=70),
    "lined in black": Scene(ruling=(60, 60, 60), tilt=-0.02, grain=3, pen=(25, 40, 130)),
    "squared": Scene(ruling=BLUE_LINES, squared=True, spacing=0.05, tilt=0.04, fan=0.04, grain=3),
    "falling light": Scene(light=0.6, grain=4),
    "shadow": Scene(shadow=0.5, light=0.3, grain=3),
    "squared, in a shadow": Scene(ruling=BLUE_LINES, squared=True, shadow=0.4, blur=1, jpeg=60),
    "blackboard": Scene(paper=(35, 55, 45), pen=(230, 230, 220), grain=8, light=0.4),
    "noise": Scene(grain=25, jpeg=50),
    "faint pencil": Scene(paper=(225, 223, 215), pen=(150, 150, 150), grain=4),
    "out of focus": Scene(blur=3, grain=3),
}


# Pages, 320 x 240 pixels: their coverage with ink, from 0 to 1


def page_of(*digits: int, height: int = 104, gap: int = 32, pen: float = 0.1) -> np.ndarray:
    return place([draw_digit(d, height, pen) for d in digits], 240, 320, gap)


def page_of_rows(
    *rows: tuple[int, ...], spacing: int, height: int = 60, slope: float = 0
) -> np.ndarray:
    """Rows of digits, each row a little to the left of the one above it; 520 x 400 pixels."""
    page = np.zeros((400, 520), np.float32)
    for row, digits in enumerate(rows):
        for column, digit in enumerate(digits):
            drawn = draw_digit(digit, height)
            left = 60 + 100 * column - 20 * row
            top = 60 + spacing * row + round(slope * (left - 200))
            page[top : top + drawn.shape[0], left : left + drawn.shape[1]] = drawn
    return page


def framed(page: np.ndarray, inset: int) -> np.ndarray:
    """A page with a frame one pixel wide, so far from its edges."""
    page = page.copy()
    for rows, columns in ((slice(inset, -inset), inset), (inset, slice(inset, -inset))):
        page[rows, columns] = 1
        page[::-1, ::-1][rows, columns] = 1
    return page


def underlined(page: np.ndarray, gap: int) -> np.ndarray:
    """A page with a thick line so far below the digit."""
    page = page.copy()
    rows, columns = np.nonzero(page > 0.5)
    top = rows.max() + gap
    page[top : top + 8, columns.min() - 6 : columns.max() + 6] = 1
    return page


def dusty(page: np.ndarray) -> np.ndarray:
    """A page with four specks."""
    page = page.copy()
    for row, column in ((16, 24), (200, 280), (48, 256), (120, 32)):
        page[row : row + 3, column : column + 3] = 1
    return page


def with_lifted_bar(gap: int) -> np.ndarray:
    """A five whose bar is drawn as a stroke of its own, so far above the rest."""
    five = page_of(5, height=112)
    top = np.flatnonzero(five.any(axis=1))[0]
    bar = top + 18  # where it ends
    cut = np.zeros_like(five)
    cut[: bar - gap + 2] = five[gap - 2 : bar]
    cut[bar:] = five[bar:]
    return cut


def broken(page: np.ndarray) -> np.ndarray:
    """A page whose digit's stroke is interrupted below its middle."""
    page = page.copy()
    middle = np.flatnonzero(page.any(axis=1)).mean()
    page[int(middle) + 16 : int(middle) + 21] = 0
    return page


# Photographs

TABLE = 72
"""Pixels of table above and below a sheet that lies on it."""


def on_table(sheet: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """A sheet, a little askew, on a table whose grain is as dark as a pen."""
    rng = np.random.default_rng(8)
    height, width = (side + 2 * TABLE for side in sheet.shape[:2])
    grain = np.kron(rng.normal(0, 0.25, (height // 4 + 1, width // 8 + 1)), np.ones((4, 8)))
    table = np.float32(colour) * (1 + grain[:height, :width, None])
    laid = table.clip(0, 255).astype(np.uint8)
    for row, pixels in enumerate(sheet):
        left = TABLE + row // 20
        laid[TABLE + row, left : left + len(pixels)] = pixels
    return laid


def beside_table(picture: np.ndarray, sides: int) -> np.ndarray:
    """A picture with a strip of a dark table along one of its sides, or two."""
    picture = picture.copy()
    picture[:, -12:] = (60, 50, 45)
    if sides == 2:
        picture[:10] = (60, 50, 45)
    return picture


# What is to be found


@cache
def clean(digit: int, pen: float = 0.1) -> np.ndarray:
    """A digit in the format of MNIST, by no photograph's detour."""
    return to_mnist_format(draw_digit(digit, 200, pen))[0]


def likeness(image: np.ndarray, other: np.ndarray) -> float:
    """The correlation of two pictures, at the best of the nine shifts by up to a pixel."""
    shifts = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)]
    return max(
        float(np.corrcoef(np.roll(image, shift, (0, 1)).ravel(), other.ravel())[0, 1])
        for shift in shifts
    )


# A folder of all kinds


def all_kinds() -> Iterator[tuple[str, np.ndarray]]:
    """What stands on each page, and its photograph."""
    plain = Scene(grain=2)
    for number, scene in enumerate(SCENES.values()):
        for digit in (number % 10, (number + 5) % 10):
            yield str(digit), photograph(page_of(digit), scene, seed=digit)
    for digit, table in ((2, (120, 80, 50)), (5, (45, 45, 50)), (7, (160, 130, 90))):
        yield str(digit), on_table(photograph(page_of(digit, height=88), plain), table)
    for pen in (0.03, 0.12):
        yield "6", photograph(framed(page_of(6, height=120, pen=pen), 6), plain)
        yield "4", photograph(page_of(4, height=160, pen=pen), plain)
    for digit in (2, 9):
        yield str(digit), photograph(underlined(page_of(digit), 8), plain)
    for gap in (5, 19):
        yield "5", photograph(with_lifted_bar(gap), plain)
    yield "3", photograph(broken(page_of(3, height=112)), plain)
    yield "6", photograph(dusty(page_of(6)), plain)
    faint = photograph(page_of(5, pen=0.07), Scene(pen=(150, 150, 155), light=0.2))
    yield "5", beside_table(faint, 2)
    colours = Scene(paper=(60, 120, 180), pen=(240, 120, 20), grain=3, light=0.3)
    yield "8", photograph(page_of(8), colours)
    for name in ("plain", "squared", "shadow"):
        page = page_of(4, 0, 7, 5, height=64, gap=19)
        yield "4075", photograph(page, SCENES[name], seed=3)
    rows = page_of_rows((4, 0, 7, 5), (2, 8, 6), (3, 1, 9, 6), spacing=78, slope=0.15)
    yield "40752863196", photograph(rows, plain)


def main() -> None:
    """Write the pages and their labels into the folder that is named."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["file,label"]
    for number, (label, picture) in enumerate(all_kinds()):
        lines.append(f"page{number:02}.png,{label}")
        Image.fromarray(picture).save(folder / f"page{number:02}.png")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
