"""Digits by the project's own pen in more ways than `drawn_pictures` has: one kind of trouble each.

``python tests/support/strange_pictures.py FOLDER COUNT [SEED] [KIND]`` writes them with
``labels.csv``; the label of what is no digit is x. ``all`` in place of a kind writes COUNT of each.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from drawn_pictures import LETTERS, NO_DIGIT, any_scene, cover, rub_out, scribble, write_labelled
from hard_pictures import Scene, photograph
from PIL import Image

from mlp.data.synthetic import Drawing, draw_lines
from mlp.handwriting.filters import smooth

HANDS = "synthetic", "continental", "tall"

PERSPECTIVE = 0.14
"""Share of the sides by which a corner of a photo may lie inside its page."""


# Strokes as in `LETTERS`, of signs that are none of those.
SIGNS = {
    "T": [[(0, 0), (1, 0)], [(0.5, 0), (0.5, 1)]],
    "V": [[(0, 0), (0.5, 1), (1, 0)]],
    "P": [[(0.1, 1), (0.1, 0), (0.7, 0.05), (0.75, 0.35), (0.1, 0.5)]],
    "L": [[(0.1, 0), (0.1, 1), (0.9, 1)]],
    "f": [[(0.8, 0.05), (0.5, 0), (0.35, 0.25), (0.35, 1)], [(0.05, 0.45), (0.7, 0.45)]],
    "h": [[(0.1, 0), (0.1, 1)], [(0.1, 0.6), (0.5, 0.45), (0.85, 0.6), (0.9, 1)]],
    "m": [[(0, 0.3), (0.05, 1)], [(0.05, 0.5), (0.25, 0.3), (0.45, 0.5), (0.48, 1)],
          [(0.48, 0.5), (0.7, 0.3), (0.92, 0.5), (1, 1)]],
    "t": [[(0.4, 0), (0.4, 0.85), (0.7, 1), (0.9, 0.9)], [(0.05, 0.3), (0.8, 0.3)]],
    "plus": [[(0, 0.5), (1, 0.5)], [(0.5, 0), (0.5, 1)]],
    "hash": [[(0.3, 0), (0.2, 1)], [(0.8, 0), (0.7, 1)],
             [(0, 0.3), (1, 0.3)], [(0, 0.7), (1, 0.7)]],
    "asterisk": [[(0.5, 0), (0.5, 1)], [(0, 0.25), (1, 0.75)], [(1, 0.25), (0, 0.75)]],
    "triangle": [[(0.5, 0), (0, 1), (1, 1), (0.5, 0)]],
    "tick": [[(0, 0.5), (0.35, 1), (1, 0)]],
    "heart": [[(0.5, 1), (0, 0.4), (0.1, 0.05), (0.4, 0.05), (0.5, 0.3), (0.6, 0.05), (0.9, 0.05),
               (1, 0.4), (0.5, 1)]],
    "house": [[(0, 1), (0, 0.4), (0.5, 0), (1, 0.4), (1, 1), (0, 1)]],
    "star": [[(0.5, 0), (0.8, 1), (0, 0.38), (1, 0.38), (0.2, 1), (0.5, 0)]],
}  # fmt: skip
assert not SIGNS.keys() & LETTERS.keys()


@dataclass
class Sheet:
    """A digit on its page, before it is photographed.

    Attributes:
        drawing: the pen's way.
        size: its longer side, in pixels.
        pen: the stroke's width, in pixels.
        page: height and width, in pixels.
        scene: how the page is made and photographed.
        coverage: of the page with ink, from 0 to 1; drawn from the others where it is None.
        label: the digit, or `NO_DIGIT`.
    """

    drawing: Drawing
    size: float
    pen: float
    page: tuple[int, int]
    scene: Scene
    coverage: np.ndarray | None = None
    label: int | str = NO_DIGIT

    def drawn(self) -> np.ndarray:
        if self.coverage is None:
            self.coverage = cover(self.drawing, self.size, self.pen, self.page)
        return self.coverage


Kind = Callable[[Sheet, np.random.Generator], None]
KINDS: dict[str, Kind] = {}


def kind(function: Kind) -> Kind:
    """Enter what makes one kind of trouble, by the function's name."""
    KINDS[function.__name__] = function
    return function


def _moved(sheet: Sheet, matrix: np.ndarray) -> None:
    """Draw the strokes through a linear map, then as long as before."""
    strokes = [stroke @ matrix.T for stroke in sheet.drawing.strokes]
    points = np.concatenate(strokes)
    low, high = points.min(axis=0), points.max(axis=0)
    scale = 2 / (high - low).max()
    strokes = [(stroke - (low + high) / 2) * scale for stroke in strokes]
    sheet.drawing = sheet.drawing._replace(strokes=strokes)


@kind
def plain(sheet: Sheet, rng: np.random.Generator) -> None:
    """A digit in any scene."""


@kind
def fine(sheet: Sheet, rng: np.random.Generator) -> None:
    """A pen of a pixel or two on a large page."""
    pen = max(1.0, sheet.size * rng.uniform(0.004, 0.02))
    sheet.scene = replace(sheet.scene, blur=sheet.scene.blur * pen / sheet.pen)
    sheet.pen = pen


@kind
def fat(sheet: Sheet, rng: np.random.Generator) -> None:
    """A marker as wide as a fifth of the digit."""
    sheet.pen = sheet.size * rng.uniform(0.15, 0.24)


@kind
def dry(sheet: Sheet, rng: np.random.Generator) -> None:
    """A pen that runs dry: streaks and holes in its strokes."""
    noise = smooth(
        rng.normal(size=sheet.page).astype(np.float32), max(0.6, sheet.pen * rng.uniform(0.1, 0.4))
    )
    coverage = sheet.drawn()
    inked = noise[coverage > 0.5]
    bare = float(np.quantile(inked, rng.uniform(0.1, 0.45))) if inked.size else 0.0
    sheet.coverage = np.where(noise > bare, coverage, coverage * np.float32(0.1))


@kind
def broken(sheet: Sheet, rng: np.random.Generator) -> None:
    """Gaps about as long as the pen is wide, where it was lifted or skipped."""
    coverage = sheet.drawn()
    y, x = np.mgrid[: sheet.page[0], : sheet.page[1]]
    points = np.concatenate(sheet.drawing.strokes) * sheet.size / 2 + np.array(sheet.page[::-1]) / 2
    for _ in range(int(rng.integers(1, 4))):
        at = points[rng.integers(len(points))]
        reach = max(1.2, sheet.pen * rng.uniform(0.55, 1.0))
        coverage = np.where(np.hypot(x - at[0], y - at[1]) < reach, 0, coverage)
    sheet.coverage = coverage.astype(np.float32)


@kind
def rubbed(sheet: Sheet, rng: np.random.Generator) -> None:
    """Rubbed out in a place or two, up to a sixth of the digit wide."""
    sheet.coverage = rub_out(sheet.drawn(), rng, sheet.size)


@kind
def slim(sheet: Sheet, rng: np.random.Generator) -> None:
    """Written half as wide, or less."""
    _moved(sheet, np.diag([rng.uniform(0.3, 0.65), 1]))


@kind
def wide(sheet: Sheet, rng: np.random.Generator) -> None:
    """Written up to twice as wide."""
    _moved(sheet, np.diag([rng.uniform(1.3, 2), 1]))


@kind
def turned(sheet: Sheet, rng: np.random.Generator) -> None:
    """Turned by 8 to 20 degrees."""
    angle = np.radians(rng.uniform(8, 20)) * rng.choice([-1, 1])
    sine, cosine = np.sin(angle), np.cos(angle)
    _moved(sheet, np.array([[cosine, -sine], [sine, cosine]]))


@kind
def slanted(sheet: Sheet, rng: np.random.Generator) -> None:
    """Leaning to either side by up to 35 degrees."""
    _moved(sheet, np.array([[1, -rng.uniform(-0.5, 0.7)], [0, 1]]))


@kind
def tight(sheet: Sheet, rng: np.random.Generator) -> None:
    """Cropped to its ink but for a few pixels at most."""
    coverage = sheet.drawn()
    rows, columns = np.nonzero(coverage > 0.1)
    sides = [(rows.min(), rows.max(), sheet.page[0]), (columns.min(), columns.max(), sheet.page[1])]
    crop = []
    for low, high, length in sides:
        margins = rng.uniform(0.005, 0.06, 2) * sheet.size + 1
        crop.append(slice(max(0, int(low - margins[0])), min(length, int(high + margins[1]) + 1)))
    sheet.coverage = coverage[tuple(crop)]
    sheet.scene = replace(sheet.scene, ruling=None)


@kind
def ruled(sheet: Sheet, rng: np.random.Generator) -> None:
    """On lined or squared paper."""
    light = int(rng.integers(190, 250))
    line = int(rng.integers(90, 200))
    sheet.scene = replace(
        sheet.scene,
        paper=(light, light, light - 6),
        pen=(int(rng.integers(10, 70)),) * 3,
        ruling=(line - 40, line, min(255, line + 40)),
        spacing=float(rng.uniform(0.05, 0.3)),
        tilt=float(rng.uniform(-0.05, 0.05)),
        squared=bool(rng.random() < 0.5),
    )


@kind
def boxed(sheet: Sheet, rng: np.random.Generator) -> None:
    """In a printed box, as a form has it."""
    coverage = sheet.drawn().copy()
    height, width = sheet.page
    line = max(1, round(min(height, width) * rng.uniform(0.004, 0.015)))
    inset = [int(rng.uniform(0.02, 0.06) * side) for side in (height, width)]
    box = np.ones((height - 2 * inset[0], width - 2 * inset[1]), np.float32)
    box[line:-line, line:-line] = 0
    inner = coverage[inset[0] : height - inset[0], inset[1] : width - inset[1]]
    np.maximum(inner, box * np.float32(rng.uniform(0.5, 1)), out=inner)
    sheet.coverage = coverage
    sheet.scene = replace(sheet.scene, ruling=None)


@kind
def shadow(sheet: Sheet, rng: np.random.Generator) -> None:
    """In a hard shadow, in falling light."""
    light, dark = int(rng.integers(170, 250)), int(rng.integers(10, 60))
    sheet.scene = replace(
        sheet.scene,
        paper=(light,) * 3,
        pen=(dark,) * 3,
        ruling=None,
        shadow=float(rng.uniform(0.25, 0.55)),
        light=float(rng.uniform(0, 0.6)),
    )


@kind
def photo(sheet: Sheet, rng: np.random.Generator) -> None:
    """Seen aslant, with grain, blur and JPEG's squares."""
    sheet.scene = replace(
        sheet.scene,
        grain=float(rng.uniform(3, 12)),
        blur=float(rng.uniform(0.2, 0.5)) * sheet.pen,
        jpeg=int(rng.integers(25, 70)),
    )
    height, width = sheet.page
    corners = np.array([(0, 0), (0, 1), (1, 1), (1, 0)]) * (width, height)
    inside = rng.uniform(0, PERSPECTIVE / 2, (4, 2)) * (width, height)
    quad = corners + inside * np.where(corners > 0, -1, 1)
    seen = Image.fromarray(sheet.drawn()).transform(
        (width, height), Image.Transform.QUAD, quad.ravel().tolist(), Image.Resampling.BICUBIC
    )
    sheet.coverage = np.clip(np.asarray(seen, np.float32), 0, 1)


@kind
def inverted(sheet: Sheet, rng: np.random.Generator) -> None:
    """Light on dark, as on a board, a screen, or in a negative."""
    dark, light = int(rng.integers(0, 70)), int(rng.integers(150, 256))
    paper = tuple(int(v) for v in np.clip(dark + rng.integers(-10, 11, 3), 0, 255))
    pen = tuple(int(v) for v in np.clip(light + rng.integers(-30, 31, 3), 0, 255))
    sheet.scene = replace(sheet.scene, paper=paper, pen=pen, ruling=None)


@kind
def coloured(sheet: Sheet, rng: np.random.Generator) -> None:
    """A coloured pen on coloured paper."""
    paper = rng.integers(120, 256, 3)
    taken = [int(rng.integers(low, high)) for low, high in ((90, 160), (0, 90), (0, 40))]
    pen = np.clip(paper - rng.permutation(taken), 0, 255)
    sheet.scene = replace(
        sheet.scene,
        paper=tuple(int(v) for v in paper),
        pen=tuple(int(v) for v in pen),
        ruling=None,
    )


@kind
def faint(sheet: Sheet, rng: np.random.Generator) -> None:
    """A pencil that hardly differs from the paper."""
    light = int(rng.integers(150, 250))
    sheet.scene = replace(
        sheet.scene,
        paper=(light,) * 3,
        pen=(light - int(rng.integers(25, 70)),) * 3,
        ruling=None,
        grain=float(rng.uniform(0, 3)),
    )


@kind
def aside(sheet: Sheet, rng: np.random.Generator) -> None:
    """Small, and anywhere on its page."""
    sheet.size = max(14.0, min(sheet.page) * rng.uniform(0.12, 0.3))
    sheet.pen = max(1.0, sheet.size * rng.uniform(0.04, 0.14))
    coverage = sheet.drawn()
    room = [int(side / 2 - 0.6 * sheet.size) for side in sheet.page]
    shift = [int(rng.integers(-most, most + 1)) if most > 0 else 0 for most in room]
    sheet.coverage = np.roll(coverage, shift, (0, 1))


@kind
def tiny(sheet: Sheet, rng: np.random.Generator) -> None:
    """14 to 28 pixels tall."""
    sheet.size = float(rng.uniform(14, 28))
    sheet.page = (int(sheet.size * rng.uniform(1.1, 2)),) * 2
    sheet.pen = max(1.2, sheet.size * rng.uniform(0.05, 0.13))
    sheet.scene = replace(sheet.scene, ruling=None, blur=min(sheet.scene.blur, 0.7))


@kind
def mouse(sheet: Sheet, rng: np.random.Generator) -> None:
    """By an unsteady mouse, in hard pixels and few straight pieces."""
    strokes = []
    for stroke in sheet.drawing.strokes:
        places = np.unique(np.r_[0 : len(stroke) : int(rng.integers(4, 10)), len(stroke) - 1])
        line = stroke[places] + rng.normal(0, 0.025, (len(places), 2)).astype(np.float32)
        strokes.append(line if len(line) > 1 else stroke)
    sheet.drawing = sheet.drawing._replace(strokes=strokes)
    sheet.coverage = (sheet.drawn() > 0.5).astype(np.float32)
    sheet.scene = Scene(paper=(255,) * 3, pen=(int(rng.choice([0, 0, 60])),) * 3)


@kind
def nonsense(sheet: Sheet, rng: np.random.Generator) -> None:
    """A letter or a scribble."""
    sheet.drawing = sheet.drawing._replace(strokes=scribble(rng))
    sheet.label = NO_DIGIT


@kind
def signs(sheet: Sheet, rng: np.random.Generator) -> None:
    """Another letter or sign, or a scribble."""
    nonsense(sheet, rng)
    if rng.random() < 0.5:
        strokes = SIGNS[str(rng.choice(list(SIGNS)))]
        turn, lean = rng.uniform(-0.25, 0.25, 2)
        matrix = np.array([[1, turn], [lean, 1]])
        shaken = [np.array(points) + rng.normal(0, 0.04, (len(points), 2)) for points in strokes]
        drawn = [(2 * points - 1) * 0.9 @ matrix for points in shaken]
        sheet.drawing = sheet.drawing._replace(strokes=drawn)


def draw_strange(
    count: int, seed: int = 0, name: str = "plain", sides: tuple[int, int] = (60, 500)
) -> Iterator[tuple[int | str, np.ndarray]]:
    """Draw pictures of one digit: its label, and uint8 of shape (height, width, 3).

    Args:
        count: how many.
        seed: where the randomness starts.
        name: of one of `KINDS`.
        sides: the smallest and largest height of a page, in pixels.
    """
    rng = np.random.default_rng((seed, list(KINDS).index(name)))
    each = count // len(HANDS) + 1
    lines = [draw_lines(each, len(HANDS) * seed + k, hand) for k, hand in enumerate(HANDS)]
    for number in range(count):
        drawing = lines[number % len(HANDS)][number // len(HANDS)]
        height = int(sides[0] * (sides[1] / sides[0]) ** rng.uniform(0, 1))
        page = height, max(24, int(height * rng.uniform(0.7, 1.3)))
        size = min(page) * rng.uniform(0.5, 0.85)
        pen = max(1.0, size * 0.02 * 7 ** rng.uniform(0, 1))
        sheet = Sheet(drawing, size, pen, page, any_scene(rng, height, pen), label=drawing.digit)
        KINDS[name](sheet, rng)
        yield sheet.label, photograph(sheet.drawn(), sheet.scene, seed + number)


def main() -> None:
    """Write pictures and their labels into the folder that is named."""
    folder, count, *rest = sys.argv[1:]
    seed, name = [*rest, *("0", "all")[len(rest) :]]
    kinds = KINDS if name == "all" else (name,)
    write_labelled(
        Path(folder), {kind: draw_strange(int(count), int(seed), kind) for kind in kinds}
    )


if __name__ == "__main__":
    main()
