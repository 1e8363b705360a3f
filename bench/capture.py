"""What fixed shapes gain: ``python -m bench.capture``.

The diary's author found a network of fixed size 15 % faster than one of any size. Here every
network is of any size; what is fixed is a batch's shape. Three ways to train the same network, in
turns: with new arrays at each call, with buffers that are used again, and with steps captured as
flat lists of calls. They do the same sums: their parameters must come out the same, to the byte.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np

from backends import get_backend
from bench.harness.machine import describe_machine, machine_line
from mlp.data.load import load_dataset
from mlp.nn.buffers import Buffers
from mlp.nn.network import MLP
from mlp.training.recipe import Recipe
from mlp.training.trainer import Trainer

NETWORKS = {(16, 16): 32, (112, 16): 32, (196, 49, 16): 32, (36,): 10, (256, 128): 128}
"""Hidden layers, with the images an update."""

ARMS = ("new arrays", "buffers", "captured")


def main() -> None:
    """Print a Markdown table: seconds an epoch, the median of the turns, and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=20_000, help="synthetic, an epoch")
    parser.add_argument("--repeats", type=int, default=7)
    arguments = parser.parse_args()
    data = load_dataset(f"synthetic:{arguments.images}+10")
    print(machine_line(describe_machine()))
    print(f"\n| network | batch | {' | '.join(ARMS)} | buffers / new | captured / buffers |")
    print("| --- " * (len(ARMS) + 4) + "|")
    for hidden, batch_size in NETWORKS.items():
        recipe = Recipe(batch_size=batch_size, momentum=0.0, schedule="constant", warmup=0.0)
        trainers = {arm: _trainer(arm, hidden, recipe, data.train) for arm in ARMS}
        seconds: dict[str, list[float]] = {arm: [] for arm in ARMS}
        for turn in range(arguments.repeats + 2):  # two to warm up
            for arm, trainer in trainers.items():
                start = time.perf_counter()
                trainer.epoch(0)
                if turn >= 2:
                    seconds[arm].append(time.perf_counter() - start)
        results = [trainer.model.parameters for trainer in trainers.values()]
        assert all(np.array_equal(results[0], other) for other in results), "not the same sums"
        medians = [statistics.median(seconds[arm]) for arm in ARMS]
        cells = " | ".join(f"{m:.3f} s" for m in medians)
        print(
            f"| 784-{'-'.join(map(str, hidden))}-10 | {batch_size} | {cells} "
            f"| {medians[1] / medians[0]:.2f} | {medians[2] / medians[1]:.2f} |"
        )


class _NewArrays(Buffers):
    """Buffers that are none: an array anew at each call."""

    def __call__(self, *arguments: object, **options: object) -> object:
        self._arrays.clear()
        return super().__call__(*arguments, **options)  # type: ignore[arg-type]


def _trainer(arm: str, hidden: tuple[int, ...], recipe: Recipe, split: object) -> Trainer:
    model = MLP([784, *hidden, 10], backend=get_backend("cpu", graph=arm == "captured"))
    trainer = Trainer(model, split, recipe)  # type: ignore[arg-type]
    if arm == "new arrays":
        for lane in trainer.updates.lanes:
            for part in (*lane.model.layers, lane.criterion):
                part.buffer.__class__ = _NewArrays
    return trainer


if __name__ == "__main__":
    main()
