"""Training by one rank and by two on one device, each as ``mlp train`` starts them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mlp.models.model_file import load

ROOT = Path(__file__).parents[2]

SECONDS = 60.0
"""That both trainings may take together on a GPU, where they start CUDA and compile at first; a
rehearsal may take as long as its own limit lets it."""

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
    end = None if device == "cpu" else time.monotonic() + SECONDS
    with TemporaryDirectory() as folder:
        results = [_trained(device, ranks, Path(folder) / f"{ranks}.npz", end) for ranks in (1, 2)]
    told = [line for _, text in results for line in text.splitlines() if "gradients go" in line]
    yield {"told": told, "holds": results[0][0] == results[1][0]}


def _trained(device: str, ranks: int, out: Path, end: float | None) -> tuple[bytes, str]:
    """Train so that the model is written to a file; return its parameters, and what was told.

    Args:
        device: see `on_one_device`.
        ranks: how many.
        out: the file.
        end: by the monotonic clock, when it is given up; None for never.

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
        limit = None if end is None else max(0.0, end - time.monotonic())
        _, told = started.communicate(timeout=limit)
    except BaseException:  # also an interrupt, as bench/on_gpu.sh ends a step that is late
        os.killpg(started.pid, signal.SIGKILL)
        started.communicate()
        raise
    if started.returncode:
        raise RuntimeError(told.strip().splitlines()[-1])
    return load(out).parameters.tobytes(), told
