"""JAX: one jitted function that scans over the batches of an epoch."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from bench.harness.job import Job
from bench.peers.serve import Peer, serve
from mlp.common.rng import generator

ACTIVATIONS = {"relu": jax.nn.relu, "sigmoid": jax.nn.sigmoid, "identity": lambda x: x}


class Jax(Peer):
    """Options.

    ``device``
        ``cpu`` unless given; JAX takes the first GPU for any other.
    ``loop``
        ``scan`` runs an epoch as one jitted scan; ``steps`` calls one jitted step from Python.
    ``gather``
        within a scan: ``batch`` indexes the images for each update, ``epoch`` copies all in the
        new order first.
    ``unroll``
        how many updates the scan's compiled body holds.

    The number of threads is set by the environment, before JAX starts.
    """

    def __init__(self, job: Job) -> None:
        self._job, options = job, job.options
        if options.get("device", "cpu") != "cpu":
            if jax.default_backend() != "gpu":
                raise RuntimeError("JAX sees no GPU")
            jax.config.update("jax_default_matmul_precision", "float32")  # else it takes TF32
        self._images = jnp.asarray(job.rows("train"))  # (N, I)
        self._test = jnp.asarray(job.rows("test"))
        labels = jnp.asarray(job.load("train_labels").astype(np.int32))
        quadratic = job.recipe.loss == "quadratic"
        self._targets = jax.nn.one_hot(labels, job.sizes[-1]) if quadratic else labels
        self._update = partial(_update, job, _quadratic if quadratic else _cross_entropy)
        self._by_steps = options.get("loop") == "steps" and job.recipe.batch_size != "full"
        self._step = jax.jit(self._update, donate_argnums=0)
        self._scan = jax.jit(
            partial(_scan, self._update, options.get("gather", "batch"), options.get("unroll", 1)),
            donate_argnums=0,
        )
        self._outputs = jax.jit(partial(_outputs, job))

    def start(self, job: Job) -> None:
        """Take the weights and the seed."""
        # A copy, since the jitted functions give their first argument's memory away.
        parameters = [(jnp.array(W), jnp.array(b)) for W, b in job.parameters()]
        velocity = jax.tree.map(jnp.zeros_like, parameters) if job.recipe.momentum else None
        self._state = (parameters, velocity)
        self._shuffler = generator(job.recipe.seed, "shuffle")

    def epoch(self, number: int, lrs: NDArray[np.float32]) -> None:  # noqa: ARG002
        """Train once on every image."""
        N, B = len(self._images), self._job.batch_size
        if N == B:
            self._state = self._step(self._state, self._images, self._targets, lrs[0])
        else:
            order = self._shuffler.permutation(N).astype(np.int32)
            if self._by_steps:
                self._epoch_by_steps(order, lrs)
            else:
                whole = N // B * B
                rows = order[:whole].reshape(-1, B), order[whole:]
                self._state = self._scan(self._state, self._images, self._targets, rows, lrs)

    def wait(self) -> None:
        """Wait until the device has done its work."""
        jax.block_until_ready(self._state)

    def classes(self) -> NDArray[Any]:
        """Classify the test images."""
        return np.asarray(self._outputs(self._state[0], self._test).argmax(axis=1))

    def _epoch_by_steps(self, order: NDArray[np.int32], lrs: NDArray[np.float32]) -> None:
        for i, lr in enumerate(lrs):
            rows = order[i * self._job.batch_size : (i + 1) * self._job.batch_size]
            self._state = self._step(self._state, self._images, self._targets, lr, rows)


def _scan(
    update: Any,
    gather: str,
    unroll: int,
    state: Any,
    images: Any,
    targets: Any,
    rows: Any,
    lrs: Any,
) -> Any:
    """Run the whole batches of an epoch, then the smaller last one if there is one."""
    batches, rest = rows  # (steps, B), (n,)
    if gather == "epoch":
        xs = _rows(images, batches.reshape(-1)).reshape(*batches.shape, -1)  # (steps, B, I)
        ts = _rows(targets, batches.reshape(-1)).reshape(*batches.shape, *targets.shape[1:])

        def body(state: Any, batch: Any) -> Any:
            x, t, lr = batch
            return update(state, x, t, lr), None

        state, _ = jax.lax.scan(body, state, (xs, ts, lrs[: len(batches)]), unroll=unroll)
    else:

        def body(state: Any, batch: Any) -> Any:
            batch_rows, lr = batch
            return update(state, images, targets, lr, batch_rows), None

        state, _ = jax.lax.scan(body, state, (batches, lrs[: len(batches)]), unroll=unroll)
    return update(state, images, targets, lrs[-1], rest) if len(rest) else state


def _update(job: Job, loss: Any, state: Any, x: Any, t: Any, lr: Any, rows: Any = None) -> Any:
    """Take one step from some rows of x and t, or from all."""
    if rows is not None:
        x, t = _rows(x, rows), _rows(t, rows)
    parameters, velocity = state
    gradients = jax.grad(lambda p: loss(_outputs(job, p, x), t))(parameters)
    if velocity is not None:
        momentum = job.recipe.momentum
        velocity = gradients = jax.tree.map(lambda v, g: momentum * v + g, velocity, gradients)
    return jax.tree.map(lambda p, g: p - lr * g, parameters, gradients), velocity


def _rows(a: Any, rows: Any) -> Any:
    """Gather without the checks for indices that are negative or too large."""
    return a.at[rows].get(mode="promise_in_bounds", wrap_negative_indices=False)


def _outputs(job: Job, parameters: Any, x: Any) -> Any:
    for i, (W, b) in enumerate(parameters):
        last = i == len(parameters) - 1
        x = ACTIVATIONS[job.output if last else job.activation](x @ W + b)
    return x


def _cross_entropy(logits: Any, labels: Any) -> Any:
    chosen = jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], axis=1)
    return -chosen.mean()


def _quadratic(a: Any, t: Any) -> Any:
    return 0.5 * jnp.square(a - t).sum(axis=1).mean()


if __name__ == "__main__":
    serve(Jax, "jax", "jaxlib")
