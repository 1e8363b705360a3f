"""The arms of the GPU benchmark, which share one process: this project, rung by rung, and peers."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple

from backends import Backend, get_backend
from bench.harness.device_calls import replays
from bench.harness.job import Job, write_dataset, write_weights
from mlp.benchmark.workload import Workload
from mlp.data.dataset import Dataset
from mlp.training.unseen import Unseen

COMPILED_NETWORK = (128,)
"""The hidden layers of the one network that is given to torch.compile, which takes a minute."""

PEERS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "PyTorch, eager": ("pytorch", "PyTorch", {"update": "fused"}),
    "PyTorch, CUDA graphs": ("pytorch", "PyTorch", {"update": "fused", "graph": True}),
    "PyTorch, compiled": ("pytorch", "PyTorch", {"compiled": "step"}),
    "JAX, scan": ("jax_scan", "Jax", {}),
}
"""Names, with the module of `bench.peers`, its class and its options."""


class LocalArm(NamedTuple):
    """One way to train the workload in this process."""

    name: str
    precision: str
    epoch: Callable[[], Any]
    """Trains for an epoch; the device may still be at work when it returns."""
    wait: Callable[[], Any]
    """Waits until the device has done its work."""
    replays: Callable[[], bool | None] = lambda: None
    """Tells whether it replays CUDA graphs; None where that is not to be known."""


class PlainBackend:
    """A backend without what this project adds: the array library as it is, call by call.

    Args:
        backend: whose device it is.
    """

    def __init__(self, backend: Backend) -> None:
        self.xp: Any = importlib.import_module("numpy" if backend.name == "cpu" else "cupy")
        self.name = backend.name
        self.memory = lambda: backend.memory()._replace(workers=1)
        self.asarray, self.to_numpy = backend.asarray, backend.to_numpy
        self.synchronize = backend.synchronize

    def fuse(self, function: Callable[..., None]) -> Callable[..., None]:
        """Leave a function as it is: a call of the array library for each of its lines."""
        return partial(function, self.xp)

    def capture(self, step: Callable[[], Any]) -> Callable[[], Any]:
        """Leave a step as it is."""
        return step


def ladder(workload: Workload, device: str) -> Iterator[LocalArm]:
    """Yield this project, from the bare array library up to what it runs by default and beyond."""
    eager = get_backend(device, graph=False)
    yield _ours("array library alone", PlainBackend(eager), workload)
    yield _ours("own kernels", eager, workload)
    yield _ours("graph", get_backend(device), workload)
    if device != "cpu":
        if workload.recipe.batch_size == "full":
            yield _unseen("graph, nobody looks", get_backend(device), workload)
        for precision in ("tf32", "bf16"):
            backend = get_backend(device, precision=precision)
            yield _ours(f"graph, {precision}", backend, workload, precision)


def _ours(name: str, backend: Any, workload: Workload, precision: str = "float32") -> LocalArm:
    trainer = workload.trainer(backend)
    return LocalArm(
        name,
        precision,
        partial(trainer.epoch, 0),
        backend.synchronize,
        lambda: replays(*trainer.executor.captured.values()),
    )


def _unseen(name: str, backend: Any, workload: Workload) -> LocalArm:
    """Train as where no epoch is waited for, as the peers do not either; a launch an epoch."""
    trainer = workload.trainer(backend)
    trainer.epoch(0)
    unseen = Unseen(trainer, backend.xp.zeros_like(trainer.model.parameters))
    numbers = cycle(range(trainer.tables.most))

    def epoch() -> None:
        for _ in unseen.make(next(numbers), 1):
            pass

    return LocalArm(
        name, "float32", epoch, backend.synchronize, lambda: replays(*unseen.captured.values())
    )


def peers(
    workload: Workload, device: str, folder: Path, *, compiled: bool = True
) -> Iterator[LocalArm | tuple[str, str]]:
    """Yield the other libraries, each an arm, or its name and the reason why it cannot run.

    Args:
        workload: what to train.
        device: ``"cpu"``, ``"cuda"`` or ``"cuda:N"``.
        folder: where the images and the weights can be written for them.
        compiled: whether torch.compile takes part, which takes a minute to compile.
    """
    images = workload.images
    write_dataset(Dataset("noise", "noise", workload.classes, images, images[:1]), folder)
    write_weights(folder / "weights.npz", workload.sizes, 0)
    job = Job(
        data=str(folder),
        weights=str(folder / "weights.npz"),
        sizes=workload.sizes,
        recipe=workload.recipe,
    )
    for name, (module, kind, options) in PEERS.items():
        if options.get("graph") and device == "cpu":
            continue
        its_network = compiled and workload.architecture.hidden == COMPILED_NETWORK
        if options.get("compiled") and not its_network:
            continue
        try:
            make = getattr(importlib.import_module(f"bench.peers.{module}"), kind)
            own = replace(job, options={**options, "gather": "epoch", "device": device})
            yield _peer(name, make(own), own)
        except Exception as error:  # a peer that fails must not end the benchmark
            lines = str(error).splitlines()
            yield name, f"{type(error).__name__}: {lines[0] if lines else ''}"


def _peer(name: str, peer: Any, job: Job) -> LocalArm:
    peer.start(job)
    epoch = partial(peer.epoch, 0, job.lrs(0))
    epoch()  # fails here where it cannot run
    peer.wait()
    return LocalArm(name, "float32", epoch, peer.wait)
