"""Who started this process, and how many with it."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

import mlp.training.ranks.mpi
from mlp.common.errors import UsageError
from mlp.training.ranks.launcher import Launch, join, launch_of
from mlp.training.ranks.ranks import ALONE

VARIABLES = ("PMI_RANK", "PMI_SIZE", "PMIX_RANK", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE",
             "TORCHELASTIC_RUN_ID", "WORLD_SIZE", "SLURM_STEP_ID", "SLURM_STEP_NUM_TASKS",
             "MLP_RANK_PATIENCE", "MLP_RANKS", "MLP_ALONE")  # fmt: skip


@pytest.fixture(autouse=True)
def nobody_launched(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def two_launched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PMI_RANK", "1")
    monkeypatch.setenv("PMI_SIZE", "2")


def stand_in(
    monkeypatch: pytest.MonkeyPatch, size: int, vendor: str = "MPICH", begun: bool = False
) -> list[str]:
    """An mpi4py that sees so many ranks; returns what is asked of it."""
    asked: list[str] = []
    MPI = SimpleNamespace(
        COMM_WORLD=SimpleNamespace(Get_size=lambda: size),
        Get_library_version=lambda: "Some MPI v1.0, package: Some\x00\nmore",
        get_vendor=lambda: (vendor, (1, 0, 0)),
        Is_initialized=lambda: begun,
        Init_thread=lambda: asked.append("to begin"),
    )
    package = SimpleNamespace(MPI=MPI, rc=SimpleNamespace())
    monkeypatch.setitem(sys.modules, "mpi4py", package)
    monkeypatch.setattr(mlp.training.ranks.mpi, "MPIRanks", lambda *arguments: arguments)
    return asked


@pytest.mark.parametrize(
    ("environment", "launch"),
    [
        ({}, None),
        ({"PMI_RANK": "1", "PMI_SIZE": "4"}, (1, 4)),
        ({"OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": "2", "PMIX_RANK": "0"}, (0, 2)),
        ({"PMIX_RANK": "3"}, (3, 0)),
        ({"PMIX_RANK": "3", "SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "4"}, (3, 4)),
        ({"SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "1"}, None),
        ({"PMI_RANK": "x", "PMI_SIZE": "4"}, None),
        ({"PMI_RANK": "0", "PMI_SIZE": "1"}, None),
        ({"OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": "1", "PMIX_RANK": "0"}, None),
        ({"PMIX_RANK": "0", "SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "1"}, None),
        ({"PMI_RANK": "0", "PMI_SIZE": "1", "MLP_RANKS": "1"}, (0, 1)),
        (
            {
                "OMPI_COMM_WORLD_RANK": "0",
                "OMPI_COMM_WORLD_SIZE": "1",
                "PMI_RANK": "1",
                "PMI_SIZE": "2",
            },
            (1, 2),
        ),
        ({"SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "4", "MLP_ALONE": "1"}, None),
        ({"PMI_RANK": "1", "PMI_SIZE": "4", "MLP_ALONE": "1"}, None),
        ({"PMI_RANK": "1", "PMI_SIZE": "4", "MLP_ALONE": "0"}, (1, 4)),
    ],
)
def test_launchers_tell_by_variables(environment: dict[str, str], launch: Any) -> None:
    assert launch_of(environment) == (None if launch is None else Launch(*launch))


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ({"TORCHELASTIC_RUN_ID": "none", "WORLD_SIZE": "4"}, "torchrun"),
        ({"SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "4"}, "srun"),
    ],
)
def test_processes_that_cannot_meet_are_refused(environment: dict[str, str], name: str) -> None:
    with pytest.raises(
        UsageError, match=f"{name} started 4 .* mpiexec -n 4 mlp train.* MLP_ALONE=1"
    ):
        launch_of(environment)


def test_without_a_launcher_mpi_is_not_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    assert join() is ALONE


@pytest.mark.usefixtures("two_launched")
def test_ranks_need_mpi4py(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    with pytest.raises(UsageError, match=r"pip install 'mlp-digits\[mpi\]'"):
        join()


def test_a_single_one_does_without(monkeypatch: pytest.MonkeyPatch) -> None:
    """As an interactive shell of a cluster's scheduler starts it, whatever is installed."""
    monkeypatch.setenv("PMI_RANK", "0")
    monkeypatch.setenv("PMI_SIZE", "1")
    stand_in(monkeypatch, size=1)
    assert join() is ALONE
    monkeypatch.setenv("MLP_RANKS", "1")  # by --ranks 1
    assert join() is not ALONE


@pytest.mark.usefixtures("two_launched")
def test_another_mpi_than_the_launchers_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, size=1)
    with pytest.raises(
        UsageError, match=r"started 2 processes, but mpi4py sees 1, .* Some MPI v1\.0: use"
    ):
        join()


@pytest.mark.parametrize("vendor", ["Open MPI", "MPICH"])
def test_another_library_than_open_mpis_is_told_before_it_ends_the_process(
    monkeypatch: pytest.MonkeyPatch, vendor: str
) -> None:
    monkeypatch.setenv("OMPI_COMM_WORLD_RANK", "0")
    monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", "2")
    asked = stand_in(monkeypatch, size=2, vendor=vendor)
    if vendor == "Open MPI":
        join()
        assert asked == ["to begin"]
        return
    with pytest.raises(UsageError, match=r"is of Open MPI, but mpi4py has another MPI, Some MPI"):
        join()
    assert asked == []
    monkeypatch.setenv("PMI_RANK", "0")  # an mpiexec of MPICH within a job of Open MPI
    monkeypatch.setenv("PMI_SIZE", "2")
    join()


@pytest.mark.usefixtures("two_launched")
def test_an_mpi_that_has_begun_is_not_begun_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a script was started by python -m mpi4py."""
    asked = stand_in(monkeypatch, size=2, begun=True)
    join()
    assert asked == []


@pytest.mark.usefixtures("two_launched")
def test_ranks_join_with_the_patience_that_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, size=2)
    monkeypatch.setenv("MLP_RANK_PATIENCE", "2.5")
    joined: Any = join()
    assert joined[1] == 2.5
    for wrong in ("soon", "0", "nan"):
        monkeypatch.setenv("MLP_RANK_PATIENCE", wrong)
        with pytest.raises(UsageError, match="seconds above 0"):
            join()
