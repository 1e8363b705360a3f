"""What is timed: a network, its recipe and images, and how much work an epoch of them is."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from backends import Backend
from mlp.common.rng import generator
from mlp.data.dataset import Split
from mlp.nn.network import MLP
from mlp.training.architecture import Architecture
from mlp.training.recipe import Recipe
from mlp.training.trainer import Trainer

SIDE, CLASSES = 28, 10
"""Height and width of noise images, and their classes: those of MNIST."""

PIXELS = SIDE * SIDE

LR = 1e-4
"""The time of an epoch does not depend on the learning rate; with this one, no network diverges."""


@dataclass(frozen=True, kw_only=True)
class Workload:
    """A network, how it is trained, and on what.

    Attributes:
        architecture: the network; its input and output are as wide as the images and classes.
        recipe: how it is trained; its learning rate and schedule are replaced by a constant `LR`.
        images: the training images.
        classes: the number of classes.
    """

    architecture: Architecture
    recipe: Recipe
    images: Split
    classes: int = CLASSES

    @property
    def sizes(self) -> tuple[int, ...]:
        """The widths of all layers, input and output included."""
        pixels = math.prod(self.images.images.shape[1:])
        return (pixels, *self.architecture.hidden, self.classes)

    @property
    def name(self) -> str:
        """The widths as one word, such as ``784-128-10``."""
        return network_name(self.sizes)

    @property
    def flop(self) -> int:
        """Floating-point operations of an epoch; see `count_flop`."""
        return count_flop(self.sizes, len(self.images))

    @property
    def image_bytes(self) -> int:
        """Bytes that an epoch must read at the least: each image once, as it is stored."""
        return self.images.images.nbytes

    @property
    def float_bytes(self) -> int:
        """Bytes that an epoch moves if every layer's arrays pass through memory.

        The images twice, for y and for dW, and six arrays of the size of each hidden layer: its
        products, its activations and their gradients, each written once and read once.
        """
        pixels, *hidden, _ = self.sizes
        width = np.dtype(self.architecture.dtype).itemsize
        return width * len(self.images) * (2 * pixels + 6 * sum(hidden))

    def build(self, backend: Backend) -> MLP:
        """Make the network on a device."""
        pixels, loss, seed = self.sizes[0], self.recipe.loss, self.recipe.seed
        return self.architecture.build(pixels, self.classes, loss, seed, backend)

    def trainer(self, backend: Backend) -> Trainer:
        """Make the network on a device, and the trainer for it."""
        recipe = dataclasses.replace(
            self.recipe, lr=LR, schedule="constant", warmup=0.0, train_accuracy="after"
        )
        return Trainer(self.build(backend), self.images, recipe)


def noise(count: int, seed: int = 0, side: int = SIDE) -> Split:
    """Make random images and labels; training on them takes as long as on any others.

    Args:
        count: how many.
        seed: where the randomness starts.
        side: height and width of an image, in pixels.

    Returns:
        Images of shape (count, side, side) and labels of shape (count,), both uint8.
    """
    rng = generator(seed, "noise")
    images = rng.integers(0, 256, (count, side, side), np.uint8)
    return Split(images, rng.integers(0, CLASSES, count, np.uint8))


def count_flop(sizes: Sequence[int], images: int) -> int:
    """Count the floating-point operations of an epoch's matrix products.

    Each layer takes 2 · N · I · O for y, for dW and for dx; the first layer has no dx. A
    multiplication and the addition of its result count as two.

    Args:
        sizes: the widths of all layers, input and output included.
        images: N, the number of images in an epoch.
    """
    products = [2 * images * inputs * outputs for inputs, outputs in pairwise(sizes)]
    return 3 * sum(products) - products[0]


def network_name(sizes: Sequence[int]) -> str:
    """Write the widths of a network as one word, such as ``784-128-10``."""
    return "-".join(map(str, sizes))
