"""What several networks gain by training side by side: their epochs, against those of each alone.

Run: python -m bench.many [--networks 25] [--images 60000] [--rounds 5] [--device cpu]
[--works 784-16-10:32 ...]. Each round makes an epoch of all networks side by side and one of each
by itself, in turn and in this process, with evaluation left out. What is printed is how many times
as long they take alone: the median over the rounds, and the range. As many workers share an update
as `mlp train` would let.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from statistics import median
from typing import Literal, NamedTuple

import numpy as np

import mlp
from backends import Backend
from mlp.data.dataset import Split
from mlp.nn.network import MLP
from mlp.nn.stack import Stack
from mlp.training.recipe import Recipe
from mlp.training.together import StackTrainer, shares_x
from mlp.training.trainer import Trainer

WORKS = (
    "784-16-10:32",
    "784-16-16-10:128",
    "784-16-16-10:full",
    "784-128-10:128",
    "784-128-10:full",
    "784-256-128-10:128",
)


class Work(NamedTuple):
    """A network and its batches."""

    sizes: tuple[int, ...]
    batch_size: int | Literal["full"]


class Row(NamedTuple):
    """What was measured of a work: seconds of an epoch of all networks, one for each round."""

    work: str
    together: list[float]
    alone: list[float]

    @property
    def ratios(self) -> list[float]:
        """How many times as long they take alone, round by round."""
        return [alone / both for alone, both in zip(self.alone, self.together, strict=True)]

    def __str__(self) -> str:
        low, high = min(self.ratios), max(self.ratios)
        return (
            f"{self.work:20} {median(self.ratios):5.2f} ({low:.2f}-{high:.2f})   "
            f"{median(self.together):8.3f} s side by side, {median(self.alone):8.3f} s alone"
        )


def parse_work(text: str) -> Work:
    """Read widths and a batch size, such as ``784-16-10:32`` or ``784-16-10:full``."""
    widths, _, batch = text.partition(":")
    return Work(
        tuple(int(width) for width in widths.split("-")), "full" if batch == "full" else int(batch)
    )


def measure(text: str, split: Split, networks: int, rounds: int, backend: Backend) -> Row:
    """Time epochs side by side and alone, in turn.

    Args:
        text: the work.
        split: what is learnt from; its images have as many pixels as the network has inputs.
        networks: how many.
        rounds: how often each is timed, after an epoch that is not.
        backend: the device.
    """
    work = parse_work(text)
    recipe = Recipe(batch_size=work.batch_size, epochs=rounds + 3, lr=0.05, warmup=0.0)
    recipes = [replace(recipe, seed=seed) for seed in range(networks)]

    def models() -> list[MLP]:
        return [MLP(work.sizes, seed=own.seed, backend=backend) for own in recipes]

    stack = Stack(models(), shares_x=shares_x(recipe))
    together = StackTrainer(stack, split, recipes)
    trainers = [Trainer(model, split, own) for model, own in zip(models(), recipes, strict=True)]

    def each_alone(number: int) -> None:
        for trainer in trainers:
            trainer.epoch(number)

    row = Row(text, [], [])
    for number in range(2):  # a captured step is recorded in its second call
        together.epoch(number)
        each_alone(number)
    for number in range(2, rounds + 2):
        row.together.append(_seconds(together.epoch, number, backend))
        row.alone.append(_seconds(each_alone, number, backend))
    return row


def _seconds(epoch: Callable[[int], object], number: int, backend: Backend) -> float:
    backend.synchronize()
    start = time.perf_counter()
    epoch(number)
    backend.synchronize()
    return time.perf_counter() - start


def main(arguments: list[str] | None = None) -> None:
    """Measure all works and print a row each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", type=int, default=25)
    parser.add_argument("--images", type=int, default=60_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--works", nargs="+", default=list(WORKS))
    chosen = parser.parse_args(arguments)
    backend = mlp.get_backend(chosen.device)
    r = np.random.default_rng(0)
    for text in chosen.works:
        sizes = parse_work(text).sizes
        images = r.integers(0, 256, (chosen.images, sizes[0]), dtype=np.uint8)
        split = Split(
            images.reshape(len(images), 1, -1), r.integers(0, sizes[-1], len(images), np.uint8)
        )
        print(measure(text, split, chosen.networks, chosen.rounds, backend), flush=True)


if __name__ == "__main__":
    main()
