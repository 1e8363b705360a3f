"""PyTorch on the CPU: modules and an optimizer, run eagerly or compiled."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from bench.harness.job import Task
from bench.peers.serve import serve
from mlp.common.rng import generator

ACTIVATIONS = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid, "identity": nn.Identity}


class PyTorch:
    """Options.

    ``threads``
        of PyTorch's pool.
    ``gather``
        ``batch`` indexes the images for each update, ``epoch`` copies all in the new order first.
    ``update``
        ``foreach`` or ``fused`` SGD; ``adam``, fused, with its own defaults but for the rate.
    ``compiled``
        nothing; ``model`` for torch.compile of the network; ``step`` for torch.compile of forward
        pass, gradient and update in one graph.
    ``inductor``
        torch.compile's ``options``.
    """

    def __init__(self, task: Task) -> None:
        options = task.options
        torch.set_num_threads(options["threads"])
        self._batch_size, self._gather = task.batch_size, options.get("gather", "batch")
        self._images = torch.from_numpy(task.rows("train"))  # (N, I)
        self._test = torch.from_numpy(task.rows("test"))
        labels = torch.from_numpy(task.load("train_labels").astype(np.int64))
        quadratic = task.recipe.loss == "quadratic"
        self._targets = F.one_hot(labels, task.sizes[-1]).float() if quadratic else labels
        self._criterion = _quadratic if quadratic else F.cross_entropy
        self._model = _network(task)
        self._run = self._model
        self._step = self._eager_step
        compiled, inductor = options.get("compiled"), options.get("inductor", {})
        if compiled == "model":
            self._run = torch.compile(self._model, dynamic=False, options=inductor)
        elif compiled == "step":
            self._momentum = task.recipe.momentum
            self._update = torch.compile(self._functional_step, dynamic=False, options=inductor)
            self._step = self._compiled_step

    def start(self, task: Task) -> None:
        """Take the weights and the seed."""
        linear = [layer for layer in self._model if isinstance(layer, nn.Linear)]
        with torch.no_grad():
            for layer, (W, b) in zip(linear, task.parameters(), strict=True):
                layer.weight.copy_(torch.from_numpy(W.T))
                layer.bias.copy_(torch.from_numpy(b))
        self._parameters = [p.data for p in self._model.parameters()]
        self._velocities = [torch.zeros_like(p) for p in self._parameters]
        self._optimizer = _optimizer(self._model, task)
        self._shuffler = generator(task.recipe.seed, "shuffle")

    def epoch(self, number: int, rates: NDArray[np.float32]) -> None:  # noqa: ARG002
        """Train once on every image."""
        compiled = self._step == self._compiled_step  # a new float would be compiled anew
        for (x, t), rate in zip(
            self._batches(), torch.from_numpy(rates) if compiled else rates.tolist(), strict=True
        ):
            self._step(x, t, rate)

    def classes(self) -> NDArray[np.int64]:
        """Read the test images."""
        with torch.no_grad():
            return self._model(self._test).argmax(dim=1).numpy()

    def _batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        if self._batch_size == len(self._images):
            yield self._images, self._targets
            return
        order = torch.from_numpy(self._shuffler.permutation(len(self._images)))
        if self._gather == "epoch":
            images, targets = self._images[order], self._targets[order]
            yield from zip(
                images.split(self._batch_size), targets.split(self._batch_size), strict=True
            )
        else:
            for rows in order.split(self._batch_size):
                yield self._images[rows], self._targets[rows]

    def _eager_step(self, x: Tensor, t: Tensor, rate: float) -> None:
        self._optimizer.param_groups[0]["lr"] = rate
        self._optimizer.zero_grad(set_to_none=True)
        self._criterion(self._run(x), t).backward()
        self._optimizer.step()

    def _compiled_step(self, x: Tensor, t: Tensor, rate: Tensor) -> None:
        self._update(self._parameters, self._velocities, x, t, rate)

    def _functional_step(
        self, parameters: list[Tensor], velocities: list[Tensor], x: Tensor, t: Tensor, rate: Tensor
    ) -> None:
        names = [name for name, _ in self._model.named_parameters()]

        def loss(values: list[Tensor]) -> Tensor:
            named = dict(zip(names, values, strict=True))
            return self._criterion(torch.func.functional_call(self._model, named, (x,)), t)

        gradients = torch.func.grad(loss)(parameters)
        for p, v, g in zip(parameters, velocities, gradients, strict=True):
            p.sub_(rate * (v.mul_(self._momentum).add_(g) if self._momentum else g))


def _network(task: Task) -> nn.Sequential:
    layers: list[nn.Module] = []
    for i, (inputs, outputs) in enumerate(pairwise(task.sizes)):
        last = i == len(task.sizes) - 2
        layers.append(nn.Linear(inputs, outputs))
        layers.append(ACTIVATIONS[task.output if last else task.activation]())
    return nn.Sequential(*layers)


def _optimizer(model: nn.Module, task: Task) -> torch.optim.Optimizer:
    r, parameters, update = task.recipe, model.parameters(), task.options.get("update", "foreach")
    if update == "adam":
        return torch.optim.Adam(parameters, lr=r.lr, fused=True)
    kind: dict[str, Any] = {update: True}
    return torch.optim.SGD(parameters, lr=r.lr, momentum=r.momentum, **kind)


def _quadratic(a: Tensor, t: Tensor) -> Tensor:
    return 0.5 * (a - t).square().sum(dim=1).mean()


if __name__ == "__main__":
    serve(PyTorch, "torch")
