"""An arm's half of the conversation: JSON lines in on stdin, JSON lines out on stdout.

    {"do": "prepare", "job": {...}}             -> {"versions": {...}}
    {"do": "start", "weights": path, "seed": 1}  -> {}                  back to before epoch 0
    {"do": "train", "epochs": 2}                 -> {"seconds": 0.8}    of training alone
    {"do": "evaluate"}                           -> {"accuracy": 0.97}  on the test images

An arm's process that cannot take part says so: {"missing": module} or {"cannot": why}.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_info

from bench.harness.job import Job


class CannotExpressError(Exception):
    """The library has no way to train this network like this."""


class Peer(Protocol):
    """A network and its images; it keeps what it compiled from one start to the next."""

    def start(self, job: Job) -> None:
        """Take the weights and the seed of a job that is otherwise the one it was made for."""
        ...

    def epoch(self, number: int, lrs: NDArray[np.float32]) -> None:
        """Train once on every image; the device may still be at work when this returns.

        Args:
            number: the epoch, from 0.
            lrs: the learning rate of each update, shape (steps,).
        """
        ...

    def wait(self) -> None:
        """Wait until the device has done its work; unless overridden, it has."""

    def classes(self) -> NDArray[Any]:
        """Classify the test images; return a class for each, shape (N,)."""
        ...


class Server:
    """A process's peer and the epochs that it has trained."""

    def __init__(self, make: Callable[[Job], Peer], modules: tuple[str, ...]) -> None:
        self._make, self._modules = make, modules
        self._epochs = 0

    def prepare(self, job: dict[str, Any]) -> dict[str, Any]:
        """Load the images and the start; everything up to the first epoch."""
        self._job = Job.from_dict(job)
        self._peer = self._make(self._job)
        self._peer.start(self._job)
        versions = {name: sys.modules[name].__version__ for name in ("numpy", *self._modules)}
        pools = [p for p in threadpool_info() if p["user_api"] == "blas"]
        blas = sorted(
            {f"{p['internal_api']} {p['version']} for {p.get('architecture')}" for p in pools}
        )
        return {"versions": {**versions, "BLAS": ", ".join(blas) or "its own"}}

    def start(self, weights: str, seed: int) -> dict[str, Any]:
        """Go back to before the first epoch, with other weights and shuffles."""
        recipe = replace(self._job.recipe, seed=seed)
        self._job = replace(self._job, weights=weights, recipe=recipe)
        self._peer.start(self._job)
        self._epochs = 0
        return {}

    def train(self, epochs: int) -> dict[str, Any]:
        """Train and take the time; the learning rates are worked out before the clock starts."""
        seconds = 0.0
        for _ in range(epochs):
            lrs = self._job.lrs(self._epochs)
            gc.collect()  # what is left from the evaluation is not the epoch's to clear up
            start = time.perf_counter()
            self._peer.epoch(self._epochs, lrs)
            self._peer.wait()
            seconds += time.perf_counter() - start
            self._epochs += 1
        return {"seconds": seconds}

    def evaluate(self) -> dict[str, Any]:
        """Compare the classes that it answers with the labels."""
        correct = np.asarray(self._peer.classes()) == self._job.load("test_labels")
        return {"accuracy": float(correct.mean())}


def serve(make: Callable[[Job], Peer], *modules: str) -> None:
    """Answer until stdin ends.

    Args:
        make: builds the peer from its job.
        modules: the modules whose versions are reported.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints goes to the log
    server = Server(make, modules)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = getattr(server, request.pop("do"))(**request)
        except ModuleNotFoundError as error:
            answer = {"missing": error.name}
        except CannotExpressError as error:
            answer = {"cannot": str(error)}
        print(json.dumps(answer), file=answers, flush=True)
