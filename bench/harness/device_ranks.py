"""Training by one rank and by two on one device, each as ``mlp train`` starts them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mlp.models.model_file import load

ROOT = Path(__file__).parents[2]

SECONDS, OF_A_REHEARSAL = 15.0, 120.0
"""That a training may take on a GPU; and on a processor, which others may keep busy."""

TRAINING = (
    *("--dataset", "synthetic:2000+500", "--hidden", "32", "--epochs", "3", "--batch-size", "256"),
)


def on_one_device(device: str) -> Iterator[dict[str, Any]]:
    """Train by one rank and by two that share a device; yield whether their bytes are the same.

    Args:
        device: as ``mlp train --device`` takes it.
    """
    if find_spec("mpi4py") is None or not Path(sys.executable).with_name("mpiexec").exists():
        yield {"skipped": "there is no mpi4py, or no mpiexec beside Python"}
        return
    with TemporaryDirectory() as folder:
        results = [_trained(device, ranks, Path(folder) / f"{ranks}.npz") for ranks in (1, 2)]
    told = [line for _, text in results for line in text.splitlines() if "gradients go" in line]
    yield {"told": told, "holds": results[0][0] == results[1][0]}


def _trained(device: str, ranks: int, out: Path) -> tuple[bytes, str]:
    """Train so that the model is written to a file; return its parameters, and what was told.

    Raises:
        RuntimeError: if it fails, with its last line.
        TimeoutExpired: if it takes too long; none of its processes is left.
    """
    train = ("-m", "mlp", "train", *TRAINING, "--device", device, "--out", str(out))
    path = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    started = subprocess.Popen(
        [sys.executable, *train, "--ranks", str(ranks)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        limit = OF_A_REHEARSAL if device == "cpu" else SECONDS
        _, told = started.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        os.killpg(started.pid, signal.SIGKILL)
        started.communicate()
        raise
    if started.returncode:
        raise RuntimeError(told.strip().splitlines()[-1])
    return load(out).parameters.tobytes(), told
