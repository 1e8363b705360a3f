"""A network's task: to choose one of several classes, answer questions, or estimate numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from backends import Array
from mlp.common.printable import printable_name

Kind = Literal["multiclass", "binary", "multilabel", "regression"]


def score_name(kind: Kind) -> str:
    """Return what says how right the answers of a task are."""
    return "R²" if kind == "regression" else "accuracy"


def score_text(kind: Kind, score: float) -> str:
    """Write an accuracy in percent, and R² as the number that it is."""
    return f"{score:.4f}" if kind == "regression" else f"{score:.2%}"


@dataclass(frozen=True)
class Task:
    """What the labels of a dataset, and so the outputs of a network, mean.

    Attributes:
        kind: ``"multiclass"`` where each image has one class: labels are integers of shape (N,);
            ``"multilabel"`` where each of L questions has its own yes or no: labels are 0 or 1, of
            shape (N, L); ``"binary"`` for one such question, L = 1; ``"regression"`` where each of
            L numbers is estimated: labels are float32 of shape (N, L), standardised.
        names: what each output stands for: C classes, L questions or L numbers.
        positive: of a binary task, the classes whose answer is yes.
        mean, deviation: of regression, those of each number in its own unit over the training
            rows, which a label of 0 and a difference of 1 stand for.
    """

    kind: Kind = "multiclass"
    names: tuple[str, ...] = tuple("0123456789")
    positive: tuple[int, ...] = ()
    mean: tuple[float, ...] = ()
    deviation: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        # They are printed wherever an answer is, and may come from a stranger's file.
        object.__setattr__(self, "names", tuple(map(printable_name, self.names)))

    def to_json(self) -> dict[str, Any]:
        """Return its attributes; those of regression only where it is one."""
        told: dict[str, Any] = {"kind": self.kind, "names": self.names, "positive": self.positive}
        if self.kind == "regression":
            told |= {"mean": self.mean, "deviation": self.deviation}
        return told

    def in_own_units(self, labels: NDArray[Any]) -> NDArray[np.float64]:
        """Turn standardised numbers, shape (N, L), into those that they stand for."""
        own: NDArray[np.float64] = labels * np.array(self.deviation) + np.array(self.mean)
        return own

    def decide(self, outputs: Array, *, logits: bool) -> Array:
        """Turn a network's outputs into answers in the form of labels, on the same device.

        Args:
            outputs: shape (N, C).
            logits: whether they are logits, rather than activations from 0 to 1.

        Returns:
            The class with the largest output, int64 of shape (N,); or 1 where a question is
            answered yes and else 0, uint8 of shape (N, L); or the numbers, as they are.
        """
        if self.kind == "multiclass":
            return outputs.argmax(axis=1)
        if self.kind == "regression":
            return outputs
        return (outputs > (0.0 if logits else 0.5)).astype(np.uint8)

    def probabilities(
        self, outputs: NDArray[Any], *, logits: bool, temperature: float = 1.0
    ) -> NDArray[np.float64]:
        """Turn a network's outputs into probabilities, float64 of shape (N, C).

        For classes this is the softmax of logits, or activations scaled to sum to 1; for questions
        the sigmoid of logits, or the activations themselves. The temperature divides logits, and
        is the root that is taken of activations: above 1 it lowers the confidence and leaves the
        answers as they are.
        """
        values = outputs.astype(np.float64)  # (N, C)
        if self.kind != "multiclass":
            if logits:
                return 0.5 + 0.5 * np.tanh(0.5 * values / temperature)
            if temperature == 1.0:
                return values
            yes, no = values ** (1.0 / temperature), (1.0 - values) ** (1.0 / temperature)
            return yes / (yes + no)
        if logits:
            values = np.exp((values - values.max(axis=1, keepdims=True)) / temperature)
        else:
            values = np.maximum(values, 0.0) ** (1.0 / temperature)
        sums = np.maximum(values.sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)
        probabilities: NDArray[np.float64] = values / sums
        return probabilities

    def names_of(self, outputs: int) -> list[str]:
        """Return a name for each output: the task's if it has as many, else their numbers."""
        if len(self.names) == outputs:
            return list(self.names)
        return [str(number) for number in range(outputs)]

    def describe(self, label: NDArray[Any], names: Sequence[str]) -> str:
        """Say in words what one image's label means.

        Args:
            label: a class, or answers of 0 and 1 of shape (L,).
            names: of the outputs; see `names_of`.
        """
        if self.kind == "multiclass":
            return names[int(label)]
        if self.kind == "binary":
            return "yes" if label[0] else "no"
        return (
            " and ".join(name for name, yes in zip(names, label, strict=True) if yes) or "nothing"
        )
