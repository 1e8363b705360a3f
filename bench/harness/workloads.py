"""The six workloads: small and middling networks, small batches and full ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mlp.training.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class Workload:
    """One network and the plain SGD that trains it.

    Attributes:
        hidden: the widths between the images' pixels and the classes.
        batch_size: images an update, or ``"full"``.
        lr: the learning rate, the same all the time.
        activation: what follows each hidden layer.
        output: what follows the last layer.
        loss: as in `mlp.training.recipe.Recipe`.
        turn: epochs that one arm runs before it is the next one's turn; a full-batch epoch is a
            single update, too short to time alone.
        tolerance: how far the arms' test accuracies may lie apart after the same epochs. The
            start is shared and so are the shuffles (scikit-learn's apart), so in a full batch
            only rounding is left.
    """

    hidden: tuple[int, ...]
    batch_size: int | Literal["full"]
    lr: float
    activation: str = "relu"
    output: str = "identity"
    loss: str = "cross_entropy"
    turn: int = 1
    tolerance: float = 0.01

    @property
    def name(self) -> str:
        """What the tables call it, such as ``784-16-16-10 b32``; 784 pixels and 10 classes."""
        batch = "full batch" if self.batch_size == "full" else f"b{self.batch_size}"
        return f"784-{'-'.join(map(str, self.hidden))}-10 {batch}"

    def recipe(self, seed: int) -> Recipe:
        """Return its hyperparameters: a constant rate, no momentum."""
        return Recipe(
            loss=self.loss,
            batch_size=self.batch_size,
            lr=self.lr,
            momentum=0.0,
            schedule="constant",
            warmup=0.0,
            seed=seed,
        )


WORKLOADS = (
    Workload(hidden=(16, 16), batch_size=32, lr=0.05),
    Workload(hidden=(196, 49, 16), batch_size=32, lr=0.05),
    Workload(
        hidden=(36,),
        batch_size=10,
        lr=1.0,
        activation="sigmoid",
        output="sigmoid",
        loss="quadratic",
    ),
    Workload(hidden=(10,), batch_size="full", lr=0.2, turn=10, tolerance=0.002),
    Workload(hidden=(256, 128), batch_size=128, lr=0.1),
    Workload(hidden=(128,), batch_size="full", lr=0.2, turn=5, tolerance=0.002),
)
