"""How a network is trained: every hyperparameter, its default and what it may be."""

from __future__ import annotations

import sys
from collections.abc import Collection
from dataclasses import dataclass, fields
from typing import Literal

import numpy as np

from mlp.common.errors import UsageError
from mlp.common.whole import as_whole
from mlp.data.augment import parse_augment
from mlp.nn.losses import LOSSES
from mlp.nn.optim import OPTIMIZERS
from mlp.nn.schedules import learning_rate
from mlp.training.reported_loss import REPORTED_LOSSES


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One training run's hyperparameters; the defaults are those of ``mlp train``.

    Attributes:
        loss: one of `mlp.nn.losses.LOSSES`.
        batch_size: images an update, or ``"full"`` for one exact gradient over all of them.
        epochs: passes over the training images.
        optimizer: one of `mlp.nn.optim.OPTIMIZERS`.
        lr: the learning rate, at its peak.
        momentum: µ of SGD, 0 up to but not including 1.
        nesterov: whether momentum looks ahead.
        schedule: ``constant``, ``step(every, factor)``, ``linear`` or ``cosine``.
        warmup: epochs over which the rate first rises from 0.
        weight_decay: λ of ½ λ |W|², on weights and not on biases.
        clip_value: limit of each gradient element, or None.
        clip_norm: limit of the gradient's norm, or None.
        augment: how the training images are deformed anew each time, such as
            ``affine(15, 0.15, 2),elastic``, or None; see `mlp.data.augment.DEFORMATIONS`.
        dropout: the share of each hidden layer's units that training leaves out at random.
        input_dropout: the same of the inputs.
        max_norm: limit of the length of each unit's incoming weights, or None.
        shuffle: whether each epoch visits the images in a new order.
        validation: how many training images to hold out, drawn by the seed; a share if below 1.
        seed: of the initial weights, the validation split, the shuffles, the deformations and
            dropout.
        train_accuracy: ``after`` measures it after the epoch; ``running`` counts each image as it
            was read just before the update that used it, which costs next to nothing.
        loss_on: which loss is reported, of `mlp.training.reported_loss.REPORTED_LOSSES`:
            ``updates`` for the mean of the updates' losses, each before its update.
        report_every: epochs from one that is measured and told to the next; the last one is too.

    Raises:
        UsageError: if a value is not finite or out of its range.
    """

    loss: str = "cross_entropy"
    batch_size: int | Literal["full"] = 128
    epochs: int = 5
    optimizer: str = "sgd"
    lr: float = 0.15
    momentum: float = 0.9
    nesterov: bool = False
    schedule: str = "linear"
    warmup: float = 0.5
    weight_decay: float = 0.0
    clip_value: float | None = None
    clip_norm: float | None = None
    augment: str | None = None
    dropout: float = 0.0
    input_dropout: float = 0.0
    max_norm: float | None = None
    shuffle: bool = True
    validation: float = 0.0
    seed: int = 0
    train_accuracy: Literal["after", "running"] = "after"
    loss_on: str = "updates"
    report_every: int = 1

    def __post_init__(self) -> None:
        for field in fields(self):  # NumPy's numbers become Python's, which JSON can hold
            value = getattr(self, field.name)
            if isinstance(value, np.generic):
                object.__setattr__(self, field.name, value.item())
        LOSSES.parse(self.loss)  # refuses what there is not
        OPTIMIZERS.parse(self.optimizer)
        if self.batch_size != "full":
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
        if self.nesterov and not self.momentum:
            raise UsageError("Nesterov's look-ahead needs momentum: set the momentum above 0")
        learning_rate(self.schedule, self.lr, self.warmup, self.epochs, 0.0)  # refuses bad names


def _require(what: str, value: float, holds: bool, range_: str) -> None:
    if not abs(value) <= sys.float_info.max:
        raise UsageError(f"the {what} must be a finite number, {range_}, not {value}")
    if not holds:
        raise UsageError(f"the {what} must be {range_}, not {value}")


def _require_whole(what: str, value: object, least: int, range_: str) -> None:
    whole = as_whole(value)
    if whole is None or whole < least:
        raise UsageError(f"the {what} must be a whole number {range_}, not {value}")
    if whole > sys.maxsize:
        raise UsageError(f"the {what} must be at most {sys.maxsize}, not {value}")


def _choose(what: str, value: str, choices: Collection[str]) -> None:
    if value not in choices:
        raise UsageError(f"there is no {what} {value!r}: choose one of {', '.join(choices)}")
