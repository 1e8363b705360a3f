"""Makes the README's picture, ``docs/terminal.png``: ``python docs/pictures.py``.

It draws a photo of a digit on lined paper, runs two commands on it and on the model that comes with
the package, and paints what they print. It needs the test extra (a font comes with matplotlib) and
a system with pseudo-terminals. The same versions make the same bytes.
"""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import tempfile
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from rich.color import Color
from rich.console import Console
from rich.style import Style
from rich.text import Text

from mlp.common.atomic import replacing

ROOT = Path(__file__).resolve().parents[1]
MODEL = ROOT / "mlp" / "models" / "digits.safetensors"

COLUMNS = 118
CELL = (8, 16)
"""Width and height of a character, in pixels."""

BLOCKS = {"▀": (0.0, 0.5), "▄": (0.5, 1.0), "█": (0.0, 1.0)}
"""Where a block character is filled, from top to bottom: painted, since fonts leave seams."""

INK, PAPER, MARGIN = (222, 222, 222), (24, 26, 31), 14

STROKES = (
    [(108, 62), (84, 118), (72, 158), (120, 166), (204, 150)],
    [(176, 72), (166, 140), (150, 244)],
)
"""A four, as two lines of points (x, y) in the photo's pixels."""


def draw_photo(size: int = 288) -> Image.Image:
    """Draw a four in blue ink on lined paper, in uneven light and a little out of focus."""
    page = Image.new("RGB", (size, size), (236, 232, 220))
    pen = ImageDraw.Draw(page)
    for y in range(24, size, 44):
        pen.line([(0, y), (size, y + 6)], fill=(160, 178, 205), width=2)
    for stroke in STROKES:
        pen.line(stroke, fill=(38, 52, 110), width=13, joint="curve")
        for x, y in (stroke[0], stroke[-1]):
            pen.ellipse((x - 6, y - 6, x + 6, y + 6), fill=(38, 52, 110))
    pixels = np.asarray(page.filter(ImageFilter.GaussianBlur(1.2)), np.float64)
    light = np.linspace(1.0, 0.62, size)[:, None, None]  # darker towards the bottom
    noise = np.random.default_rng(0).normal(0.0, 2.0, (size, size, 1))
    return Image.fromarray(np.clip(pixels * light + noise, 0, 255).astype(np.uint8))


def run(*command: str, folder: Path) -> list[str]:
    """Run a command in a terminal of COLUMNS columns and 24 bits of colour; return its lines."""
    ours, its = pty.openpty()
    environment = {
        **os.environ,
        "COLUMNS": str(COLUMNS),
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "PYTHONPATH": str(ROOT),
    }
    child = subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=folder,
        env=environment,
        stdout=its,
        stderr=subprocess.DEVNULL,
    )
    os.close(its)
    output = b""
    while True:
        try:
            read = os.read(ours, 1 << 16)
        except OSError:  # on Linux, what reading a terminal that nobody writes to any more ends in
            break
        if not read:
            break
        output += read
    os.close(ours)
    if child.wait() != 0:
        raise RuntimeError(f"{' '.join(command)} ended in exit code {child.returncode}")
    return output.decode().replace("\r\n", "\n").rstrip("\n").split("\n")


def paint(lines: list[str]) -> Image.Image:
    """Paint lines with escape codes as a terminal would."""
    width, height = CELL
    size = (COLUMNS * width + 2 * MARGIN, len(lines) * height + 2 * MARGIN)
    picture = Image.new("RGB", size, PAPER)
    pen = ImageDraw.Draw(picture)
    font = ImageFont.truetype(
        Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSansMono.ttf", 13
    )
    terminal = Console(color_system="truecolor", width=COLUMNS)
    for row, line in enumerate(lines):
        column = 0
        for segment in Text.from_ansi(line).render(terminal):
            style = segment.style or Style()
            ink, paper = _rgb(style.color, INK), _rgb(style.bgcolor, PAPER)
            for character in segment.text.rstrip("\n"):
                x, y = MARGIN + column * width, MARGIN + row * height
                pen.rectangle((x, y, x + width - 1, y + height - 1), fill=paper)
                if character in BLOCKS:
                    top, bottom = (y + round(share * height) for share in BLOCKS[character])
                    pen.rectangle((x, top, x + width - 1, bottom - 1), fill=ink)
                else:
                    pen.text((x, y), character, font=font, fill=ink)
                column += 1
    return picture


def _rgb(color: Color | None, default: tuple[int, int, int]) -> tuple[int, int, int]:
    return default if color is None or color.is_default else tuple(color.get_truecolor())


def make_picture() -> Image.Image:
    """Run the commands and paint them, with the photo in the corner."""
    weights = ("show", "weights", "digits.safetensors", "--layer", "1", "--count", "4")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photo = draw_photo()
        photo.save(folder / "photo.jpg", quality=92)
        (folder / "digits.safetensors").write_bytes(MODEL.read_bytes())
        lines = [
            "$ mlp predict photo.jpg",
            *run("mlp", "predict", "photo.jpg", folder=folder),
            *[""] * 3,
            f"$ mlp {' '.join(weights)}",
            *run("mlp", *weights, folder=folder),
        ]
    picture = paint(lines)
    picture.paste(photo, (picture.width - photo.width - MARGIN, MARGIN))
    return picture


if __name__ == "__main__":
    target = ROOT / "docs" / "terminal.png"
    picture = make_picture()
    with replacing(target) as file:
        picture.save(file, "PNG", optimize=True)
    print(f"{target.relative_to(ROOT)}: {target.stat().st_size:,} bytes")
