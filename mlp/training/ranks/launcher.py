"""Finding the ranks that a launcher started: mpiexec, mpirun or srun."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

from mlp.common.errors import UsageError
from mlp.common.version import install_command
from mlp.training.ranks.ranks import ALONE, Ranks

EXTRA = "mpi"
"""The extra that brings mpi4py."""

WITH_MPI = (
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),  # Open MPI
    ("PMI_RANK", "PMI_SIZE"),  # MPICH, Intel MPI, Cray MPICH; srun --mpi=pmi2
)
"""The variables by which a launcher tells a process of MPI its rank, and how many there are."""

OPEN_MPI = "Open MPI"
"""What mpi4py calls it."""

RANKS_VARIABLE = "MLP_RANKS"
"""Set for what ``--ranks`` starts, where one alone is a rank as well."""

ALONE_VARIABLE = "MLP_ALONE"
"""The environment variable by which each process that was started is to train by itself."""

WITHOUT = (
    ("torchrun", "TORCHELASTIC_RUN_ID", "WORLD_SIZE"),
    ("srun", "SLURM_STEP_ID", "SLURM_STEP_NUM_TASKS"),
)
"""Launchers that may start several processes that MPI does not connect: a variable that each sets,
and that of how many there are."""


class Launch(NamedTuple):
    """What a launcher told this process."""

    rank: int
    """Which it is."""
    size: int
    """How many there are; 0 where MPI alone knows."""


def launch_of(environment: Mapping[str, str]) -> Launch | None:
    """Return what an MPI's launcher told; None where this process is to train by itself.

    One that was started alone is, as a scheduler's shell or job starts it, unless by ``--ranks 1``.

    Raises:
        UsageError: if another launcher started several, which cannot meet.
    """
    if environment.get(ALONE_VARIABLE, "0") not in ("", "0"):
        return None
    found = []
    for names in WITH_MPI:
        told = [environment.get(name, "") for name in names]
        if all(number.isdecimal() for number in told):
            found.append(Launch(*map(int, told)))
    rank, size = environment.get("PMIX_RANK", ""), environment.get("SLURM_STEP_NUM_TASKS", "")
    if rank.isdecimal() and not found:  # srun --mpi=pmix; others tell the number to MPI alone
        found.append(Launch(int(rank), int(size) if size.isdecimal() else 0))
    found.sort(key=lambda launch: launch.size == 1)  # one launcher may have started another
    if found and found[0].size == 1 and RANKS_VARIABLE not in environment:
        return None
    if found:
        return found[0]
    for name, sign, size in WITHOUT:
        if sign in environment and environment.get(size, "1") != "1":
            raise UsageError(
                f"{name} started {environment[size]} processes that MPI does not connect: start "
                f"them by mpiexec -n {environment[size]} mlp train …, or by srun --mpi=pmix with "
                f"Open MPI, --mpi=pmi2 with MPICH; or set {ALONE_VARIABLE}=1 where each is to "
                "train a network by itself"
            )
    return None


def join() -> Ranks:
    """Meet the other ranks, where a launcher started several; else be alone.

    Raises:
        UsageError: if mpi4py is missing, or its MPI is not that of the launcher.
    """
    launch = launch_of(os.environ)
    if launch is None:
        return ALONE
    from mlp.training.ranks.mpi import MPIRanks, patience

    seconds = patience()
    MPI = _begun()
    size = MPI.COMM_WORLD.Get_size()
    if launch.size and size != launch.size:
        raise UsageError(
            f"the launcher started {launch.size} processes, but mpi4py sees {size}, as it has "
            f"{_use_one(MPI)}"
        )
    return MPIRanks(MPI.COMM_WORLD, seconds)


def _begun() -> Any:
    """Return mpi4py's MPI, initialised.

    Raises:
        UsageError: if there is none, or it is not Open MPI where that has started this process,
            which another's library would end without a word that can be understood.
    """
    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):  # of what is told here
        try:
            import mpi4py

            mpi4py.rc.initialize, mpi4py.rc.finalize = False, True
            from mpi4py import MPI
        except (ImportError, RuntimeError) as error:  # RuntimeError: it finds no MPI to load
            raise UsageError(
                f"ranks meet by mpi4py and an MPI, which cannot be loaded ({error}): "
                f"{install_command(EXTRA)}, and an MPI such as pip install mpich"
            ) from None
        (by_open_mpi, _), (by_another, _) = WITH_MPI
        is_open_mpi = by_open_mpi in os.environ and by_another not in os.environ
        if is_open_mpi and MPI.get_vendor()[0] != OPEN_MPI:
            raise UsageError(f"the launcher is of {OPEN_MPI}, but mpi4py has {_use_one(MPI)}")
        if not MPI.Is_initialized():
            MPI.Init_thread()
    return MPI


def _use_one(MPI: Any) -> str:
    version = MPI.Get_library_version().splitlines()[0]
    name = version.partition(",")[0].strip(" \0")
    return f"another MPI, {name}: use the mpiexec of that, or install mpi4py for the launcher's"
