"""How much each number of `mlp.handwriting.constants` matters: vary it, and count digits.

    python -m bench.handwriting_constants FOLDER... [--only NAME...]

Each folder holds pictures of a digit or of rows of them, and ``labels.csv``. Every
number is set to 80 % and to 120 % of its value, one at a time (a whole number by one at least), and
the pretrained model is asked what it sees. A row a number: how many digits are recognised more or
fewer, in each folder, than with the table as it stands. ``python tests/support/hard_pictures.py
FOLDER`` draws a folder of pages that are ruled, shaded, framed or lie on a table.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from mlp.common.errors import DataError
from mlp.data.task import Task
from mlp.handwriting import constants, load_picture
from mlp.handwriting.picture_files import Labels, find_pictures
from mlp.handwriting.recognise import is_correct, recognise_digit, recognise_digits
from mlp.models.pretrained import pretrained_model

FACTS = {"MAX_PIXELS", "MNIST_SIDE", "MNIST_DIGIT", "SURE"}
"""What decides nothing about which digit is found, or is MNIST's own."""

SHARE = 0.2

Folder = list[tuple[Any, str]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these numbers alone")
    arguments = parser.parse_args()
    model = pretrained_model()
    folders = [load(folder) for folder in arguments.folders]
    table = [count(model, folder) for folder in folders]
    sizes = ", ".join(
        f"{correct} of {len(folder)} in {path.name}"
        for path, folder, correct in zip(arguments.folders, folders, table, strict=True)
    )
    print(f"as it stands: {sizes}\n")
    print("| number | value | less | more |\n| --- | --- | --- | --- |", flush=True)
    for name in arguments.only or names():
        value = getattr(constants, name)
        cells = []
        for other in varied(value):
            setattr(constants, name, other)
            try:
                counts = [count(model, folder) for folder in folders]
            finally:
                setattr(constants, name, value)
            cells.append(difference(other, counts, table))
        print(f"| {name} | {value:.4g} | {' | '.join(cells)} |", flush=True)


def names() -> list[str]:
    """The numbers of the table that something depends on, in its order."""
    return [
        name
        for name, value in vars(constants).items()
        if name.isupper() and isinstance(value, int | float) and name not in FACTS
    ]


def varied(value: float) -> tuple[float, float]:
    """A number less and more, whole if it was."""
    if isinstance(value, int):
        step = max(1, round(SHARE * value))
        return value - step, value + step
    return value * (1 - SHARE), value * (1 + SHARE)


def load(folder: Path) -> Folder:
    """The pictures of a folder that have a label."""
    pictures = find_pictures([str(folder)], Labels(folder / "labels.csv"))
    return [(load_picture(name), label) for name, label in pictures if label is not None]


def count(model: Any, folder: Folder) -> int:
    """How many pictures are recognised as their labels say."""
    correct = 0
    for picture, label in folder:
        try:
            one = len(label) == 1
            answers = [recognise_digit(model, picture)] if one else recognise_digits(model, picture)
            correct += is_correct(answers, label, Task())
        except DataError:
            continue
    return correct


def difference(value: float, counts: list[int], table: list[int]) -> str:
    """A value, and how many digits it gains or loses in each folder."""
    changes = ", ".join(
        f"{a - b:+d}" if a != b else "0" for a, b in zip(counts, table, strict=True)
    )
    return f"{value:.4g}: {changes}"


if __name__ == "__main__":
    main()
