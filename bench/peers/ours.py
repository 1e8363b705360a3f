"""This project: `mlp.training.trainer.Trainer`, as ``mlp train`` uses it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.harness.job import Task
from bench.peers.serve import serve
from mlp.data.dataset import Split
from mlp.models.predict import predict
from mlp.nn.network import MLP
from mlp.training.trainer import Trainer


class Ours:
    """Option: ``mapped`` leaves the images on disk until they are touched."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._model = MLP(task.sizes, task.activation, task.output)
        images = task.load("train_images", mapped=task.options.get("mapped", False))
        self._split = Split(images, task.load("train_labels"))

    def start(self, task: Task) -> None:
        """Take the weights and the seed."""
        for layer, (W, b) in zip(self._model.linear, task.parameters(), strict=True):
            layer.W[...], layer.b[...] = W, b
        self._trainer = Trainer(self._model, self._split, task.recipe)

    def epoch(self, number: int, rates: NDArray[np.float32]) -> None:  # noqa: ARG002
        """Train once on every image; the trainer works the rates out itself."""
        self._trainer.epoch(number)

    def classes(self) -> NDArray[np.int64]:
        """Read the test images."""
        return predict(self._model, self._task.load("test_images"))


if __name__ == "__main__":
    serve(Ours)
