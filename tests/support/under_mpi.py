"""What a test starts by mpiexec: all meet and train, and the first prints what was found."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np
from mpi4py import MPI
from toys import DATA, FAST, toy_model

from mlp.common.errors import DataError
from mlp.training.loop import train
from mlp.training.ranks.mpi import MPIRanks
from mlp.training.ranks.ranks import add_up
from mlp.training.ranks.tree import Tree
from mlp.training.recipe import Recipe

WORLD = MPI.COMM_WORLD


def sums(ranks: MPIRanks, dtype: str) -> bool:
    """Whether all ranks get the sum of a tree."""
    tree, n = Tree(8, ranks.size), 48 * ranks.size
    every = np.random.default_rng(0).normal(size=(sum(map(len, tree.blocks)), n)).astype(dtype)
    first = sum(map(len, tree.blocks[: ranks.rank]))
    own, out = every[first : first + len(tree.blocks[ranks.rank])].copy(), np.zeros(n, dtype)
    ranks.all_reduce(own, tree, out)
    add_up(every, tree)
    return out.tobytes() == every[0].tobytes()


def shares(ranks: MPIRanks) -> bool:
    """Whether the ranks of this machine share what the first made, and what differs stays apart."""
    first = ranks.rank == 0
    made: list[str] = []

    def make() -> Any:
        made.append("data")
        return DATA, ranks.rank

    data, by = ranks.share(make)
    own, by_itself = ranks.share(make, of=ranks.rank)
    zeros = ranks.zeros(5, np.dtype(np.int64))
    if zeros.flags.writeable:
        zeros[:] = range(5)
    ranks.all_gather(None)
    return (
        (by, by_itself, made) == (0, ranks.rank, ["data"] * (2 if first else 1))
        and data.train.checksum == own.train.checksum == DATA.train.checksum
        and (ranks.size == 1 or not data.train.images.flags.writeable)
        and zeros.tolist() == [0, 1, 2, 3, 4]
        and zeros.flags.writeable == first
    )


def fails(ranks: MPIRanks) -> bool:
    """Whether an error of the first, or what cannot be handed over, leaves nobody waiting."""

    def make() -> Any:
        if ranks.rank == 0:
            raise DataError("it cannot be read")
        return "by itself"

    try:
        found = ranks.share(make)
    except DataError:
        found = "by itself"
    unnamed = ranks.share(lambda: [lambda: ranks.rank])  # which cannot be pickled
    return bool(found == "by itself" and unnamed[0]() == ranks.rank)


def trained(ranks: MPIRanks, options: dict[str, Any], dtype: str) -> Any:
    model = toy_model(dtype=dtype)
    history = train(model, DATA, Recipe(**FAST | options), ranks=ranks)
    figures = [(epoch.loss, epoch.train_accuracy, epoch.test_accuracy) for epoch in history.epochs]
    return hashlib.sha256(model.parameters.tobytes()).hexdigest(), figures


def meet() -> Any:
    """Let groups of 1, 2, 4 … ranks do the same, one group after another."""
    found, sizes = [], (1 << power for power in range(WORLD.size.bit_length()))
    for size in sizes:
        group = WORLD.Split(int(WORLD.rank < size))
        if WORLD.rank < size:
            ranks = MPIRanks(group)
            runs = [
                trained(ranks, {"batch_size": "full"}, "float32"),
                trained(ranks, {"batch_size": 19, "dropout": 0.2}, "float64"),
            ]
            met = [
                ranks.size == size,
                ranks.all_gather(ranks.rank) == list(range(size)),
                ranks.broadcast(ranks.rank) == 0,
                sums(ranks, "float32") and sums(ranks, "float64"),
                shares(ranks),
                fails(ranks),
            ]
            found.append(ranks.all_gather((met, runs)))
    return found


if __name__ == "__main__":
    met = meet()
    if WORLD.rank == 0:
        print(json.dumps(met))
