"""What a training run measured, epoch by epoch."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Epoch:
    """What was measured at the end of one epoch.

    Attributes:
        epoch: its number, from 1.
        loss: the mean of the losses of its updates, each taken before the update; or what the
            recipe's ``loss_on`` asks for instead.
        train_accuracy: on the training images, after the epoch or running, as the recipe's
            ``train_accuracy`` has it, 0 to 1.
        test_accuracy: on the test images, after the epoch.
        validation_accuracy: on the images held out, after the epoch; None where there are none.
        seconds: of training alone, without evaluation, since the epoch reported before.
    """

    epoch: int
    loss: float
    train_accuracy: float
    test_accuracy: float
    validation_accuracy: float | None
    seconds: float


@dataclass
class History:
    """The reported epochs of a run, and whether it was ended early by an interrupt."""

    epochs: list[Epoch] = field(default_factory=list)
    interrupted: bool = False

    @property
    def train_seconds(self) -> float:
        """The seconds of training alone, over all epochs."""
        return sum(epoch.seconds for epoch in self.epochs)
