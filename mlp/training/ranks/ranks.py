"""The processes of a training, as each sees them: who it is, and how all meet.

This one is alone. `mlp.training.ranks.mpi.MPIRanks` are those that MPI connects. The mathematics
knows neither.
"""

from __future__ import annotations

import hashlib
import json
import socket
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from backends import BackendError
from mlp.common.errors import MLPError
from mlp.common.threads import let_others_run
from mlp.training.ranks.tree import Tree

Value = TypeVar("Value")

LONGEST = 60
"""Characters of a value that a message quotes."""


class AgreedError(MLPError):
    """An error that every rank raises alike, so that the first alone has to tell it.

    Args:
        sentence: what happened and what to do.
        exit_code: the one of the error that a rank met.
    """

    def __init__(self, sentence: str, exit_code: int) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code


class Ranks:
    """One process alone, and the base of those that are several.

    Attributes:
        rank: which process this is, from 0; the first tells and writes.
        size: how many there are.
        launched: whether a launcher started them, were it one: then an update is cut into pieces
            whose number follows from the batch, so that any number of ranks computes the same.
    """

    rank, size, launched = 0, 1, False

    def all_gather(self, value: Value) -> list[Value]:
        """Return what each rank gave; any value that can be pickled."""
        return [value]

    def broadcast(self, value: Value) -> Value:
        """Return what the first rank gave, any value that can be pickled."""
        return value

    def all_reduce(self, blocks: NDArray[Any], tree: Tree, out: NDArray[Any]) -> None:
        """Add up arrays of all ranks in the order of a tree, and give each rank the total.

        Args:
            blocks: the sums of this rank's own blocks, shape (own, n), n a multiple of ``size``;
                overwritten.
            tree: of as many ranks as there are here.
            out: where the total goes, shape (n,).
        """
        add_up(blocks, tree)
        np.copyto(out, blocks[0])

    def share(self, make: Callable[[], Value], of: Any = None) -> Value:
        """Return what the first rank of this machine makes, in memory that all of these share.

        Arrays are read-only then, if there are several. A rank makes it by itself where the system
        cannot share, as it does by a process alone.

        Args:
            make: makes a value that can be pickled, as all ranks of the machine would; it must not
                wait for others.
            of: what the value depends on; a rank that says otherwise than the first makes its own.
        """
        return make()

    def zeros(self, count: int, dtype: np.dtype[Any]) -> NDArray[Any]:
        """Make zeros that all ranks of this machine see, shape (count,); all ranks call this.

        Who can write, as ``flags.writeable`` tells, is the first of the machine; or each, in an
        array of its own, where the system cannot share.
        """
        return np.zeros(count, dtype)

    def wait(self, is_done: Callable[[], bool]) -> None:
        """Wait for what all ranks take part in, such as what their devices send each other.

        Args:
            is_done: tells whether it is done, at once.
        """
        while not is_done():
            let_others_run()

    def abort(self, sentence: str, exit_code: int) -> NoReturn:
        """End all ranks at once, for something that happened to this one."""
        raise NotImplementedError

    def on_first(self, work: Callable[[], Value]) -> Value:
        """Let the first rank do something, and return what it got, on all; it can be pickled.

        Raises:
            AgreedError: if the first rank met an error that a user can mend.
        """
        if not self.launched:
            return work()
        result, error = _tried(work) if self.rank == 0 else (None, None)
        result, error = self.broadcast((result, error))
        _raise_agreed([error])
        return cast(Value, result)

    def on_all(self, work: Callable[[], Value]) -> Value:
        """Let each rank do something, and return what this one got.

        Raises:
            AgreedError: if any rank met an error that a user can mend: the same one on all.
        """
        if not self.launched:
            return work()
        result, error = _tried(work)
        _raise_agreed(self.all_gather(error))
        return cast(Value, result)

    def check_alike(
        self, what: Callable[[], dict[str, Any]], told: str, exit_code: int = 2
    ) -> None:
        """Refuse to go on where ranks differ.

        Args:
            what: returns what must be alike, by name, of values that JSON can hold.
            told: what is to be done about it, as the end of a sentence.
            exit_code: of a command that ends for it.

        Raises:
            AgreedError: naming the first rank that differs from the first of all, and in what.
        """
        if self.size == 1:
            return
        own = json.loads(json.dumps(what()))
        found = self.all_gather((own, socket.gethostname()))
        first = found[0][0]
        for rank, (other, host) in enumerate(found):
            for name in (name for name in first if other.get(name) != first[name]):
                raise AgreedError(
                    f"rank {rank} on {host} differs from rank 0: its {name} is "
                    f"{_shown(other.get(name))}, not {_shown(first[name])}; {told}",
                    exit_code,
                )


ALONE = Ranks()
"""One process that no launcher started with others."""


def add_up(blocks: NDArray[Any], tree: Tree) -> None:
    """Add up the blocks of all ranks, rows of an array, in the first row."""
    for left, right in tree.joins:
        np.add(blocks[left], blocks[right], out=blocks[left])


def digest_of(array: NDArray[Any]) -> str:
    """Return a checksum of an array's bytes."""
    return hashlib.blake2b(np.ascontiguousarray(array).data, digest_size=16).hexdigest()


def _tried(work: Callable[[], Value]) -> tuple[Value | None, tuple[str, int] | None]:
    """Return what work returns; or the sentence and exit code of an error that a user can mend."""
    try:
        return work(), None
    except (MLPError, BackendError) as error:
        return None, (str(error), getattr(error, "exit_code", 1))


def _raise_agreed(errors: Sequence[tuple[str, int] | None]) -> None:
    """Raise what the first rank that met an error did; the first of all needs no name."""
    for rank, error in enumerate(errors):
        if error is not None:
            where = f"rank {rank}: " if rank else ""
            raise AgreedError(f"{where}{error[0]}", error[1])


def _shown(value: Any) -> str:
    shown = json.dumps(value)
    return shown if len(shown) < LONGEST else f"{shown[:LONGEST]}…"
