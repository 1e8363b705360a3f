"""The vote of one image's deformed copies: the mean of what a model says of each, as logarithms.

Sato, Nishimura and Yokoi, APAC: Augmented PAttern Classification with Neural Networks (2015): a
network that learnt from deformed images decides on an image by deformed copies of it as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp.common.threads import blas_threads
from mlp.data.augment import epoch_key
from mlp.data.batches import Batches
from mlp.data.dataset import Split
from mlp.data.deformations import scale_augment
from mlp.models.metadata import task_of
from mlp.models.predict import probabilities_of
from mlp.nn.network import MLP

SHARES = (0.25, 0.5, 0.75, 1.0)
"""Of the numbers of a training's deformation: those that are tried for a vote."""

LEAST = 1e-30
"""A smaller probability counts as this, so that no single copy can rule a class out."""


@dataclass(frozen=True)
class Trial:
    """How a vote did on some images.

    Attributes:
        deformation: of the copies, as `mlp.data.deformations.parse_augment` takes it.
        copies: how many voted on each image.
        errors: images that were answered wrongly.
        cross_entropy: the mean of -log of the probability of what was right.
    """

    deformation: str
    copies: int
    errors: int
    cross_entropy: float

    def to_json(self) -> dict[str, Any]:
        """Return the attributes."""
        return asdict(self)


def vote_of_copies(
    models: Sequence[MLP], images: NDArray[Any], deformation: str, copies: int
) -> NDArray[np.float64]:
    """Let deformed copies of each image vote.

    Args:
        models: of one task, which answers classes or questions; of several, the mean of their
            probabilities is taken of each copy first.
        images: shape (N, height, width), those of a `mlp.data.dataset.Split`.
        deformation: of the copies.
        copies: of each image, 1 or more.

    Returns:
        Probabilities in proportion to the geometric mean over the copies, shape (N, C).
    """
    *_, last = _votes(models, images, deformation, copies)
    return last


def try_votes(models: Sequence[MLP], images: Split, augment: str, copies: int) -> list[Trial]:
    """Try how deformed copies vote, by `SHARES` of a deformation and by powers of two of copies.

    Args:
        models: as for :func:`vote_of_copies`.
        images: with their labels; not trained on.
        augment: the deformation that the models were trained with.
        copies: the most that are tried; the last number tried, whether a power of two or not.
    """
    trials = []
    for share in SHARES:
        deformation = scale_augment(augment, share)
        for n, mean in enumerate(_votes(models, images.images, deformation, copies), start=1):
            if n == copies or n & (n - 1) == 0:
                trials.append(Trial(deformation, n, *_count_errors(models[0], mean, images)))
    return trials


def best_of(trials: Sequence[Trial]) -> Trial:
    """Return the trial with the fewest errors, and of several such the least cross-entropy."""
    return min(trials, key=lambda trial: (trial.errors, trial.cross_entropy))


def _votes(
    models: Sequence[MLP], images: NDArray[Any], deformation: str, copies: int
) -> Iterator[NDArray[np.float64]]:
    """Yield the probabilities (N, C) that one copy of each image gives, then two, and so on."""
    are_questions = task_of(models[0]).kind != "multiclass"
    no_labels = np.zeros(len(images), np.int64)
    batches = [Batches(images, no_labels, model, augment=deformation) for model in models]
    total: Any = 0.0
    for copy in range(copies):
        each = [_ask(m, b, copy) for m, b in zip(models, batches, strict=True)]
        yes = np.mean(each, axis=0)  # (N, C)
        sides = np.array([yes, 1.0 - yes] if are_questions else [yes])  # (1 or 2, N, C)
        total = total + np.log(np.maximum(sides, LEAST))
        likely = np.exp(total / (copy + 1))
        sums = likely.sum(axis=0) if are_questions else likely[0].sum(axis=1, keepdims=True)
        yield likely[0] / sums


@blas_threads(1)  # see `mlp.models.predict.outputs`
def _ask(model: MLP, batches: Batches, copy: int) -> NDArray[np.float64]:
    """Return the probabilities (N, C) of the images' copy of this number, from 0."""
    outputs = np.empty((len(batches), model.sizes[-1]), model.dtype)
    batches.key = epoch_key(0, copy)
    for start, stop in batches.micro_batches(0, len(batches)):
        x, _ = batches.gather(batches.to_device(np.arange(start, stop)), start)
        outputs[start:stop] = model.backend.to_numpy(model.forward(x))
    return probabilities_of(model, outputs)


def _count_errors(
    model: MLP, probabilities: NDArray[np.float64], images: Split
) -> tuple[int, float]:
    answers, labels = task_of(model).decide(probabilities, logits=False), images.labels
    if labels.ndim == 1:
        wrong = answers != labels  # (N,)
        of_right = probabilities[np.arange(len(labels)), labels]  # (N,)
    else:
        wrong = (answers != labels).any(axis=1)
        of_right = np.where(labels == 1, probabilities, 1.0 - probabilities)  # (N, L)
    return int(wrong.sum()), float(-np.log(np.maximum(of_right, LEAST)).mean())
