"""Which device each rank computes on: of the GPUs of its host, one that none before it has."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

from backends import Backend, BackendError
from backends.cuda.nccl import visible_gpus
from backends.peers import peers_of
from mlp.common.threads import blas_library
from mlp.training.ranks.ranks import Ranks

BOOT = Path("/proc/sys/kernel/random/boot_id")
"""Where Linux has a number that is drawn whenever a machine starts."""


class Host(NamedTuple):
    """What tells the machine of a rank from those of others."""

    name: str
    boot: str
    """Of two that have one name, such as localhost, these differ; empty where none is told."""

    @classmethod
    def own(cls) -> Host:
        """Describe the machine of this process."""
        try:
            boot = BOOT.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            boot = ""
        return cls(socket.gethostname(), boot)


class Seen(NamedTuple):
    """The GPUs that a rank sees."""

    host: Host
    gpus: tuple[str, ...]
    """As `visible_gpus` lists them."""


def share_gpus(seen: Sequence[Seen]) -> list[int | None]:
    """Choose the GPU of each rank, by its number among those that the rank sees.

    Each takes, in order, the one that the fewest have: on a host of as many GPUs as ranks, the
    first rank there the first, the second the second. A launcher may also have let each see its own
    alone.

    Args:
        seen: of each rank.

    Returns:
        The numbers; None for a rank that sees no GPU.
    """
    takers = Counter[tuple[Host, str]]()
    numbers: list[int | None] = []
    for host, gpus in seen:
        counts = [takers[host, gpu] for gpu in gpus]
        numbers.append(counts.index(min(counts)) if counts else None)
        if counts:
            takers[host, gpus[counts.index(min(counts))]] += 1
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
    seen = ranks.all_gather(Seen(Host.own(), visible_gpus()))
    numbers = share_gpus(seen)
    own = f"cuda:{numbers[ranks.rank] or 0}"
    if asked == "cuda":
        return ranks.on_all(partial(open_device, own))
    taken = [
        (host, gpus[number])
        for (host, gpus), number in zip(seen, numbers, strict=True)
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
