"""What a run measures its network on between epochs."""

from __future__ import annotations

from mlp.batches import Batches
from mlp.datasets.dataset import Split
from mlp.errors import UsageError
from mlp.inference import decide, outputs
from mlp.metrics import accuracy
from mlp.network import MLP


def hold_out(split: Split, validation: float) -> tuple[Split, Split]:
    """Cut the last images off for validation.

    Args:
        split: the training images.
        validation: how many to hold out: a share below 1, a count from 1 on.

    Returns:
        The images to train on, and those held out.

    Raises:
        UsageError: if none is left to train on.
    """
    count = round(validation * len(split)) if validation < 1 else int(validation)
    if count >= len(split):
        raise UsageError(
            f"a validation split of {count:,} leaves nothing of {len(split):,} training images: "
            "hold out fewer"
        )
    return split[: len(split) - count], split[len(split) - count :]


class Evaluation:
    """A network with the images that it is not trained on, on its device.

    Args:
        model: the network.
        test: the test images.
        held_out: the validation images; may be none.
    """

    def __init__(self, model: MLP, test: Split, held_out: Split) -> None:
        self._model = model
        self._test = Batches(test.images, test.labels, model)
        self._held_out = Batches(held_out.images, held_out.labels, model)

    def test_accuracy(self) -> float:
        """Compute the accuracy on the test images, 0 to 1."""
        return self.accuracy_on(self._test)

    def validation_accuracy(self) -> float | None:
        """Compute the accuracy on the validation images; None where there are none."""
        return self.accuracy_on(self._held_out) if len(self._held_out) else None

    def accuracy_on(self, batches: Batches) -> float:
        """Compute the accuracy on any images, 0 to 1."""
        answers = decide(self._model, outputs(self._model, batches))
        return accuracy(answers, self._model.backend.to_numpy(batches.labels))
