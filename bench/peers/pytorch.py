"""PyTorch: modules and an optimizer, run eagerly, compiled, or replayed as a CUDA graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from bench.harness.job import Job
from bench.peers.serve import CannotExpressError, Peer, serve
from mlp.common.rng import generator

ACTIVATIONS = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid, "identity": nn.Identity}


class PyTorch(Peer):
    """Options.

    ``device``
        ``cpu`` unless given.
    ``threads``
        of PyTorch's pool; its own choice unless given.
    ``gather``
        ``batch`` indexes the images for each update, ``epoch`` copies all in the new order first.
    ``update``
        ``foreach`` or ``fused`` SGD; ``adam``, fused, with its defaults but for the learning rate.
    ``compiled``
        nothing; ``model`` for torch.compile of the network; ``step`` for torch.compile of forward
        pass, gradient and update in one graph.
    ``inductor``
        torch.compile's ``options``.
    ``graph``
        whether to replay the step as a CUDA graph, one for each batch size.
    """

    def __init__(self, job: Job) -> None:
        options = job.options
        if "threads" in options:
            torch.set_num_threads(options["threads"])
        self._device = torch.device(options.get("device", "cpu"))
        self._batch_size, self._gather = job.batch_size, options.get("gather", "batch")
        self._images = torch.from_numpy(job.rows("train")).to(self._device)  # (N, I)
        self._test = torch.from_numpy(job.rows("test")).to(self._device)
        labels = torch.from_numpy(job.load("train_labels").astype(np.int64)).to(self._device)
        quadratic = job.recipe.loss == "quadratic"
        self._targets = F.one_hot(labels, job.sizes[-1]).float() if quadratic else labels
        self._criterion = _quadratic if quadratic else F.cross_entropy
        self._model = _network(job).to(self._device)
        self._run = self._model
        self._step: Callable[[Tensor, Tensor, Any], None] = self._eager_step
        compiled, inductor = options.get("compiled"), options.get("inductor", {})
        if compiled == "model":
            self._run = torch.compile(self._model, dynamic=False, options=inductor)
        elif compiled == "step":
            self._momentum = job.recipe.momentum
            self._update = torch.compile(self._functional_step, dynamic=False, options=inductor)
            self._step = self._compiled_step
        if options.get("graph"):
            if job.recipe.schedule != "constant" or job.recipe.warmup:
                raise CannotExpressError("a CUDA graph keeps the learning rate it was captured at")
            self._step = self._replayed_step

    def start(self, job: Job) -> None:
        """Take the weights and the seed."""
        linear = [layer for layer in self._model if isinstance(layer, nn.Linear)]
        with torch.no_grad():
            for layer, (W, b) in zip(linear, job.parameters(), strict=True):
                layer.weight.copy_(torch.from_numpy(W.T))
                layer.bias.copy_(torch.from_numpy(b))
        self._parameters = [p.data for p in self._model.parameters()]
        self._velocities = [torch.zeros_like(p) for p in self._parameters]
        self._optimizer = _optimizer(self._model, job)
        self._graphs: dict[int, tuple[Any, Tensor, Tensor]] = {}
        self._shuffler = generator(job.recipe.seed, "shuffle")

    def epoch(self, number: int, lrs: NDArray[np.float32]) -> None:  # noqa: ARG002
        """Train once on every image."""
        each: Any = lrs.tolist()
        if self._step == self._compiled_step:  # a new float would be compiled anew
            each = torch.from_numpy(lrs).to(self._device)
        for (x, t), lr in zip(self._batches(), each, strict=True):
            self._step(x, t, lr)

    def wait(self) -> None:
        """Wait until the device has done its work."""
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)

    def classes(self) -> NDArray[np.int64]:
        """Classify the test images."""
        with torch.no_grad():
            return np.asarray(self._model(self._test).argmax(dim=1).cpu())

    def _batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        if self._batch_size == len(self._images):
            yield self._images, self._targets
            return
        order = torch.from_numpy(self._shuffler.permutation(len(self._images))).to(self._device)
        if self._gather == "epoch":
            images, targets = self._images[order], self._targets[order]
            yield from zip(
                images.split(self._batch_size), targets.split(self._batch_size), strict=True
            )
        else:
            for rows in order.split(self._batch_size):
                yield self._images[rows], self._targets[rows]

    def _eager_step(self, x: Tensor, t: Tensor, lr: float, *, keep_gradients: bool = False) -> None:
        self._optimizer.param_groups[0]["lr"] = lr
        self._optimizer.zero_grad(set_to_none=not keep_gradients)
        self._criterion(self._run(x), t).backward()
        self._optimizer.step()

    def _replayed_step(self, x: Tensor, t: Tensor, lr: float) -> None:
        whole = x is self._images  # a full batch, which lies still: the graph reads it where it is
        if len(x) not in self._graphs:
            kept = (x, t) if whole else (x.clone(), t.clone())
            self._graphs[len(x)] = self._capture(*kept, lr)
        graph, x0, t0 = self._graphs[len(x)]
        if not whole:
            x0.copy_(x)
            t0.copy_(t)
        graph.replay()

    def _capture(self, x: Tensor, t: Tensor, lr: float) -> tuple[Any, Tensor, Tensor]:
        """Capture a step on these arrays, as PyTorch's documentation shows it."""
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                self._eager_step(x, t, lr, keep_gradients=True)
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self._eager_step(x, t, lr, keep_gradients=True)
        return graph, x, t

    def _compiled_step(self, x: Tensor, t: Tensor, lr: Tensor) -> None:
        self._update(self._parameters, self._velocities, x, t, lr)

    def _functional_step(
        self, parameters: list[Tensor], velocities: list[Tensor], x: Tensor, t: Tensor, lr: Tensor
    ) -> None:
        names = [name for name, _ in self._model.named_parameters()]

        def loss(values: list[Tensor]) -> Tensor:
            named = dict(zip(names, values, strict=True))
            return self._criterion(torch.func.functional_call(self._model, named, (x,)), t)

        gradients = torch.func.grad(loss)(parameters)
        for p, v, g in zip(parameters, velocities, gradients, strict=True):
            p.sub_(lr * (v.mul_(self._momentum).add_(g) if self._momentum else g))


def _network(job: Job) -> nn.Sequential:
    layers: list[nn.Module] = []
    for i, (inputs, outputs) in enumerate(pairwise(job.sizes)):
        last = i == len(job.sizes) - 2
        layers.append(nn.Linear(inputs, outputs))
        layers.append(ACTIVATIONS[job.output if last else job.activation]())
    return nn.Sequential(*layers)


def _optimizer(model: nn.Module, job: Job) -> torch.optim.Optimizer:
    r, parameters, update = job.recipe, model.parameters(), job.options.get("update", "foreach")
    if update == "adam":
        return torch.optim.Adam(parameters, lr=r.lr, fused=True)
    kind: dict[str, Any] = {update: True}
    return torch.optim.SGD(parameters, lr=r.lr, momentum=r.momentum, **kind)


def _quadratic(a: Tensor, t: Tensor) -> Tensor:
    return 0.5 * (a - t).square().sum(dim=1).mean()


if __name__ == "__main__":
    serve(PyTorch, "torch")
