"""What an arm's process is asked to train: sent by the driver as JSON, and read back by it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp.data.dataset import Dataset
from mlp.nn.network import MLP
from mlp.nn.schedules import epoch_learning_rates
from mlp.training.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class Job:
    """One network, its start, its images and its recipe.

    Attributes:
        data: the folder that `write_dataset` wrote.
        weights: the file that `write_weights` wrote.
        sizes: the widths, input and output included.
        activation: what follows each hidden layer.
        output: what follows the last layer.
        recipe: the hyperparameters.
        options: the process's own settings, such as ``{"threads": 2}``.
        count: how many of the first training images to train on; all unless given.
    """

    data: str
    weights: str
    sizes: tuple[int, ...]
    activation: str = "relu"
    output: str = "identity"
    recipe: Recipe = field(default_factory=Recipe)
    options: dict[str, Any] = field(default_factory=dict)
    count: int | None = None

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Job:
        """Rebuild a job from what `to_dict` gave."""
        job = cls(**values)
        return replace(job, sizes=tuple(job.sizes), recipe=Recipe(**values["recipe"]))

    def to_dict(self) -> dict[str, Any]:
        """Turn it into what JSON can carry."""
        return dict(json.loads(json.dumps(asdict(self))))

    def load(self, name: str, *, mapped: bool = False) -> NDArray[Any]:
        """Read ``train_images`` (N, H, W), ``train_labels`` (N,) or their ``test_`` counterparts.

        Args:
            name: which.
            mapped: leave the bytes on disk until they are touched.
        """
        array = np.load(Path(self.data) / f"{name}.npy", mmap_mode="r")
        if name.startswith("train"):
            array = array[: self.count]
        return array if mapped else np.array(array)

    def rows(self, split: str) -> NDArray[np.float32]:
        """Return a split's images as floats from 0 to 1, shape (N, I)."""
        images = self.load(f"{split}_images")
        return images.reshape(len(images), -1) * np.float32(1.0 / 255.0)

    def parameters(self) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        """Return the start: W of shape (I, O) and b of shape (O,) for each layer."""
        with np.load(self.weights) as arrays:
            return [(arrays[f"W{i}"], arrays[f"b{i}"]) for i in range(len(self.sizes) - 1)]

    @cached_property
    def batch_size(self) -> int:
        """Images an update."""
        count = self._images
        return count if self.recipe.batch_size == "full" else min(self.recipe.batch_size, count)

    @cached_property
    def _images(self) -> int:
        return len(self.load("train_labels", mapped=True))

    def lrs(self, number: int) -> NDArray[np.float32]:
        """Return the learning rate of each update of an epoch, shape (steps,)."""
        r, steps = self.recipe, -(-self._images // self.batch_size)
        lrs = epoch_learning_rates(r.schedule, r.lr, r.warmup, r.epochs, number, steps)
        return np.array(lrs, np.float32)


def write_dataset(dataset: Dataset, folder: Path) -> None:
    """Write a dataset where processes find it: four .npy files, images as uint8."""
    for name, split in (("train", dataset.train), ("test", dataset.test)):
        np.save(folder / f"{name}_images.npy", split.images)
        np.save(folder / f"{name}_labels.npy", split.labels)


def write_weights(path: Path, sizes: tuple[int, ...], seed: int) -> None:
    """Write the weights that all arms start from: those of this project for the seed."""
    layers = MLP(sizes, seed=seed).linear
    arrays = {f"{name}{i}": getattr(layer, name) for i, layer in enumerate(layers) for name in "Wb"}
    np.savez(path, **arrays)
