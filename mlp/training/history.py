"""What a training run measured, epoch by epoch."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

from mlp.data.dataset import Dataset
from mlp.models.metadata import DatasetSummary, Metadata, metadata_of
from mlp.nn.network import MLP
from mlp.training.recipe import Recipe


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


def training_metadata(
    model: MLP, recipe: Recipe, dataset: Dataset, history: History, temperature: float | None
) -> Metadata:
    """Gather what a model file tells of a network and of its training.

    Args:
        model: the trained network.
        recipe: the hyperparameters.
        dataset: what it was trained and tested on.
        history: what was measured.
        temperature: what calibrates its probabilities; None where none was fitted.
    """
    last = history.epochs[-1] if history.epochs else None
    height, width = dataset.train.images.shape[1:]
    return Metadata(
        initialisation=metadata_of(model).initialisation,
        task=dataset.task,
        recipe=asdict(recipe),
        dataset=DatasetSummary(
            name=dataset.name,
            image_shape=(height, width),
            train_images=len(dataset.train),
            train_sha256=dataset.train.checksum,
            test_images=len(dataset.test),
            test_sha256=dataset.test.checksum,
        ),
        history=tuple(asdict(epoch) for epoch in history.epochs),
        train_accuracy=last.train_accuracy if last else None,
        test_accuracy=last.test_accuracy if last else None,
        validation_accuracy=last.validation_accuracy if last else None,
        temperature=temperature,
    )
