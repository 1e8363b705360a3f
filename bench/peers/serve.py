"""The worker's half of the conversation: JSON lines in on stdin, JSON lines out on stdout.

    {"do": "prepare", "task": {...}}             -> {"versions": {...}}
    {"do": "start", "weights": path, "seed": 1}  -> {}                  back to before epoch 0
    {"do": "train", "epochs": 2}                 -> {"seconds": 0.8}    of training alone
    {"do": "evaluate"}                           -> {"accuracy": 0.97}  on the test images

A worker that cannot take part says so: {"missing": module} or {"cannot": why}.
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

from bench.harness.job import Task


class CannotExpressError(Exception):
    """The library has no way to train this network like this."""


class Peer(Protocol):
    """A network and its images; it keeps what it compiled from one start to the next."""

    def start(self, task: Task) -> None:
        """Take the weights and the seed of a task that is otherwise the one it was made for."""
        ...

    def epoch(self, number: int, rates: NDArray[np.float32]) -> None:
        """Train once on every image, and come back when that is done.

        Args:
            number: the epoch, from 0.
            rates: the learning rate of each update, shape (steps,).
        """
        ...

    def classes(self) -> NDArray[Any]:
        """Read the test images: a class for each, shape (N,)."""
        ...


class Session:
    """What one worker is at."""

    def __init__(self, make: Callable[[Task], Peer], modules: tuple[str, ...]) -> None:
        self._make, self._modules = make, modules
        self._epochs = 0

    def prepare(self, task: dict[str, Any]) -> dict[str, Any]:
        """Load the images and the start; everything up to the first epoch."""
        self._task = Task.from_dict(task)
        self._peer = self._make(self._task)
        self._peer.start(self._task)
        versions = {name: sys.modules[name].__version__ for name in ("numpy", *self._modules)}
        pools = [p for p in threadpool_info() if p["user_api"] == "blas"]
        blas = sorted(
            {f"{p['internal_api']} {p['version']} for {p.get('architecture')}" for p in pools}
        )
        return {"versions": {**versions, "BLAS": ", ".join(blas) or "its own"}}

    def start(self, weights: str, seed: int) -> dict[str, Any]:
        """Go back to before the first epoch, with other weights and shuffles."""
        recipe = replace(self._task.recipe, seed=seed)
        self._task = replace(self._task, weights=weights, recipe=recipe)
        self._peer.start(self._task)
        self._epochs = 0
        return {}

    def train(self, epochs: int) -> dict[str, Any]:
        """Train and take the time; the learning rates are worked out before the clock starts."""
        seconds = 0.0
        for _ in range(epochs):
            rates = self._task.rates(self._epochs)
            gc.collect()  # what is left from the evaluation is not the epoch's to clear up
            start = time.perf_counter()
            self._peer.epoch(self._epochs, rates)
            seconds += time.perf_counter() - start
            self._epochs += 1
        return {"seconds": seconds}

    def evaluate(self) -> dict[str, Any]:
        """Compare what it reads with the labels."""
        right = np.asarray(self._peer.classes()) == self._task.load("test_labels")
        return {"accuracy": float(right.mean())}


def serve(make: Callable[[Task], Peer], *modules: str) -> None:
    """Answer until stdin ends.

    Args:
        make: builds the peer from its task.
        modules: whose versions to tell.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints goes to the log
    session = Session(make, modules)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = getattr(session, request.pop("do"))(**request)
        except ModuleNotFoundError as error:
            answer = {"missing": error.name}
        except CannotExpressError as error:
            answer = {"cannot": str(error)}
        print(json.dumps(answer), file=answers, flush=True)
