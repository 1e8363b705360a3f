"""What a test starts by mpiexec: ``mlp`` on so many GPUs a host, which stand-ins are.

The environment names the folder of the compiled kernels, KERNELS.

    python tests/support/gpus_under_mpi.py GPUS ARGUMENTS...
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import host_kernel
import pytest
from cupy_stand_in import StandIn
from gpu_ranks import StandInNccl, stand_in
from mpi4py import MPI

from mlp.__main__ import main
from mlp.training.ranks.mpi import MPIRanks

if __name__ == "__main__":
    host_kernel.build = Path(os.environ["KERNELS"])
    cupy = StandIn(devices=int(sys.argv.pop(1)))
    nccl = StandInNccl(cupy, MPIRanks(MPI.COMM_WORLD.Dup()))
    stand_in(pytest.MonkeyPatch(), lambda: SimpleNamespace(cupy=cupy, nccl=nccl))
    main()
