"""What a training run measured, epoch by epoch."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Epoch:
    """What was measured in one epoch.

    Attributes:
        epoch: its number, from 1.
        loss: the mean of the losses of its updates, each taken before the update.
        train_accuracy: on the training images, after the epoch, 0 to 1.
        test_accuracy: on the test images, after the epoch.
        validation_accuracy: on the images held out, after the epoch; None where there are none.
        seconds: of training alone, without evaluation.
    """

    epoch: int
    loss: float
    train_accuracy: float
    test_accuracy: float
    validation_accuracy: float | None
    seconds: float


@dataclass
class History:
    """The epochs of a run, and whether it was ended early by an interrupt."""

    epochs: list[Epoch] = field(default_factory=list)
    interrupted: bool = False

    @property
    def train_seconds(self) -> float:
        """The seconds of training alone, over all epochs."""
        return sum(epoch.seconds for epoch in self.epochs)
