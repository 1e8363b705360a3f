"""Ranks that MPI connects: as any others are, and an end to all when one does not come."""

from __future__ import annotations

import json

import pytest
from mpi_runs import mpiexec, needs_mpi

from mlp.training.ranks.mpi import _sentence


@needs_mpi
def test_ranks_meet_and_train_the_same_network() -> None:
    done = mpiexec(4, "tests/support/under_mpi.py")
    assert done.returncode == 0, done.stderr
    groups = json.loads(done.stdout)
    assert [len(group) for group in groups] == [1, 2, 4]
    for group in groups:
        for met, runs in group:
            assert all(met)
            assert runs == groups[0][0][1]


@needs_mpi
@pytest.mark.parametrize("for_what", ["ranks", "devices", "memory"])
def test_a_rank_that_does_not_come_is_named_and_ends_all(for_what: str) -> None:
    done = mpiexec(3, "tests/support/stay_away.py", "SIGSTOP", for_what)
    assert done.returncode == 4
    told = [line for line in done.stderr.splitlines() if line.startswith("mlp: ")]
    assert len(told) == 1
    assert ("a rank of " if for_what == "memory" else "rank 2 on ") in told[0]
    assert "did not come within 0.5 s" in told[0]


@needs_mpi
def test_a_rank_that_is_killed_ends_all() -> None:
    done = mpiexec(2, "tests/support/stay_away.py", "SIGKILL")
    assert done.returncode not in (0, 4)


def test_nobody_missing_is_told_as_well() -> None:
    assert _sentence("no rank", 3.0).startswith("no rank did not come within 3 s")
