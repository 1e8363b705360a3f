"""What fixed shapes gain: ``python -m bench.capture``.

The diary's author found a network of fixed size 15 % faster than one of any size. Here every
network is of any size; what is fixed is a batch's shape. Three ways to train the same network, in
turns: with new arrays at each call, with buffers that are used again, and with steps captured as
flat lists of calls. They do the same sums: their parameters must come out the same, to the byte.
"""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from functools import partial
from unittest.mock import patch

import numpy as np

from backends import get_backend
from bench.harness.machine import Provenance
from bench.harness.workloads import NETWORKS, plain_sgd
from mlp.benchmark.timing import Timing, seconds_per_call, take_turns
from mlp.benchmark.workload import CLASSES, LR, PIXELS, network_name
from mlp.data.dataset import Split
from mlp.data.load import load_dataset
from mlp.nn.buffers import Buffers
from mlp.nn.network import MLP
from mlp.training.trainer import Trainer

ARMS = ("new arrays", "buffers", "captured")
WARM_UP = 2


def main() -> None:
    """Print a Markdown table: seconds an epoch, the median of the turns, and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=20_000, help="synthetic, an epoch")
    parser.add_argument("--repeats", type=int, default=7)
    arguments = parser.parse_args()
    split = load_dataset(f"synthetic:{arguments.images}+10").train
    print(Provenance())
    print(f"\n| network | batch | {' | '.join(ARMS)} | buffers / new | captured / buffers |")
    print("| --- " * (len(ARMS) + 4) + "|")
    for hidden, batch_size in NETWORKS.items():
        trainers = [make_trainer(arm, hidden, batch_size, split) for arm in ARMS]
        turns = [
            partial(seconds_per_call, partial(trainer.epoch, 0), trainer.backend.synchronize)
            for trainer in trainers
        ]
        take_turns(turns, WARM_UP)
        seconds = take_turns(turns, arguments.repeats)
        results = [trainer.model.parameters for trainer in trainers]
        assert all(np.array_equal(results[0], other) for other in results), "not the same sums"
        new, buffers, captured = (Timing("cpu", each).median for each in seconds)
        print(
            f"| {network_name((PIXELS, *hidden, CLASSES))} | {batch_size} "
            f"| {new:.3f} s | {buffers:.3f} s | {captured:.3f} s "
            f"| {buffers / new:.2f} | {captured / buffers:.2f} |"
        )


class NewArrays(Buffers):
    """Buffers that keep nothing: each call gets an array of its own."""

    def __call__(self, *arguments: object, **options: object) -> object:
        self._arrays.clear()
        return super().__call__(*arguments, **options)  # type: ignore[arg-type]


def make_trainer(arm: str, hidden: tuple[int, ...], batch_size: int, split: Split) -> Trainer:
    """Make a trainer in whose layers and losses the arm's buffers are."""
    with ExitStack() as stack:
        if arm == "new arrays":
            for module in ("layers", "losses"):
                stack.enter_context(patch(f"mlp.nn.{module}.Buffers", NewArrays))
        backend = get_backend("cpu", graph=arm == "captured")
        model = MLP([PIXELS, *hidden, CLASSES], backend=backend)
        return Trainer(model, split, plain_sgd(batch_size, LR))


if __name__ == "__main__":
    main()
