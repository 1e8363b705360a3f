"""JAX on the CPU: one jitted function that scans over the batches of an epoch."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from bench.harness.job import Task
from bench.peers.serve import serve
from mlp.common.rng import generator

ACTIVATIONS = {"relu": jax.nn.relu, "sigmoid": jax.nn.sigmoid, "identity": lambda x: x}


class Jax:
    """Options.

    ``loop``
        ``scan`` runs an epoch as one jitted scan; ``steps`` calls one jitted step from Python.
    ``gather``
        within a scan: ``batch`` indexes the images for each update, ``epoch`` copies all in the
        new order first.
    ``unroll``
        how many updates the scan's compiled body holds.

    The number of threads is set by the environment, before JAX starts.
    """

    def __init__(self, task: Task) -> None:
        self._task, options = task, task.options
        self._images = jnp.asarray(task.rows("train"))  # (N, I)
        self._test = jnp.asarray(task.rows("test"))
        labels = jnp.asarray(task.load("train_labels").astype(np.int32))
        quadratic = task.recipe.loss == "quadratic"
        self._targets = jax.nn.one_hot(labels, task.sizes[-1]) if quadratic else labels
        self._update = partial(_update, task, _quadratic if quadratic else _cross_entropy)
        self._by_steps = options.get("loop") == "steps" and task.recipe.batch_size != "full"
        self._step = jax.jit(self._update, donate_argnums=0)
        self._scan = jax.jit(
            partial(_scan, self._update, options.get("gather", "batch"), options.get("unroll", 1)),
            donate_argnums=0,
        )
        self._outputs = jax.jit(partial(_outputs, task))

    def start(self, task: Task) -> None:
        """Take the weights and the seed."""
        # A copy, since the jitted functions give their first argument's memory away.
        parameters = [(jnp.array(W), jnp.array(b)) for W, b in task.parameters()]
        velocity = jax.tree.map(jnp.zeros_like, parameters) if task.recipe.momentum else None
        self._state = (parameters, velocity)
        self._shuffler = generator(task.recipe.seed, "shuffle")

    def epoch(self, number: int, rates: NDArray[np.float32]) -> None:  # noqa: ARG002
        """Train once on every image."""
        N, B = len(self._images), self._task.batch_size
        if N == B:
            self._state = self._step(self._state, self._images, self._targets, rates[0])
        else:
            order = self._shuffler.permutation(N).astype(np.int32)
            if self._by_steps:
                self._epoch_by_steps(order, rates)
            else:
                whole = N // B * B
                rows = order[:whole].reshape(-1, B), order[whole:]
                self._state = self._scan(self._state, self._images, self._targets, rows, rates)
        jax.block_until_ready(self._state)

    def classes(self) -> NDArray[Any]:
        """Read the test images."""
        return np.asarray(self._outputs(self._state[0], self._test).argmax(axis=1))

    def _epoch_by_steps(self, order: NDArray[np.int32], rates: NDArray[np.float32]) -> None:
        for i, rate in enumerate(rates):
            rows = order[i * self._task.batch_size : (i + 1) * self._task.batch_size]
            self._state = self._step(self._state, self._images, self._targets, rate, rows)


def _scan(
    update: Any,
    gather: str,
    unroll: int,
    state: Any,
    images: Any,
    targets: Any,
    rows: Any,
    rates: Any,
) -> Any:
    """Run the whole batches of an epoch, then the smaller last one if there is one."""
    batches, rest = rows  # (steps, B), (n,)
    if gather == "epoch":
        xs = _rows(images, batches.reshape(-1)).reshape(*batches.shape, -1)  # (steps, B, I)
        ts = _rows(targets, batches.reshape(-1)).reshape(*batches.shape, *targets.shape[1:])

        def body(state: Any, batch: Any) -> Any:
            x, t, rate = batch
            return update(state, x, t, rate), None

        state, _ = jax.lax.scan(body, state, (xs, ts, rates[: len(batches)]), unroll=unroll)
    else:

        def body(state: Any, batch: Any) -> Any:
            batch_rows, rate = batch
            return update(state, images, targets, rate, batch_rows), None

        state, _ = jax.lax.scan(body, state, (batches, rates[: len(batches)]), unroll=unroll)
    return update(state, images, targets, rates[-1], rest) if len(rest) else state


def _update(task: Task, loss: Any, state: Any, x: Any, t: Any, rate: Any, rows: Any = None) -> Any:
    """Take one step from some rows of x and t, or from all."""
    if rows is not None:
        x, t = _rows(x, rows), _rows(t, rows)
    parameters, velocity = state
    gradients = jax.grad(lambda p: loss(_outputs(task, p, x), t))(parameters)
    if velocity is not None:
        momentum = task.recipe.momentum
        velocity = gradients = jax.tree.map(lambda v, g: momentum * v + g, velocity, gradients)
    return jax.tree.map(lambda p, g: p - rate * g, parameters, gradients), velocity


def _rows(a: Any, rows: Any) -> Any:
    """Gather without the checks for indices that are negative or too large."""
    return a.at[rows].get(mode="promise_in_bounds", wrap_negative_indices=False)


def _outputs(task: Task, parameters: Any, x: Any) -> Any:
    for i, (W, b) in enumerate(parameters):
        last = i == len(parameters) - 1
        x = ACTIVATIONS[task.output if last else task.activation](x @ W + b)
    return x


def _cross_entropy(logits: Any, labels: Any) -> Any:
    chosen = jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], axis=1)
    return -chosen.mean()


def _quadratic(a: Any, t: Any) -> Any:
    return 0.5 * jnp.square(a - t).sum(axis=1).mean()


if __name__ == "__main__":
    serve(Jax, "jax", "jaxlib")
