"""The same digits relabelled for another task: one yes-or-no question, or two digits an image."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from mlp.common.errors import UsageError
from mlp.common.rng import generator
from mlp.common.whole import as_whole
from mlp.data.dataset import Dataset, Split
from mlp.data.task import Task

SHIFT = 4
"""The most pixels that each of two overlaid digits is moved in each direction."""


def as_binary(dataset: Dataset, positive: Sequence[int]) -> Dataset:
    """Relabel images with whether their class is among ``positive``: a binary task.

    Args:
        dataset: images of one class each.
        positive: the names of the classes whose answer is yes, which are numbers.

    Returns:
        The same images with labels of shape (N, 1).

    Raises:
        UsageError: if a class does not exist, or all or none are positive.
    """
    names = dataset.task.names_of(dataset.classes)
    asked = {as_whole(number) for number in positive}
    if not asked or not {str(number) for number in asked} < set(names):
        raise UsageError(
            f"--positive takes some but not all of the classes of {dataset.name}, which are "
            f"{', '.join(names)}, by their numbers, not {','.join(map(str, positive))!r}"
        )
    chosen = sorted(number for number in asked if number is not None)  # as model files hold them
    labels = [names.index(str(number)) for number in chosen]  # which count the classes there are
    train, test = (
        Split(split.images, np.isin(split.labels, labels).astype(np.uint8)[:, None])
        for split in (dataset.train, dataset.test)
    )
    task = Task("binary", (" or ".join(map(str, chosen)),), tuple(chosen))
    return dataclasses.replace(dataset, classes=1, train=train, test=test, task=task)


def overlay(dataset: Dataset) -> Dataset:
    """Lay each image over one of another class: a multilabel task, to name the classes in it.

    Each of the two is moved by up to `SHIFT` pixels; where both have ink, the darker counts. The
    pairs and the moves are the same each time, whatever a run's seed, so that networks are trained
    and measured on the same images.

    Args:
        dataset: images of one class each.

    Returns:
        As many images, with labels of shape (N, C), two of them 1 in each row.

    Raises:
        UsageError: if a split has images of one class alone, or the data is no images.
    """
    if dataset.train.images.ndim != 3:
        raise UsageError(
            f"{dataset.name} has columns of numbers, and only images can be laid over one another: "
            "take --task multiclass, or a table with several columns of answers"
        )
    rng = generator(0, "overlay")
    train, test = (_overlay(split, dataset.classes, rng) for split in (dataset.train, dataset.test))
    names = tuple(dataset.task.names_of(dataset.classes))
    return dataclasses.replace(
        dataset,
        name=f"{dataset.name}-overlaid",
        train=train,
        test=test,
        task=Task("multilabel", names),
    )


def _overlay(split: Split, classes: int, rng: np.random.Generator) -> Split:
    N = len(split)
    partner = _other_class(split.labels, rng)  # (N,)
    upper, lower = (_shift(split.images[rows], rng) for rows in (np.arange(N), partner))
    labels = np.zeros((N, classes), np.uint8)
    labels[np.arange(N), split.labels] = 1
    labels[np.arange(N), split.labels[partner]] = 1
    return Split(np.maximum(upper, lower), labels)


def _other_class(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Choose for each row another row whose label differs, shape (N,).

    Raises:
        UsageError: if all labels are equal.
    """
    if (labels == labels[0]).all():
        raise UsageError(
            "the images are all of one class, but are to be overlaid with another: take a dataset "
            "of two classes or more"
        )
    partner = rng.integers(len(labels), size=len(labels))  # (N,)
    while len(same := np.flatnonzero(labels[partner] == labels)):
        partner[same] = rng.integers(len(labels), size=len(same))
    return partner


def _shift(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Move each image by whole pixels; ink that is moved over the edge is lost."""
    N, H, W = images.shape
    padded = np.pad(images, ((0, 0), (SHIFT, SHIFT), (SHIFT, SHIFT)))  # (N, H + 2S, W + 2S)
    down, right = rng.integers(0, 2 * SHIFT + 1, size=(2, N, 1, 1))
    rows = down + np.arange(H)[None, :, None]  # (N, H, 1)
    columns = right + np.arange(W)[None, None, :]  # (N, 1, W)
    moved: np.ndarray = padded[np.arange(N)[:, None, None], rows, columns]  # (N, H, W)
    return moved
