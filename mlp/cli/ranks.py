"""A command that several ranks run together: the first tells, and what happens to one ends all."""

from __future__ import annotations

import os
import shutil
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

import typer

from backends import BackendError
from mlp.cli import console
from mlp.common.errors import DivergedError, MLPError, UsageError
from mlp.common.version import install_command
from mlp.training.callbacks import Callback
from mlp.training.ranks.launcher import (
    ALONE_VARIABLE,
    EXTRA,
    RANKS_VARIABLE,
    WITH_MPI,
    launch_of,
)
from mlp.training.ranks.ranks import AgreedError, Ranks
from mlp.training.run import Run

ALIKE = (AgreedError, DivergedError)
"""Errors that all ranks raise alike: a training diverges for all, as their weights are compared."""


class Together:
    """What ranks tell when they end.

    Attributes:
        folder: of the run, which can be gone on with; None where there is none.
    """

    folder: Path | None = None

    def sentence(self, error: BaseException) -> str:
        """Say what happened, and how to go on."""
        if isinstance(error, MemoryError):
            reason = console.out_of_memory(error)
        elif isinstance(error, MLPError | BackendError):
            reason = str(error)
        else:
            reason = f"{type(error).__name__} ({error})"
        if self.folder is None:
            return reason
        return f"{reason}; the same command with --resume {self.folder} goes on from its checkpoint"


def start_ranks(count: int) -> NoReturn:
    """Let mpiexec take this process's place and start this command so many times.

    Raises:
        UsageError: if there is no mpiexec or no mpi4py, or a launcher has started this process.
    """
    if launch_of(os.environ) is not None:
        raise UsageError("a launcher has started the ranks already: leave --ranks away")
    beside = Path(sys.executable).with_name("mpiexec")  # as a wheel brings it
    launcher = str(beside) if beside.exists() else shutil.which("mpiexec")
    if launcher is None or find_spec("mpi4py") is None:
        raise UsageError(
            f"--ranks needs mpi4py and an mpiexec: {install_command(EXTRA)}, and an MPI such as "
            "pip install mpich"
        )
    sys.stdout.flush()
    # Of this installation (-P), whatever lies in the present folder.
    command = [sys.executable, "-P", "-m", "mlp", *_without_ranks(sys.argv[1:])]
    told = {ALONE_VARIABLE, "PMIX_RANK", *(name for names in WITH_MPI for name in names)}
    kept = {name: value for name, value in os.environ.items() if name not in told}  # now untrue
    environment = {**kept, RANKS_VARIABLE: str(count)}
    os.execve(launcher, [launcher, "-n", str(count), *command], environment)


def _without_ranks(arguments: Sequence[str]) -> Iterator[str]:
    """Yield the arguments but for --ranks and its number."""
    remaining = iter(arguments)
    for argument in remaining:
        if argument == "--ranks":
            next(remaining)
        elif not argument.startswith("--ranks="):
            yield argument


def check_ranked(ranks: Ranks, *, snapshots: int | None, seeds: int | None) -> None:
    """Refuse what ranks of ``mlp train`` cannot follow.

    Args:
        ranks: those that train together.
        snapshots: how many are asked for, but for those that a run that is resumed began with.
        seeds: how many networks are.

    Raises:
        UsageError: naming the first of them.
    """
    if snapshots is not None and ranks.launched:
        raise UsageError(
            "ranks keep no snapshots of their network: leave --snapshots away, and snapshots in "
            "the file of --config"
        )
    if seeds is not None and ranks.launched:
        raise UsageError("networks of several seeds learn in one process: start no ranks")


@contextmanager
def together(ranks: Ranks) -> Iterator[Together]:
    """Run a command on all ranks: only the first tells.

    Where something happens to one rank alone, it says so in one line and ends the others, which
    would wait for it.
    """
    found = Together()
    if not ranks.launched:
        yield found
        return
    before = console.stderr.quiet
    console.stderr.quiet = before or ranks.rank > 0
    try:
        yield found
    except ALIKE as error:
        if ranks.rank:
            raise typer.Exit(error.exit_code) from None
        raise
    except Exception as error:
        if ranks.size == 1 or isinstance(error, typer.Exit):
            raise
        if not isinstance(error, MLPError | BackendError | MemoryError | OSError):
            traceback.print_exc()
        ranks.abort(found.sentence(error), getattr(error, "exit_code", 1))
    finally:
        console.stderr.quiet = before


class TellExchange(Callback):
    """Tells once by what way the ranks add up their gradients, where there are several."""

    _told = False

    def on_epoch_begin(self, run: Run) -> None:
        """Tell it before the first epoch."""
        if not self._told and (told := run.trainer.executor.connect()):
            console.note(told)
        self._told = True
