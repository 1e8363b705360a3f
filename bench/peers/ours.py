"""This project: `mlp.training.trainer.Trainer`, as ``mlp train`` uses it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.harness.job import Job
from bench.peers.serve import Peer, serve
from mlp.data.dataset import Split
from mlp.models.predict import predict
from mlp.nn.network import MLP
from mlp.training.trainer import Trainer


class Ours(Peer):
    """Option: ``mapped`` leaves the images on disk until they are touched."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._model = MLP(job.sizes, job.activation, job.output)
        images = job.load("train_images", mapped=job.options.get("mapped", False))
        self._split = Split(images, job.load("train_labels"))

    def start(self, job: Job) -> None:
        """Take the weights and the seed."""
        for layer, (W, b) in zip(self._model.linear, job.parameters(), strict=True):
            assert layer.b is not None
            layer.W[...], layer.b[...] = W, b
        self._trainer = Trainer(self._model, self._split, job.recipe)

    def epoch(self, number: int, lrs: NDArray[np.float32]) -> None:  # noqa: ARG002
        """Train once on every image; the trainer works the learning rates out itself."""
        self._trainer.epoch(number)

    def classes(self) -> NDArray[np.int64]:
        """Classify the test images."""
        return predict(self._model, self._job.load("test_images"))


if __name__ == "__main__":
    serve(Ours)
