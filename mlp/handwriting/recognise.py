"""From a picture of handwriting to what a network says of it: the pipeline, then the network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlp.common.errors import ModelError
from mlp.data.task import Task
from mlp.handwriting import Reading, read_line, read_picture
from mlp.models.calibration import confidence_in
from mlp.models.metadata import task_of
from mlp.models.predict import probabilities
from mlp.nn.network import MLP

SIDE = 28
"""Pixels, each way, of the images that handwriting is brought to."""

SURE = 0.7
"""An answer of less confidence is told as not sure."""


@dataclass(frozen=True)
class Answer:
    """What a network says of one digit.

    Attributes:
        reading: the digit as the network saw it, and how it came about.
        shares: the probability of each class or of each yes, float64 of shape (C,).
        names: of the C classes or questions.
        text: the answer in words, such as ``7``, ``yes`` or ``3 and 8``.
        confidence: the probability that it is right, 0 to 1; of several answers, the least.
    """

    reading: Reading
    shares: NDArray[np.float64]
    names: list[str]
    text: str
    confidence: float


def check_reads_handwriting(model: MLP) -> None:
    """Refuse a network that takes images of another size.

    Raises:
        ModelError: if its input is not `SIDE` x `SIDE` pixels.
    """
    if model.sizes[0] != SIDE**2:
        raise ModelError(
            f"the model takes images of {model.sizes[0]} pixels, but handwriting is brought to "
            f"{SIDE} x {SIDE}: use a model that was trained on such images"
        )


def read_one(model: MLP, picture: NDArray[np.uint8]) -> Answer:
    """Read the one digit in a picture.

    Args:
        model: a network on `SIDE` x `SIDE` pixels.
        picture: as `mlp.handwriting.read_picture` takes it.

    Raises:
        NothingToRead: if there is none.
        SeveralDigits: if there are more.
        ModelError: if the network takes images of another size.
    """
    return answer(model, [read_picture(picture)])[0]


def read_several(model: MLP, picture: NDArray[np.uint8]) -> list[Answer]:
    """Read rows of digits, top to bottom, left to right; the arguments are those of `read_one`.

    Raises:
        NothingToRead: if there is none.
        ModelError: if the network takes images of another size.
    """
    return answer(model, read_line(picture))


def answer(model: MLP, readings: list[Reading]) -> list[Answer]:
    """Ask a network of digits that are in MNIST's form."""
    check_reads_handwriting(model)
    task = task_of(model)
    names = task.names_of(model.sizes[-1])
    with np.errstate(all="ignore"):  # weights of any size are to be asked
        images = np.array([reading.image for reading in readings])  # (N, 28, 28)
        shares = np.nan_to_num(probabilities(model, images))  # (N, C)
    answers = task.decide(shares, logits=False)  # (N,) or (N, C)
    confidence = confidence_in(answers, shares, task).reshape(len(readings), -1).min(axis=1)
    return [
        Answer(readings[n], shares[n], names, task.describe(answers[n], names), float(sure))
        for n, sure in enumerate(confidence)
    ]


def join(answers: list[Answer]) -> str:
    """Write what was read, in order, as one text: ``1984``, or ``yes no``."""
    texts = [answer.text for answer in answers]
    return ("" if all(len(text) == 1 for text in texts) else " ").join(texts)


def is_right(answers: list[Answer], label: str, task: Task) -> bool:
    """Whether a picture's label says what was read.

    Args:
        answers: of one digit or of a line.
        label: the text itself; of a binary task, the digit will do as well.
        task: what the network answers.
    """
    if task.kind == "binary" and label.isascii() and label.isdecimal():
        label = "yes" if int(label) in task.positive else "no"
    return label == join(answers)
