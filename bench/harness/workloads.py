"""The networks that are timed: the six workloads of the comparison, and those of the studies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mlp.benchmark.workload import CLASSES, PIXELS, network_name
from mlp.training.recipe import Recipe

NETWORKS = {(16, 16): 32, (112, 16): 32, (196, 49, 16): 32, (36,): 10, (256, 128): 128}
"""Hidden layers, with the images an update: what `bench.capture` and `bench.overhead` look at."""


def plain_sgd(batch_size: int | Literal["full"], lr: float, loss: str = "cross_entropy") -> Recipe:
    """Return the recipe that every library can follow: a constant learning rate, no momentum."""
    return Recipe(
        batch_size=batch_size, lr=lr, loss=loss, momentum=0.0, schedule="constant", warmup=0.0
    )


@dataclass(frozen=True, kw_only=True)
class SGDWorkload:
    """A network on MNIST, trained by plain SGD.

    Attributes:
        hidden: the widths between the images' pixels and the classes.
        recipe: how it is trained.
        activation: what follows each hidden layer.
        output: what follows the last layer.
        turn: epochs that one arm runs before it is the next one's turn; a full-batch epoch is a
            single update, too short to time alone.
        tolerance: how far the arms' test accuracies may lie apart after the same epochs. The
            start is shared and so are the shuffles (except scikit-learn's), so in a full batch
            only rounding is left.
    """

    hidden: tuple[int, ...]
    recipe: Recipe
    activation: str = "relu"
    output: str = "identity"
    turn: int = 1
    tolerance: float = 0.01

    @property
    def name(self) -> str:
        """What the tables call it, such as ``784-16-16-10 b32``."""
        size = self.recipe.batch_size
        batch = "full batch" if size == "full" else f"b{size}"
        return f"{network_name((PIXELS, *self.hidden, CLASSES))} {batch}"


WORKLOADS = (
    SGDWorkload(hidden=(16, 16), recipe=plain_sgd(32, 0.05)),
    SGDWorkload(hidden=(196, 49, 16), recipe=plain_sgd(32, 0.05)),
    SGDWorkload(
        hidden=(36,),
        recipe=plain_sgd(10, 1.0, "quadratic"),
        activation="sigmoid",
        output="sigmoid",
    ),
    SGDWorkload(hidden=(10,), recipe=plain_sgd("full", 0.2), turn=10, tolerance=0.002),
    SGDWorkload(hidden=(256, 128), recipe=plain_sgd(128, 0.1)),
    SGDWorkload(hidden=(128,), recipe=plain_sgd("full", 0.2), turn=5, tolerance=0.002),
)
