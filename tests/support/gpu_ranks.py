"""Ranks with a GPU each, or with one together, made of host memory; and an NCCL between them.

A rank is a thread, with a stand-in for CUDA of its own, and what NCCL sends goes by the ranks' own
`all_gather`. A stream here does at once what it is given, so that NCCL waits where it is called.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
import pytest
from cublas_stand_in import Cublas
from cupy_stand_in import StandIn
from thread_ranks import run_ranks

from backends import Backend
from mlp.training.ranks.devices import open_device_of
from mlp.training.ranks.ranks import Ranks

Result = TypeVar("Result")


class NcclError(RuntimeError):
    """Stands in for `cupy.cuda.nccl.NcclError`."""


class StandInNccl:
    """Stands in for the module ``cupy.cuda.nccl``: as one rank has it.

    Args:
        cupy: the rank's.
        ranks: by which it reaches the others.

    Attributes:
        available: whether CuPy finds the library.
        failing: what it fails at from now on; None for nothing.
    """

    NCCL_FLOAT32, NCCL_FLOAT64 = 7, 8
    NcclError = NcclError

    def __init__(self, cupy: StandIn, ranks: Ranks) -> None:
        self.cupy, self.ranks, self.available = cupy, ranks, True
        self.failing: str | None = None
        self._group: list[tuple[str, int, np.ndarray]] | None = None

    def get_unique_id(self) -> bytes:
        return b"x" * 128

    def NcclCommunicator(self, size: int, invitation: bytes, rank: int) -> Communicator:  # noqa: N802
        assert (len(invitation), size, rank) == (128, self.ranks.size, self.ranks.rank)
        self.check("initialisation")
        # As NCCL does: two of a communicator on one device are an error.
        places = self.ranks.all_gather(self.cupy.current_device)
        if len({*places}) < size:
            raise NcclError("NCCL_ERROR_INVALID_USAGE: invalid usage")
        return Communicator(self)

    def groupStart(self) -> None:  # noqa: N802
        assert self._group is None
        self._group = []

    def groupEnd(self) -> None:  # noqa: N802
        group, self._group = self._group, None
        assert group is not None
        self.launch("sends and receives")
        sent = [(peer, a.copy()) for kind, peer, a in group if kind == "send"]
        mail = self.ranks.all_gather(sent)
        boxes = [[a for peer, a in of_one if peer == self.ranks.rank] for of_one in mail]
        for kind, peer, a in group:
            if kind == "receive":
                np.copyto(a, boxes[peer].pop(0))
        assert not any(boxes), "sent to a rank that does not receive it"

    def asked(self, kind: str, peer: int, array: np.ndarray) -> None:
        assert self._group is not None, f"to {kind} outside of a group may wait for ever"
        self._group.append((kind, peer, array))

    def launch(self, name: str) -> None:
        """Note a kernel of NCCL's, which no graph of ours holds."""
        assert self.cupy._capturing is None, "NCCL within a capture"
        self.check(name)
        self.cupy.events.append(("launch", f"NCCL {name}"))

    def check(self, what: str) -> None:
        if self.failing == what:
            raise NcclError("NCCL_ERROR_UNHANDLED_CUDA_ERROR: unhandled cuda error")


class Communicator:
    """Stands in for `cupy.cuda.nccl.NcclCommunicator`."""

    aborted = False

    def __init__(self, nccl: StandInNccl) -> None:
        self._nccl = nccl

    def send(self, sendbuf: int, count: int, datatype: int, peer: int, stream: int) -> None:
        self._nccl.asked("send", peer, self._array(sendbuf, count, datatype, stream))

    def recv(self, recvbuf: int, count: int, datatype: int, peer: int, stream: int) -> None:
        self._nccl.asked("receive", peer, self._array(recvbuf, count, datatype, stream))

    def allGather(  # noqa: N802
        self, sendbuf: int, recvbuf: int, count: int, datatype: int, stream: int
    ) -> None:
        self._nccl.launch("all-gather")
        parts = self._nccl.ranks.all_gather(self._array(sendbuf, count, datatype, stream).copy())
        whole = self._array(recvbuf, count * len(parts), datatype, stream)
        np.copyto(whole, np.concatenate(parts))

    def check_async_error(self) -> None:
        self._nccl.check("a link")

    def abort(self) -> None:
        self.aborted = True

    def _array(self, address: int, count: int, datatype: int, stream: int) -> np.ndarray:
        cupy = self._nccl.cupy
        current = cupy.current_stream[cupy.current_device]
        assert current is not None
        assert current.ptr == stream, "NCCL works on a stream that is not current"
        owner = cupy.array_at(address)
        numbers = {7: np.float32, 8: np.float64}[datatype]
        memory = np.asarray(owner).reshape(-1).view(np.uint8)[address - owner.ctypes.data :]
        return memory[: count * np.dtype(numbers).itemsize].view(numbers)


def stand_in(patch: pytest.MonkeyPatch, of_this_rank: Callable[[], Any]) -> None:
    """Put a rank's stand-ins where the CUDA backend looks.

    Args:
        patch: undoes it.
        of_this_rank: returns what has them, as ``cupy`` and ``nccl``.
    """
    for module in ("device", "checks", "nccl"):
        patch.setattr(f"backends.cuda.{module}.import_cupy", lambda: of_this_rank().cupy)
    patch.setattr("backends.cuda.device.load_cublas", lambda major: Cublas(of_this_rank().cupy))

    def import_nccl() -> tuple[Any, str]:
        nccl = of_this_rank().nccl
        return (nccl, "") if nccl.available else (None, " (libnccl.so.2 is missing)")

    patch.setattr("backends.cuda.nccl.import_nccl", import_nccl)


def run_on_gpus(
    patch: pytest.MonkeyPatch,
    size: int,
    work: Callable[[Ranks, Backend, StandIn], Result],
    *,
    gpus: int | None = None,
    prepare: Callable[[Ranks, StandIn, StandInNccl], None] = lambda ranks, cupy, nccl: None,
    asked: str = "cuda",
) -> list[Result]:
    """Let so many ranks do something at once, each on the device that it is given.

    Args:
        patch: undoes what is put in CuPy's place.
        size: how many ranks.
        work: what each does, with its device and what stands in for CuPy.
        gpus: how many GPUs their host has; one for each unless given.
        prepare: is called before a rank opens its device.
        asked: the device that all ask for.
    """
    here = threading.local()
    stand_in(patch, lambda: here)

    def of_one(ranks: Ranks) -> Result:
        here.cupy = StandIn(devices=size if gpus is None else gpus)
        here.nccl = StandInNccl(here.cupy, ranks)
        prepare(ranks, here.cupy, here.nccl)
        from backends import get_backend

        return work(ranks, open_device_of(ranks, asked, get_backend), here.cupy)

    return run_ranks(size, of_one)


def kinds(events: Sequence[tuple[str, str]], *wanted: str) -> list[tuple[str, str]]:
    """Pick events of some kinds."""
    return [event for event in events if event[0] in wanted]
