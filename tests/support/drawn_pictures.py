"""Digits by the project's own pen as people photograph them, as many and as hard as wanted.

``python tests/support/drawn_pictures.py FOLDER COUNT [SEED] [KIND]`` writes them with
``labels.csv``; the label of what is no digit is x.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from hard_pictures import Scene, photograph
from PIL import Image, ImageDraw

from mlp.data.synthetic import Drawing, draw_lines

OVERSAMPLING = 3

KINDS = ("usual", "rubbed", "blurred", "stretched", "nonsense")
"""One in ten of the usual ones is rubbed out as well; nonsense are letters and scribbles."""

NO_DIGIT = "x"

# Strokes through points (x, y) of the unit square, y downwards: letters that are no digit as well.
LETTERS = {
    "A": [[(0, 1), (0.5, 0), (1, 1)], [(0.2, 0.6), (0.8, 0.6)]],
    "E": [[(0.9, 0), (0.1, 0), (0.1, 1), (0.9, 1)], [(0.1, 0.5), (0.7, 0.5)]],
    "F": [[(0.9, 0), (0.1, 0), (0.1, 1)], [(0.1, 0.5), (0.7, 0.5)]],
    "H": [[(0.1, 0), (0.1, 1)], [(0.9, 0), (0.9, 1)], [(0.1, 0.5), (0.9, 0.5)]],
    "K": [[(0.1, 0), (0.1, 1)], [(0.9, 0), (0.1, 0.5), (0.9, 1)]],
    "M": [[(0, 1), (0.1, 0), (0.5, 0.7), (0.9, 0), (1, 1)]],
    "N": [[(0.1, 1), (0.1, 0), (0.9, 1), (0.9, 0)]],
    "R": [[(0.1, 1), (0.1, 0), (0.7, 0.05), (0.8, 0.3), (0.1, 0.5), (0.9, 1)]],
    "W": [[(0, 0), (0.2, 1), (0.5, 0.3), (0.8, 1), (1, 0)]],
    "X": [[(0, 0), (1, 1)], [(1, 0), (0, 1)]],
}


def cover(drawing: Drawing, size: float, pen: float, page: tuple[int, int]) -> np.ndarray:
    """Coverage from 0 to 1, float32, of a page on whose middle a round pen draws.

    Args:
        drawing: the pen's way.
        size: the longer side of that way, in pixels.
        pen: the stroke's width, in pixels.
        page: its height and width, in pixels.
    """
    height, width = page
    canvas = Image.new("L", (width * OVERSAMPLING, height * OVERSAMPLING))
    draw = ImageDraw.Draw(canvas)
    line = max(1, round(pen * OVERSAMPLING))
    middle = np.array([width, height]) * OVERSAMPLING / 2
    for stroke in drawing.strokes:
        points = [tuple(point) for point in stroke * size * OVERSAMPLING / 2 + middle]
        draw.line(points, fill=255, width=line, joint="curve")
        for x, y in (points[0], points[-1]):
            draw.ellipse((x - line / 2, y - line / 2, x + line / 2, y + line / 2), fill=255)
    return np.asarray(canvas.resize((width, height), Image.Resampling.BOX), np.float32) / 255


def any_scene(rng: np.random.Generator, side: int, pen: float) -> Scene:
    """Paper, pen, light and camera by chance; a drawing program's clean white half of the time."""
    if rng.random() < 0.4:
        return Scene(paper=(255,) * 3, pen=(int(rng.integers(0, 90)),) * 3)
    light = int(rng.integers(140, 250))
    dark = int(rng.integers(10, light - 70))
    chalk = rng.random() < 0.15
    paper, ink = (dark, light) if chalk else (light, dark)
    ruled = side >= 200 and not chalk and rng.random() < 0.2
    tint = rng.integers(-12, 13, 3)
    return Scene(
        paper=tuple(int(level) for level in np.clip(paper + tint, 0, 255)),
        pen=tuple(int(level) for level in np.clip(ink + 2 * tint, 0, 255)),
        ruling=(150, 180, 220) if ruled and light > 190 else None,
        squared=bool(rng.random() < 0.5),
        tilt=float(rng.uniform(-0.03, 0.03)),
        light=float(rng.uniform(0, 0.5)),
        shadow=float(rng.choice([0, 0, rng.uniform(0.1, 0.4)])),
        grain=float(rng.uniform(0, 8)),
        blur=float(rng.uniform(0, 0.35)) * pen,
        jpeg=int(rng.integers(40, 95)) if rng.random() < 0.6 else None,
    )


def rub_out(coverage: np.ndarray, rng: np.random.Generator, size: float) -> np.ndarray:
    """Coverage of a digit of this size, rubbed out in one place or two."""
    rows, columns = np.nonzero(coverage > 0.5)
    y, x = np.mgrid[: coverage.shape[0], : coverage.shape[1]]
    for _ in range(int(rng.integers(1, 3))):
        at = int(rng.integers(len(rows)))
        reach = size * rng.uniform(0.03, 0.15)
        coverage = np.where(np.hypot(y - rows[at], x - columns[at]) < reach, 0, coverage)
    return coverage.astype(np.float32)


def stretch(drawing: Drawing, rng: np.random.Generator) -> Drawing:
    """Draw it up to twice as wide, or as narrow, as it was written."""
    factor = 2 ** rng.uniform(-1, 1)
    across, down = (factor, 1) if factor < 1 else (1, 1 / factor)
    return drawing._replace(strokes=[stroke * (across, down) for stroke in drawing.strokes])


def scribble(rng: np.random.Generator) -> list[np.ndarray]:
    """Draw a letter, or a smooth line of one to three strokes through places by chance."""
    if rng.random() < 0.5:
        strokes = LETTERS[str(rng.choice(list(LETTERS)))]
        turn = rng.uniform(-0.2, 0.2)
        lean = np.array([[1, turn], [-turn, 1]])
        return [(2 * np.array(points) - 1) * 0.9 @ lean for points in strokes]
    found = []
    for _ in range(int(rng.integers(1, 4))):
        places = rng.uniform(-0.9, 0.9, (int(rng.integers(3, 8)), 2))
        at = np.linspace(0, len(places) - 1, 60)
        line = np.stack([np.interp(at, range(len(places)), column) for column in places.T], axis=1)
        weights = np.hanning(13) / np.hanning(13).sum()
        wide = np.pad(line, ((6, 6), (0, 0)), mode="edge")
        found.append(np.stack([np.convolve(c, weights, "valid") for c in wide.T], axis=1))
    return found


def draw_pictures(
    count: int, seed: int = 0, kind: str = "usual"
) -> Iterator[tuple[int | str, np.ndarray]]:
    """Draw pictures of one digit, 28 to 700 pixels large: the digit, uint8 (height, width, 3).

    Args:
        kind: one of `KINDS`.
    """
    rng = np.random.default_rng(seed)
    hands = ("synthetic", "continental")
    halves = [draw_lines(count // 2 + 1, 2 * seed + k, hand) for k, hand in enumerate(hands)]
    for number in range(count):
        drawing = halves[number % 2][number // 2]
        side = int(28 * 25 ** rng.uniform(0, 1))
        page = (side, max(24, int(side * rng.uniform(0.7, 1.3))))
        size = min(page) * rng.uniform(0.5, 0.85)
        pen = max(1.0, size * 0.015 * 11 ** rng.uniform(0, 1))
        if kind == "stretched":
            drawing = stretch(drawing, rng)
        elif kind == "nonsense":
            drawing = drawing._replace(strokes=scribble(rng))
        coverage = cover(drawing, size, pen, page)
        if kind == "rubbed" or (kind == "usual" and rng.random() < 0.1):
            coverage = rub_out(coverage, rng, size)
        scene = any_scene(rng, side, pen)
        if kind == "blurred":
            scene = replace(scene, blur=pen * rng.uniform(0.4, 1.2), grain=scene.grain / 4)
        label = NO_DIGIT if kind == "nonsense" else drawing.digit
        yield label, photograph(coverage, scene, seed + number)


def write_labelled(
    folder: Path, drawn: Mapping[str, Iterable[tuple[int | str, np.ndarray]]]
) -> None:
    """Write pictures, called by their kinds, into a folder with a table of their labels."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["file,label"]
    for kind, pictures in drawn.items():
        for number, (label, picture) in enumerate(pictures):
            lines.append(f"{kind}{number:05}.png,{label}")
            Image.fromarray(picture).save(folder / f"{kind}{number:05}.png")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")


def main() -> None:
    """Write pictures and their labels into the folder that is named."""
    folder, count, *rest = sys.argv[1:]
    seed, kind = [*rest, *("0", "usual")[len(rest) :]]
    write_labelled(Path(folder), {"drawn": draw_pictures(int(count), int(seed), kind)})


if __name__ == "__main__":
    main()
