"""Which device each rank computes on: of the GPUs of its host, one that none before it has."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from backends import Backend, BackendError
from backends.cuda.nccl import visible_gpus
from backends.peers import peers_of
from mlp.common.threads import blas_library
from mlp.training.ranks.ranks import Ranks


class Host(NamedTuple):
    """What a rank tells of where it is."""

    name: str
    gpus: tuple[str, ...]
    """Where each GPU is that it sees, in their order."""


def share_gpus(hosts: Sequence[Host]) -> list[int | None]:
    """Choose the GPU of each rank, by its number among those that the rank sees.

    Each takes, in order, the one that the fewest have: on a host of as many GPUs as ranks, the
    first rank there the first, the second the second. A launcher may also have let each see its own
    alone.

    Args:
        hosts: of each rank.

    Returns:
        The numbers; None for a rank that sees no GPU.
    """
    takers = Counter[tuple[str, str]]()
    numbers: list[int | None] = []
    for name, gpus in hosts:
        counts = [takers[name, gpu] for gpu in gpus]
        numbers.append(counts.index(min(counts)) if counts else None)
        if counts:
            takers[name, gpus[counts.index(min(counts))]] += 1
    return numbers


def open_device_of(ranks: Ranks, asked: str, open_device: Callable[[str], Backend]) -> Backend:
    """Open the device of this rank; all ranks call this at once.

    Args:
        ranks: those that train together.
        asked: as `backends.get_backend` takes it. Of ranks, ``cuda`` is a GPU for each, or one of
            several ranks where there are fewer; ``auto`` is that where each can have its own, and
            else the processor.
        open_device: opens a device by its name.

    Raises:
        AgreedError: if a rank cannot have what is asked for, naming the first of them.
    """
    ranks.check_alike(lambda: {"--device": asked}, "start all by one command")
    if not ranks.launched or asked not in ("auto", "cuda"):
        return ranks.on_all(partial(open_device, asked))
    hosts = ranks.all_gather(Host(socket.gethostname(), visible_gpus()))
    numbers = share_gpus(hosts)
    own = f"cuda:{numbers[ranks.rank] or 0}"
    if asked == "cuda":
        return ranks.on_all(partial(open_device, own))
    taken = [
        (host.name, host.gpus[number])
        for host, number in zip(hosts, numbers, strict=True)
        if number is not None
    ]
    backend = None
    if len({*taken}) == ranks.size:
        with suppress(BackendError):
            backend = open_device(own)
    if all(ranks.all_gather(backend is not None)) and backend is not None:
        return backend
    return ranks.on_all(partial(open_device, "cpu"))


def kernels_of(backend: Backend) -> str:
    """Name what computes products: a library and its kernels for a processor, or a GPU's model."""
    if backend.memory().is_discrete:
        return peers_of(backend).kernels
    return blas_library().rpartition(", ")[0]
