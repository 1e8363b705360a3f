"""The arms of the GPU benchmark: this project step by step, PyTorch and JAX, on the same work."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from backends import Backend, get_backend
from bench.gpu_work import CLASSES, PIXELS, Arm, Work
from mlp.data.dataset import Split
from mlp.nn.network import MLP
from mlp.training.recipe import Recipe
from mlp.training.trainer import Trainer

MOMENTUM, LR = 0.9, 0.01
COMPILED_NETWORK = (128,)
"""The hidden layers of the one network that is given to torch.compile, which takes a minute."""


class Plain:
    """A backend without what this project adds: the array library as it is, call by call.

    Args:
        backend: whose device it is.
    """

    def __init__(self, backend: Backend) -> None:
        self.xp = importlib.import_module("numpy" if backend.name == "cpu" else "cupy")
        self.name = backend.name
        self.memory = lambda: backend.memory()._replace(workers=1)
        self.asarray, self.to_numpy = backend.asarray, backend.to_numpy
        self.synchronize = backend.synchronize

    def fuse(self, function: Callable[..., None]) -> Callable[..., None]:
        return partial(function, self.xp)

    def capture(self, step: Callable[[], Any]) -> Callable[[], Any]:
        return step


def images_for(work: Work) -> Split:
    """Noise of MNIST's shape, the same for each arm."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (work.images, 28, 28), dtype=np.uint8)
    return Split(images, rng.integers(0, CLASSES, work.images).astype(np.uint8))


def ladder(work: Work, device: str) -> Iterator[Arm]:
    """This project, from the bare array library up to what it runs by default and beyond."""
    split = images_for(work)
    yield _ours("array library alone", Plain(get_backend(device, graph=False)), work, split)
    yield _ours("own kernels", get_backend(device, graph=False), work, split)
    yield _ours("graph", get_backend(device), work, split)
    if device != "cpu":
        for precision in ("tf32", "bf16"):
            backend = get_backend(device, precision=precision)
            yield _ours(f"graph, {precision}", backend, work, split, precision)


def _ours(name: str, backend: Any, work: Work, split: Split, precision: str = "float32") -> Arm:
    model = MLP((PIXELS, *work.hidden, CLASSES), backend=backend)
    trainer = Trainer(
        model, split, Recipe(batch_size=work.batch, lr=LR, momentum=MOMENTUM, epochs=1, warmup=0)
    )
    return Arm(name, precision, partial(trainer.epoch, 0), backend.synchronize)


def peers(work: Work, device: str) -> Iterator[Arm | tuple[str, str]]:
    """The others, each an arm, or its name and the reason why it cannot run."""
    makers: dict[str, Callable[..., Arm]] = {
        "PyTorch, eager": partial(_torch, kind="eager"),
        "PyTorch, CUDA graphs": partial(_torch, kind="graph"),
        "PyTorch, compiled": partial(_torch, kind="compiled"),
        "JAX, scan": _jax,
    }
    for name, make in makers.items():
        if name == "PyTorch, CUDA graphs" and device == "cpu":
            continue
        if name == "PyTorch, compiled" and work.hidden != COMPILED_NETWORK:
            continue
        try:
            yield make(name, work, device)
        except Exception as error:  # a peer that fails must not end the benchmark
            lines = str(error).splitlines()
            yield name, f"{type(error).__name__}: {lines[0] if lines else ''}"


def _torch(name: str, work: Work, device: str, *, kind: str) -> Arm:
    import torch
    from torch import nn

    split = images_for(work)
    rows = split.images.reshape(work.images, PIXELS).astype(np.float32) / 255
    images = torch.from_numpy(rows).to(device)
    labels = torch.from_numpy(split.labels.astype(np.int64)).to(device)
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise((PIXELS, *work.hidden, CLASSES)):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    model = nn.Sequential(*layers[:-1]).to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=LR, momentum=MOMENTUM, fused=True)
    criterion = nn.CrossEntropyLoss()
    rng = np.random.default_rng(0)

    def step(x: Any, t: Any) -> None:
        optimizer.zero_grad(set_to_none=kind != "graph")
        criterion(model(x), t).backward()
        optimizer.step()

    run = torch.compile(step) if kind == "compiled" else step
    graphs: dict[int, tuple[Any, Any, Any]] = {}

    def replay(x: Any, t: Any) -> None:
        if len(x) not in graphs:
            graphs[len(x)] = _torch_graph(step, x, t)
        graph, x0, t0 = graphs[len(x)]
        x0.copy_(x)
        t0.copy_(t)
        graph.replay()

    run = replay if kind == "graph" else run

    def epoch() -> None:
        if work.batch == "full":
            run(images, labels)
            return
        order = torch.from_numpy(rng.permutation(work.images)).to(device)
        xs, ts = images[order], labels[order]
        for start in range(0, work.images, work.batch):
            run(xs[start : start + work.batch], ts[start : start + work.batch])

    epoch()  # fails here where it cannot run
    return Arm(name, "float32", epoch, torch.cuda.synchronize if device != "cpu" else int)


def _torch_graph(step: Callable[..., None], x: Any, t: Any) -> tuple[Any, Any, Any]:
    """Capture a step on arrays of its own, as PyTorch's documentation has it."""
    import torch

    x0, t0 = x.clone(), t.clone()
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            step(x0, t0)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step(x0, t0)
    return graph, x0, t0


def _jax(name: str, work: Work, device: str) -> Arm:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_default_matmul_precision", "float32")  # else TF32 on a GPU
    if device != "cpu" and jax.default_backend() != "gpu":
        raise RuntimeError("JAX sees no GPU")
    split = images_for(work)
    rows = split.images.reshape(work.images, PIXELS).astype(np.float32) / 255
    images, labels = jnp.asarray(rows), jnp.asarray(split.labels.astype(np.int32))
    rng = np.random.default_rng(0)
    widths = (PIXELS, *work.hidden, CLASSES)
    parameters = [
        (jnp.asarray(rng.normal(0, (2 / i) ** 0.5, (i, o)), "float32"), jnp.zeros(o, "float32"))
        for i, o in pairwise(widths)
    ]

    def loss(parameters: Any, x: Any, t: Any) -> Any:
        for W, b in parameters[:-1]:
            x = jax.nn.relu(x @ W + b)
        W, b = parameters[-1]
        logits = x @ W + b
        return -jnp.take_along_axis(jax.nn.log_softmax(logits), t[:, None], axis=1).mean()

    def update(state: Any, batch: Any) -> tuple[Any, Any]:
        parameters, velocity = state
        value, gradients = jax.value_and_grad(loss)(parameters, *batch)
        velocity = jax.tree.map(lambda v, g: MOMENTUM * v + g, velocity, gradients)
        return (jax.tree.map(lambda p, v: p - LR * v, parameters, velocity), velocity), value

    batch = work.images if work.batch == "full" else work.batch
    whole = work.images // batch * batch

    @partial(jax.jit, donate_argnums=0)
    def run(state: Any, images: Any, labels: Any, order: Any) -> Any:
        if work.batch == "full":
            return update(state, (images, labels))[0]
        xs, ts = images[order], labels[order]
        cut = xs[:whole].reshape(-1, batch, PIXELS), ts[:whole].reshape(-1, batch)
        state, _ = jax.lax.scan(update, state, cut)
        return update(state, (xs[whole:], ts[whole:]))[0] if whole < work.images else state

    state = [(parameters, jax.tree.map(jnp.zeros_like, parameters))]

    def epoch() -> None:
        order = None
        if work.batch != "full":
            order = jnp.asarray(rng.permutation(work.images).astype(np.int32))
        state[0] = run(state[0], images, labels, order)

    epoch()
    return Arm(name, "float32", epoch, lambda: jax.block_until_ready(state[0]))
