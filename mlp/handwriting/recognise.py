"""From a picture of handwriting to what a network says of it: the pipeline, then the network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp.common.errors import ModelError
from mlp.common.html import picture, side_by_side, table
from mlp.data.batches import Batches
from mlp.data.task import Task
from mlp.handwriting import Digit, constants, extract_digit, extract_digits
from mlp.handwriting.doubt import combine, confidence, evidence_of
from mlp.handwriting.segment import row_lengths
from mlp.models import predict
from mlp.models.calibration import confidence_in
from mlp.models.metadata import task_of
from mlp.nn.network import MLP

SHOWN = 140
"""Pixels: about as large is each stage in a notebook."""


@dataclass(frozen=True)
class Answer:
    """What a network says of one digit.

    Attributes:
        digit: the digit as the network saw it, and how it came about.
        probabilities: of each class or of each yes, float64 of shape (C,): by the digit's
            image and its views, see `mlp.handwriting.doubt`.
        names: of the C classes or questions.
        text: the answer in words, such as ``7``, ``yes`` or ``3 and 8``.
        confidence: the probability that it is correct, 0 to 1; of several answers, the least.
    """

    digit: Digit
    probabilities: NDArray[np.float64]
    names: list[str]
    text: str
    confidence: float

    def _repr_html_(self) -> str:
        """Show how the picture became the network's image, and what it answers, in a notebook."""
        stages = [(name, _shown(name, stage)) for name, stage in self.digit.stages.items()]
        blocks = stages or [("image", _shown("image", self.digit.image))]
        order = np.argsort(-self.probabilities, kind="stable")
        rows = [(self.names[k], f"{self.probabilities[k]:.2%}") for k in order[:3]]
        answer = f"{self.text}, {self.confidence:.2%} sure"
        return (
            f"<div><p><b>{escape(answer)}</b></p>{side_by_side(blocks)}"
            f"{table(('answer', 'probability'), rows)}</div>"
        )


def _shown(name: str, stage: NDArray[Any]) -> str:
    """Draw a stage as ink on paper, of about `SHOWN` pixels."""
    values = stage.astype(np.float64)
    low, high = values.min(), values.max()
    ink = (values - low) / (high - low) if high > low else np.zeros_like(values)
    down = -(-max(ink.shape) // SHOWN)  # every so many pixels are enough to see
    pixels = np.round(255 * (1 - ink[::down, ::down])).astype(np.uint8)
    return picture(pixels, name, max(1, SHOWN // max(pixels.shape)))


def check_input_size(model: MLP) -> None:
    """Refuse a model of images of another size than the pipeline's.

    Raises:
        ModelError: if its input is not 28 x 28 pixels.
    """
    side = constants.MNIST_SIDE
    if model.sizes[0] != side**2:
        raise ModelError(
            f"the model takes images of {model.sizes[0]} pixels, but handwriting is brought to "
            f"{side} x {side}: use a model that was trained on such images"
        )


def recognise_digit(model: MLP, picture: NDArray[np.uint8]) -> Answer:
    """Recognise the one digit in a picture.

    Args:
        model: a model of images of 28 x 28 pixels.
        picture: as `mlp.handwriting.extract_digit` takes it.

    Raises:
        NoDigit: if there is none.
        SeveralDigits: if there are more.
        ModelError: if the model takes images of another size.
    """
    return recognise(model, [extract_digit(picture)])[0]


def recognise_digits(model: MLP, picture: NDArray[np.uint8]) -> list[Answer]:
    """Recognise rows of digits, top to bottom, and in each row left to right.

    Args:
        model: a model of images of 28 x 28 pixels.
        picture: as `mlp.handwriting.extract_digit` takes it.

    Raises:
        NoDigit: if there is none.
        ModelError: if the model takes images of another size.
    """
    return recognise(model, extract_digits(picture))


def recognise(model: MLP, digits: list[Digit]) -> list[Answer]:
    """Ask a model which digits these are: of each its image and its views, all in one batch.

    Raises:
        ModelError: if the model takes images of another size.
    """
    return recognise_each(model, [digits])[0]


def recognise_each(model: MLP, pictures: Sequence[list[Digit]]) -> list[list[Answer]]:
    """Ask a model which digits pictures show: one call, in which each is answered by itself.

    So an answer is the same to the last bit, whatever else is asked.

    Args:
        model: a model of images of 28 x 28 pixels.
        pictures: the digits of each picture, if any.

    Returns:
        The answers to the digits of each.

    Raises:
        ModelError: if the model takes images of another size.
    """
    check_input_size(model)
    digits = [digit for its in pictures for digit in its]
    if not digits:
        return [[] for _ in pictures]
    task = task_of(model)
    names = task.names_of(model.sizes[-1])
    by_view = _read(model, digits, [len(its) for its in pictures if its])  # (N, V, C)
    probabilities = combine(by_view)  # (N, C)
    answers = task.decide(probabilities, logits=False)  # (N,) or (N, C)
    views = by_view.swapaxes(0, 1)
    of_answers = [confidence_in(answers, view, task).reshape(len(digits), -1) for view in views]
    sure = confidence(np.stack(of_answers, axis=1), evidence_of(digits)).min(axis=1)  # (N,)
    found = (
        Answer(digit, probabilities[n], names, task.describe(answers[n], names), float(sure[n]))
        for n, digit in enumerate(digits)
    )
    return [list(islice(found, len(its))) for its in pictures]


def _read(model: MLP, digits: list[Digit], counts: list[int]) -> NDArray[np.float64]:
    """Return the probabilities of digits, by view: float64 of shape (N, V, C).

    Args:
        model: what reads them.
        digits: those of all pictures.
        counts: how many of them each picture has.
    """
    images = np.array([(digit.image, *digit.views) for digit in digits])  # (N, V, 28, 28)
    views = images.shape[1]
    rows = images.reshape(-1, *images.shape[2:])  # (N V, 28, 28)
    batches = Batches(rows, np.zeros(len(rows), np.int64), model)
    with np.errstate(all="ignore"):  # weights of any size may be asked
        outputs = predict.outputs(model, batches, (views * np.cumsum(counts)).tolist())
        each = np.nan_to_num(predict.probabilities_of(model, outputs))
    return each.reshape(len(digits), views, -1)


def rows_of(answers: list[Answer]) -> list[list[Answer]]:
    """Take answers to the digits of a picture, in reading order, as the rows they stand in."""
    ahead = iter(answers)
    lengths = row_lengths([answer.digit.box for answer in answers])
    return [list(islice(ahead, length)) for length in lengths]


def join(answers: list[Answer], between: str = " ") -> str:
    """Write answers, in order, as one text: ``1984``, or ``yes no``.

    Args:
        answers: to the digits of a picture.
        between: stands between two rows of them.
    """
    rows = [[answer.text for answer in row] for row in rows_of(answers)]
    beside = "" if all(len(text) == 1 for row in rows for text in row) else " "
    return between.join(map(beside.join, rows))


def is_correct(answers: list[Answer], label: str, task: Task) -> bool:
    """Whether the answers say what a picture's label says.

    Args:
        answers: of one digit or of a line.
        label: the text itself, with or without spaces between its rows; of a binary task, the
            digit will do as well.
        task: what the network answers.
    """
    if task.kind == "binary" and len(label) <= 3 and label.isascii() and label.isdecimal():
        label = "yes" if int(label) in task.positive else "no"
    return " ".join(label.split()) in (join(answers), join(answers, ""))
