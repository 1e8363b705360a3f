"""How a network is trained: every hyperparameter, its default and what it may be."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Collection
from dataclasses import dataclass, fields
from typing import Literal

import numpy as np

from mlp.common.choices import no_such
from mlp.common.errors import UsageError
from mlp.common.option import check_types, option, shown
from mlp.common.whole import as_whole
from mlp.data.deformations import DEFORMATIONS, parse_augment
from mlp.nn.averaging import AVERAGES
from mlp.nn.losses import LOSSES
from mlp.nn.optim import OPTIMIZERS
from mlp.nn.schedules import SCHEDULES, learning_rate
from mlp.training.class_weights import parse_class_weight
from mlp.training.reported_loss import REPORTED_LOSSES

TRAINING, REGULARISATION, MEASUREMENT = "Training", "Regularisation", "Measurement"
"""The headings of these options in the help."""


class UsualRate(float):
    """A learning rate that nobody chose: a recipe makes it the usual one of its optimizer."""


class UsualEpochs(int):
    """A number of epochs that nobody chose: see `mlp.training.suit`."""


MOMENTUM = 0.9
USUAL_RATE = UsualRate(OPTIMIZERS["sgd"].usual_lr)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One training run's hyperparameters; the defaults are those of ``mlp train``.

    Each field's metadata says what it is; ``mlp train --help`` shows it.

    Raises:
        UsageError: if a value is of another type, not finite or out of its range.
    """

    loss: str = option("cross_entropy", "What training minimises", group=TRAINING, choices=LOSSES)
    label_smoothing: float = option(
        0.0,
        "How much training doubts the labels: this share of each target is spread evenly.",
        group=REGULARISATION,
    )
    class_weight: str | None = option(
        None,
        "How much each class counts in the loss: balanced lets rare ones count as much as others; "
        "else a weight for each class in order, or for some by name, as 3=2,7=0.5.",
        group=TRAINING,
        metavar="balanced|W,…",
    )
    batch_size: int | Literal["full"] = option(
        128,
        "Images an update; full is one gradient of all.",
        group=TRAINING,
        metavar="N|full",
    )
    epochs: int = option(
        UsualEpochs(5),
        "Passes over the training images; of fewer than 60,000, the default is more.",
        group=TRAINING,
    )
    optimizer: str = option(
        "sgd", "How the gradient changes the weights", group=TRAINING, choices=OPTIMIZERS
    )
    lr: float = option(
        USUAL_RATE,
        "The learning rate at its peak; of other optimizers than sgd, the default is their own, "
        "and of columns it is a third.",
        group=TRAINING,
    )
    momentum: float = option(
        MOMENTUM, "µ of SGD, from 0 to below 1; other optimizers have none.", group=TRAINING
    )
    nesterov: bool = option(False, "Whether momentum looks ahead.", group=TRAINING)
    schedule: str = option(
        "linear",
        "How the learning rate falls after the warm-up",
        group=TRAINING,
        choices=SCHEDULES,
    )
    warmup: float = option(
        0.5, "Epochs over which the learning rate first rises from 0.", group=TRAINING
    )
    weight_decay: float = option(
        0.0, "λ of ½ λ |W|², on weights and not on biases.", group=REGULARISATION
    )
    clip_value: float | None = option(
        None, "Limit of each element of the gradient.", group=TRAINING
    )
    clip_norm: float | None = option(None, "Limit of the gradient's norm.", group=TRAINING)
    augment: str | None = option(
        None,
        "Deform the training images, anew each time, by one or several of these, with numbers "
        "(angles in degrees) or their defaults",
        group=REGULARISATION,
        metavar="KIND,…",
        choices=DEFORMATIONS,
    )
    dropout: float = option(
        0.0,
        "The share of the hidden units that training leaves out at random.",
        group=REGULARISATION,
    )
    input_dropout: float = option(0.0, "The same, of the inputs.", group=REGULARISATION)
    max_norm: float | None = option(
        None, "Limit of the length of each unit's incoming weights.", group=REGULARISATION
    )
    shuffle: bool = option(
        True, "Whether each epoch visits the images in a new order.", group=TRAINING
    )
    validation: float = option(
        0.0,
        "Training images to hold out, drawn by the seed: a share below 1 or a count.",
        group=MEASUREMENT,
    )
    keep: Literal["last", "best"] = option(
        "last",
        "The network of the last epoch, or of the one that validated best.",
        group=MEASUREMENT,
    )
    monitor: Literal["accuracy", "loss"] = option(
        "accuracy", "What tells how well an epoch validated.", group=MEASUREMENT
    )
    patience: int | None = option(
        None,
        "Stop after so many measured epochs in a row without progress in validation.",
        group=MEASUREMENT,
    )
    min_delta: float = option(
        0.0,
        "By how much the validation must get better to be progress.",
        group=MEASUREMENT,
    )
    average: str | None = option(
        None,
        "Keep an average of the parameters as the network",
        group=TRAINING,
        choices=AVERAGES,
    )
    freeze: str | None = option(
        None,
        "Numbers of linear layers, from 1, that training leaves as they are.",
        group=TRAINING,
        metavar="N,…",
    )
    seed: int = option(
        0,
        "Of the initial weights, the validation split, shuffles, deformations and dropout.",
        group=TRAINING,
    )
    train_accuracy: Literal["after", "running"] = option(
        "after",
        "after: measured after the epoch; running: each image as it was read just before the "
        "update that used it, which costs next to nothing.",
        group=MEASUREMENT,
    )
    loss_on: str = option(
        "updates",
        "Which loss is reported, where updates is the mean of the updates' losses, each before "
        "its update",
        group=MEASUREMENT,
        choices=REPORTED_LOSSES,
    )
    report_every: int = option(
        1,
        "Epochs from one that is measured to the next; the last one is, too.",
        group=MEASUREMENT,
    )

    def __post_init__(self) -> None:
        for field in fields(self):  # NumPy's numbers become Python's, which JSON can hold
            value = getattr(self, field.name)
            if isinstance(value, np.generic):
                object.__setattr__(self, field.name, value.item())
        check_types(self)
        loss, _ = LOSSES.parse(self.loss)  # refuses what there is not
        smoothing = self.label_smoothing
        _require("label smoothing", smoothing, 0 <= smoothing < 1, "from 0 to below 1")
        if smoothing and not loss.smooths:
            able = ", ".join(name for name in LOSSES if LOSSES[name].smooths)
            raise UsageError(
                f"loss {self.loss!r} has no labels to smooth: leave the label smoothing out, or "
                f"choose one of {able}"
            )
        if self.class_weight is not None:
            parse_class_weight(self.class_weight)  # refuses what are no weights
        self._fit_to_optimizer()
        if not (isinstance(self.batch_size, str) and self.batch_size == "full"):
            _require_whole("batch size", self.batch_size, 1, "of at least 1, or full")
        _require_whole("number of epochs", self.epochs, 1, "of at least 1")
        _require("learning rate", self.lr, self.lr > 0, "above 0")
        _require("momentum", self.momentum, 0 <= self.momentum < 1, "from 0 to below 1")
        _require("warm-up", self.warmup, 0 <= self.warmup <= self.epochs, "from 0 to all epochs")
        _require("weight decay", self.weight_decay, self.weight_decay >= 0, "at least 0")
        for name, limit in (
            ("clip value", self.clip_value),
            ("clip norm", self.clip_norm),
            ("max-norm", self.max_norm),
        ):
            if limit is not None:
                _require(name, limit, limit > 0, "above 0")
        for name, share in (("dropout", self.dropout), ("input dropout", self.input_dropout)):
            _require(name, share, 0 <= share < 1, "from 0 to below 1")
        if self.augment is not None:
            parse_augment(self.augment)  # refuses what there is not
        _require(
            "validation",
            self.validation,
            0 <= self.validation < 1 or (self.validation >= 1 and self.validation % 1 == 0),
            "a share below 1 or a whole count",
        )
        _require_whole("seed", self.seed, 0, "of at least 0")
        _require_whole("number of epochs between reports", self.report_every, 1, "of at least 1")
        _choose("train accuracy", self.train_accuracy, ("after", "running"))
        REPORTED_LOSSES.parse(self.loss_on)
        _choose("network to keep", self.keep, ("last", "best"))
        _choose("monitor", self.monitor, ("accuracy", "loss"))
        if self.patience is not None:
            _require_whole("patience", self.patience, 1, "of at least 1")
        _require("least progress", self.min_delta, self.min_delta >= 0, "at least 0")
        if not self.validation and (self.keep == "best" or self.patience is not None):
            asked = "to keep the best network" if self.keep == "best" else "patience"
            raise UsageError(
                f"{asked} needs images held out for validation: set the validation, to 0.1 say"
            )
        if self.average is not None:
            AVERAGES.make(self.average)  # refuses what there is not
        self.frozen()  # refuses what are no numbers
        if self.nesterov and not self.momentum:
            raise UsageError("Nesterov's look-ahead needs momentum: set the momentum above 0")
        learning_rate(self.schedule, self.lr, self.warmup, self.epochs, 0.0)  # refuses bad names

    def _fit_to_optimizer(self) -> None:
        """Take the optimizer's usual rate, if none was chosen; refuse what it does not have."""
        optimizer, _ = OPTIMIZERS.parse(self.optimizer)
        if isinstance(self.lr, UsualRate):
            object.__setattr__(self, "lr", UsualRate(optimizer.usual_lr))
        taken = inspect.signature(optimizer).parameters
        for name, idle in (("momentum", (0.0, MOMENTUM)), ("nesterov", (False,))):
            if name not in taken and getattr(self, name) not in idle:
                raise UsageError(
                    f"optimizer {self.optimizer!r} has no {name}: leave it out, or choose sgd"
                )

    def frozen(self) -> tuple[int, ...]:
        """Return the numbers of the linear layers that are frozen, from 1.

        Raises:
            UsageError: if ``freeze`` is no list of numbers.
        """
        if self.freeze is None:
            return ()
        parts = self.freeze.split(",")
        if not all(re.fullmatch(r"\s*0{0,9}[1-9]\d{0,8}\s*", part) for part in parts):
            raise UsageError(
                f"the layers to freeze are numbers from 1 with commas between, such as 1,2, not "
                f"{self.freeze!r}"
            )
        return tuple(int(part) for part in parts)


def _require(what: str, value: float, holds: bool, range_: str) -> None:
    if not abs(value) <= sys.float_info.max:
        raise UsageError(f"the {what} must be a finite number, {range_}, not {value}")
    if not holds:
        raise UsageError(f"the {what} must be {range_}, not {value}")


def _require_whole(what: str, value: object, least: int, range_: str) -> None:
    whole = as_whole(value)
    if whole is None or whole < least:
        raise UsageError(f"the {what} must be a whole number {range_}, not {shown(value)}")
    if whole > sys.maxsize:
        raise UsageError(f"the {what} must be at most {sys.maxsize}, not {value}")


def _choose(what: str, value: str, choices: Collection[str]) -> None:
    if value not in choices:
        raise UsageError(no_such(what, value, choices))
