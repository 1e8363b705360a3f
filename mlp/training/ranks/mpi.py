"""Ranks that MPI connects, through mpi4py.

Every wait is watched: it polls, so that a rank that does not come can be named, and the run ended.
The sum of all ranks' gradients is computed as each would by itself, in the order of a `Tree`, which
an MPI's own sums are not. Each rank adds up a share of the numbers and hands it to all, so that
what is sent is about twice the gradient, whatever the number of ranks, as in a ring.
"""

from __future__ import annotations

import math
import os
import pickle
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from mlp.common.errors import MLPError, UsageError
from mlp.common.printable import printable
from mlp.common.threads import let_others_run
from mlp.training.ranks.ranks import Ranks, Value, add_up
from mlp.training.ranks.shared import Offer, Segment, map_segment, offer, take
from mlp.training.ranks.tree import Tree

PATIENCE = 600.0
"""Seconds after which a rank that does not come is given up."""

PATIENCE_VARIABLE = "MLP_RANK_PATIENCE"
"""The environment variable that sets another number of seconds."""

AWAKE = 0.02
"""Seconds of a wait without sleep, in which others get the core between two looks."""

NAP = 1e-4
"""Seconds of sleep between two looks from then on."""

MOST_NAP = 0.01
"""The same where a rank of this machine reads the data, which takes long."""

ANSWER = 2.0
"""Seconds in which ranks that wait, too, tell so once the patience of one has ended."""

GRACE = 60.0
"""Seconds that the first of these has to save and to end all before another one does."""

ALARM = 17
"""The tag of these messages."""


class LostRankError(MLPError):
    """A rank did not come where all others wait."""


class MPIRanks(Ranks):
    """The ranks of an MPI communicator.

    Args:
        communicator: of mpi4py.
        patience: seconds after which a rank that does not come is given up; the others then raise
            a `LostRankError`.
    """

    launched = True

    def __init__(self, communicator: Any, patience: float = PATIENCE) -> None:
        from mpi4py import MPI

        self._mpi, self._world, self._patience = MPI, communicator, patience
        self._alarms = communicator.Dup()
        self._machine = communicator.Split_type(MPI.COMM_TYPE_SHARED)
        self.rank, self.size = communicator.Get_rank(), communicator.Get_size()
        self._turn = 0
        self._buffers: dict[tuple[int, int, str], NDArray[Any]] = {}
        self.hosts: list[str] = communicator.allgather(socket.gethostname())

    def all_gather(self, value: Value) -> list[Value]:
        self._meet()
        found: list[Value] = self._world.allgather(value)
        return found

    def broadcast(self, value: Value) -> Value:
        self._meet()
        found: Value = self._world.bcast(value, root=0)
        return found

    def all_reduce(self, blocks: NDArray[Any], tree: Tree, out: NDArray[Any]) -> None:
        size, n = self.size, blocks.shape[1]
        share, counts = n // size, [len(own) for own in tree.blocks]
        # One block's shares lie as they are sent; of several, those for one rank come together.
        parts = blocks.reshape(len(blocks), size, share).swapaxes(0, 1)
        sent = np.ascontiguousarray(parts)  # (size, own, share)
        every = self._buffer(sum(counts), share, blocks.dtype)
        received = [every, [count * share for count in counts]]
        self.wait(self._world.Ialltoallv([sent, [sent[0].size] * size], received).Test)
        add_up(every, tree)
        self.wait(self._world.Iallgather(every[0], out).Test)

    def wait(self, is_done: Callable[[], bool]) -> None:
        self._turn += 1
        start = time.monotonic()
        while not is_done():
            waited = time.monotonic() - start
            if waited < AWAKE:
                let_others_run()
            elif waited < self._patience:
                time.sleep(NAP)
            else:
                self._give_up(is_done)
                start = time.monotonic()  # it came after all

    def share(self, make: Callable[[], Value], of: Any = None) -> Value:
        if self._machine.Get_size() == 1:
            return make()
        value: Value | None = None
        segment: Segment | None = None
        told: tuple[Offer, Any] | None = None
        try:
            if self._machine.Get_rank() == 0:
                value = make()
                with suppress(OSError, pickle.PicklingError):
                    offered, segment = offer(value)
                    told = offered, of
        finally:  # or the others would wait
            told = self._of_machine(told, math.inf)
        if told is None:
            return make() if value is None else value
        taken: list[Value] = []
        if told[1] == of:
            with suppress(OSError):
                taken.append(take(told[0]))
        self._let_in(segment)
        return taken[0] if taken else make()

    def zeros(self, count: int, dtype: np.dtype[Any]) -> NDArray[Any]:
        size = max(1, count * dtype.itemsize)
        segment = memory = None
        if self._machine.Get_rank() == 0 and self._machine.Get_size() > 1:
            with suppress(OSError):
                segment = Segment(size)
                memory = segment.memory
        file = self._of_machine(segment.file if segment is not None else None, self._patience)
        if memory is None and file is not None:
            with suppress(OSError):
                memory = map_segment(file)
        self._let_in(segment)
        if memory is None or len(memory) != size:
            return np.zeros(count, dtype)
        return np.frombuffer(memory, dtype, count)

    def abort(self, sentence: str, exit_code: int) -> NoReturn:
        where = f"rank {self.rank} on {self.hosts[self.rank]}"
        sys.stderr.write(f"mlp: {where}: {printable(sentence)}\n")
        sys.stderr.flush()
        self._mpi.COMM_WORLD.Abort(exit_code)
        os._exit(exit_code)  # some MPIs return

    def _buffer(self, rows: int, columns: int, dtype: np.dtype[Any]) -> NDArray[Any]:
        """Return an array that is made once for each shape: one of many pages costs time."""
        key = rows, columns, dtype.char
        if key not in self._buffers:
            self._buffers[key] = np.empty((rows, columns), dtype)
        return self._buffers[key]

    def _of_machine(self, value: Value, seconds: float) -> Value:
        """Return what the first rank of this machine has, for which others wait so many seconds."""
        self._nap(seconds if self._machine.Get_rank() else self._patience)
        found: Value = self._machine.bcast(value, root=0)
        return found

    def _let_in(self, segment: Segment | None) -> None:
        """Close a segment once all ranks of this machine have opened it."""
        self._nap(self._patience)
        if segment is not None:
            segment.close()

    def _nap(self, seconds: float) -> None:
        """Wait until all ranks of this machine have come.

        Raises:
            LostRankError: if one does not within so many seconds.
        """
        request, start = self._machine.Ibarrier(), time.monotonic()
        while not request.Test():
            waited = time.monotonic() - start
            if waited > seconds:
                if self._machine.Get_rank():
                    time.sleep(GRACE)  # in which the first of the machine ends all
                who = f"a rank of {self.hosts[self.rank]}"
                raise LostRankError(_sentence(who, self._patience))
            time.sleep(min(MOST_NAP, NAP + waited / 100))

    def _meet(self) -> None:
        """Wait until all have come."""
        self.wait(self._world.Ibarrier().Test)

    def _give_up(self, is_done: Callable[[], bool]) -> None:
        """Ask the others whether they wait as well.

        Raises:
            LostRankError: if one does not; by the first rank that waits, which saves what there is
                and ends all.
        """
        others = [rank for rank in range(self.size) if rank != self.rank]
        told = [self._alarms.isend(self._turn, rank, ALARM) for rank in others]
        here, end = {self.rank}, time.monotonic() + ANSWER
        while time.monotonic() < end:
            if is_done():
                return
            status = self._mpi.Status()
            if self._alarms.iprobe(tag=ALARM, status=status):
                if self._alarms.recv(source=status.Get_source(), tag=ALARM) == self._turn:
                    here.add(status.Get_source())
            else:
                time.sleep(0.01)
        del told
        missing = [rank for rank in others if rank not in here]
        if self.rank != min(here):
            time.sleep(GRACE)
        who = " and ".join(f"rank {rank} on {self.hosts[rank]}" for rank in missing)
        raise LostRankError(_sentence(who or "no rank", self._patience))


def patience() -> float:
    """Return how many seconds to wait for a rank.

    Raises:
        UsageError: if the environment has another thing than a number above 0.
    """
    told = os.environ.get(PATIENCE_VARIABLE, str(PATIENCE))
    try:
        seconds = float(told)
    except ValueError:
        seconds = 0.0
    if not seconds > 0:
        raise UsageError(f"{PATIENCE_VARIABLE} takes seconds above 0, not {told!r}")
    return seconds


def _sentence(who: str, seconds: float) -> str:
    return (
        f"{who} did not come within {seconds:g} s: see whether it still runs, or let the others "
        f"wait longer ({PATIENCE_VARIABLE}=SECONDS)"
    )
