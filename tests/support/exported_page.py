"""An exported page in a real browser, and drawings for its board."""

from __future__ import annotations

import base64
import io
import itertools
import time
from pathlib import Path
from typing import Any

import numpy as np
from hard_pictures import STROKES

from mlp.handwriting.load import load_picture

PATIENCE = 20.0  # seconds


class Page:
    """An exported page, opened from its file; its console stays silent."""

    def __init__(self, browser: Any, path: Path) -> None:
        self.browser = browser
        browser.get(path.resolve().as_uri())
        end = time.monotonic() + PATIENCE
        while not self.run("return live.network !== null"):
            assert time.monotonic() < end
            time.sleep(0.02)
        assert browser.get_log("browser") == []
        names = self.run("return performance.getEntriesByType('resource').map(e => e.name)")
        assert all(name.startswith("data:") for name in names), names

    def run(self, script: str, *arguments: Any) -> Any:
        return self.browser.execute_script(script, *arguments)

    def read(self, image: np.ndarray) -> Any:
        """Ask the network about an image of bytes."""
        return self.run(
            "const read = window.mlp.read(arguments[0]), list = (x) => x && Array.from(x);"
            "return {...read, image: null, units: null, added: null, outputs: list(read.outputs),"
            " evidence: list(read.evidence), activations: read.activations.map(list)}",
            image.ravel().tolist(),
        )

    def draw(self, strokes: list[Any]) -> np.ndarray:
        """Put strokes of the board's pixels onto it; return the drawing as a picture."""
        encoded = self.run(
            "board.strokes = arguments[0]; redraw(); readDrawing();"
            "return canvas.toDataURL('image/png')",
            strokes,
        )
        content = io.BytesIO(base64.b64decode(encoded.partition(",")[2]))
        return load_picture(content)


def on_board(digit: int, left: float, top: float, height: float) -> list[Any]:
    """The strokes of a digit in the board's pixels."""
    strokes = STROKES[digit]
    return [[[left + 0.7 * height * x, top + height * y] for x, y in line] for line in strokes]


def drawings() -> list[list[Any]]:
    """The digits in their middle, small, and anywhere, ten of each; and a row of four."""
    rng = np.random.default_rng(4)
    drawn = [on_board(digit, 150, 80, 400) for digit in range(10)]
    drawn += [on_board(digit, 250, 300, 45) for digit in range(10)]  # small ones are no blots
    drawn += [
        on_board(digit, *rng.uniform((20, 20), (150, 150)), rng.uniform(150, 380))
        for digit in range(10)
    ]
    row = [on_board(digit, 40 + 130 * k, 200, 130) for k, digit in enumerate((2, 0, 7, 4))]
    return [*drawn, [line for strokes in row for line in strokes]]


def rubbed_out(strokes: list[Any], left: float, top: float, right: float, bottom: float) -> Any:
    """What is left of strokes where a box of the board's pixels is rubbed out."""
    pieces: list[Any] = []
    for line in strokes:
        piece: list[Any] = []
        for one, other in itertools.pairwise(line):
            steps = max(2, round(np.hypot(*np.subtract(one, other)) / 2))
            for x, y in np.linspace(one, other, steps).tolist():
                if left < x < right and top < y < bottom:
                    pieces.append(piece)
                    piece = []
                else:
                    piece.append([x, y])
        pieces.append(piece)
    return [piece for piece in pieces if len(piece) > 1]
