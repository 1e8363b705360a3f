"""scikit-learn's MLPClassifier, an epoch at a time by way of partial_fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import sklearn
from numpy.typing import NDArray
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from bench.harness.job import Job
from bench.peers.serve import CannotExpressError, Peer, serve

ACTIVATIONS = {"relu": "relu", "sigmoid": "logistic", "tanh": "tanh", "identity": "identity"}


class Scikit(Peer):
    """Options.

    ``threads``
        of BLAS.
    ``assume_finite``
        skip the search for NaN in the images at each call.
    ``solver``
        ``sgd``, or ``adam`` with its own defaults but for the learning rate.
    """

    def __init__(self, job: Job) -> None:
        _check(job)
        options, r = job.options, job.recipe
        self._limit = threadpool_limits(options["threads"], user_api="blas")
        sklearn.set_config(assume_finite=options.get("assume_finite", False))
        self._x, self._test = job.rows("train"), job.rows("test")  # (N, I)
        self._labels = job.load("train_labels").astype(np.int64)  # (N,)
        self._model = MLPClassifier(
            job.sizes[1:-1],
            activation=ACTIVATIONS[job.activation],
            solver=options.get("solver", "sgd"),
            alpha=0.0,
            batch_size=job.batch_size,
            learning_rate_init=r.lr,
            momentum=r.momentum,
            nesterovs_momentum=False,
            shuffle=r.batch_size != "full",
        )

    def start(self, job: Job) -> None:
        """Take the weights and the seed: make its arrays by a throw-away update, then fill them."""
        model, few = self._model, min(job.batch_size, 10)
        classes = np.arange(job.sizes[-1])
        model.set_params(batch_size=few)
        model.partial_fit(self._x[:few], self._labels[:few], classes=classes)
        shuffles = np.random.RandomState(job.recipe.seed)  # an int would repeat the same one
        model.set_params(batch_size=job.batch_size, random_state=shuffles)
        for i, (W, b) in enumerate(job.parameters()):
            model.coefs_[i][...], model.intercepts_[i][...] = W, b
        del model._optimizer  # and with it the update's velocity

    def epoch(self, number: int, lrs: NDArray[np.float32]) -> None:  # noqa: ARG002
        """Train once on every image."""
        self._model.partial_fit(self._x, self._labels)

    def classes(self) -> NDArray[Any]:
        """Classify the test images."""
        return np.asarray(self._model.predict(self._test))


def _check(job: Job) -> None:
    if job.output != "identity" or job.recipe.loss != "cross_entropy":
        raise CannotExpressError("its classifier ends in softmax and cross-entropy")
    if job.recipe.schedule != "constant" or job.recipe.warmup:
        raise CannotExpressError("it has no warm-up and no linear decay")


if __name__ == "__main__":
    serve(Scikit, "sklearn")
