"""What training a network further on one half of somebody's drawings does for the other half.

Run: python -m bench.own_drawings FOLDER... [--model MODEL] [--seeds N]. Each folder holds pictures
and a labels.csv. The pictures are divided at random, digit by digit; the network is trained further
on class folders of one half by the command that the README names, and reads the other half before
and after; then the halves change places. Without --model it starts from a network that
``mlp train`` made of MNIST in a minute.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from mlp.handwriting.picture_files import Labels

FURTHER = ["--epochs", "30", "--lr", "0.01", "--augment", "affine(10,0.1,2)", "--batch-size", "16"]
"""How the network is trained further: gently, on few drawings that are deformed anew each time."""


def mlp(*arguments: object) -> str:
    """Run the command line; return what it printed."""
    command = [sys.executable, "-m", "mlp", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


def pictures_in(folders: list[Path]) -> list[tuple[Path, str]]:
    """List the pictures of one digit with their labels."""
    found = []
    for folder in folders:
        labels = Labels(folder / "labels.csv")
        for path in sorted(folder.iterdir()):
            label = labels.of(str(path))
            if label is not None and len(label) == 1:
                found.append((path, label))
    return found


def halves(pictures: list[tuple[Path, str]], seed: int, place: Path) -> tuple[Path, Path]:
    """Copy the pictures into two folders of class folders, each digit shared out evenly."""
    rng, sides = np.random.default_rng(seed), (place / f"{seed}a", place / f"{seed}b")
    for digit in sorted({label for _, label in pictures}):
        own = [path for path, label in pictures if label == digit]
        for k, i in enumerate(rng.permutation(len(own))):
            target = sides[k % 2] / digit
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy(own[i], target / f"{own[i].parent.name}-{own[i].name}")
    return sides


def read(model: Path, folder: Path) -> tuple[int, int]:
    """Return how many pictures a model reads rightly, and of how many."""
    told = json.loads(mlp("predict", folder, "--model", model, "--json"))
    return told["correct"], told["total"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    pictures = pictures_in(given.folders)
    with TemporaryDirectory() as name:
        place = Path(name)
        start = given.model
        if start is None:
            start = place / "mnist.safetensors"
            mlp("train", "--dataset", "mnist", "--out", start)
        totals = np.zeros(3, int)
        for seed in range(given.seeds):
            first, second = halves(pictures, seed, place)
            for own, other in ((first, second), (second, first)):
                further = place / "further.safetensors"
                mlp("train", "--start", start, "--dataset", own, "--handwriting", "--test", "1",
                    *FURTHER, "--seed", seed, "--out", further, "--force")  # fmt: skip
                (before, count), (after, _) = read(start, other), read(further, other)
                totals += (before, after, count)
                print(f"seed {seed}: {before} of {count} before, {after} after", flush=True)
    before, after, count = totals
    print(f"all: {before / count:.1%} before, {after / count:.1%} after, of {count:,} readings")


if __name__ == "__main__":
    main()
