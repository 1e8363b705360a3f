"""What a test starts by mpiexec: the last rank stops or ends by a signal while the others wait.

They wait for it, for what their devices would send each other, or to share memory with it.
"""

from __future__ import annotations

import os
import signal
import sys

from mpi4py import MPI

from mlp.training.ranks.mpi import LostRankError, MPIRanks

if __name__ == "__main__":
    ranks = MPIRanks(MPI.COMM_WORLD, patience=0.5)
    ranks.all_gather("here")
    if ranks.rank == ranks.size - 1:
        os.kill(os.getpid(), signal.Signals[sys.argv[1]])
    try:
        if sys.argv[2:] == ["devices"]:
            ranks.wait(lambda: False)
        elif sys.argv[2:] == ["memory"]:
            ranks.share(lambda: "data")
        else:
            ranks.all_gather("there")
    except LostRankError as error:
        ranks.abort(str(error), 4)
