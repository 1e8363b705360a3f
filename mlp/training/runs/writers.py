"""Writing what a run measures and tells into its folder, while it goes on."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mlp.common.atomic import replacing
from mlp.common.errors import DataError
from mlp.common.figures import is_figure
from mlp.common.plain_file import check_file
from mlp.common.threads import blas_threads
from mlp.common.version import package_version
from mlp.data.task import Kind, score_name, score_text
from mlp.nn.losses import LOSSES
from mlp.nn.schedules import epoch_learning_rates
from mlp.training.callbacks import Callback
from mlp.training.history import Epoch
from mlp.training.parallel.replica import Replica

if TYPE_CHECKING:
    from mlp.training.run import Run


def describe_epoch(epoch: Epoch, epochs: int, kind: Kind) -> str:
    """Write a measured epoch as a line of text.

    Args:
        epoch: what was measured.
        epochs: of the whole run.
        kind: of its task.
    """
    scores = {
        "train": epoch.train_accuracy,
        "validation": epoch.validation_accuracy,
        "test": epoch.test_accuracy,
    }
    measure = f" {score_name(kind)}" if kind == "regression" else ""
    told = "".join(
        f"{name}{measure} {score_text(kind, score):>7}  "
        for name, score in scores.items()
        if score is not None
    )
    return (
        f"epoch {epoch.epoch:>{len(str(epochs))}}/{epochs}  "
        f"loss {epoch.loss:.4f}  {told}{epoch.seconds:.2f} s"
    )


class GradientNorm:
    """The norm of the gradient of a run's loss, on the first of its training images.

    As many images as an update takes, but, unless a layer learns from whole batches, no more than
    suit the device at once; not deformed, and with no unit left out. The network, its gradients and
    all random numbers stay as they are.
    """

    def __init__(self, run: Run) -> None:
        model, trainer = run.model, run.trainer
        self._batches = trainer.batches
        self._count = min(trainer.batch_size, self._batches.micro_batch_size)
        self._replica = Replica(model)
        self._network = self._replica.in_training()
        if self._network is not self._replica:  # it learns from whole batches
            self._count = trainer.batch_size
        self._loss = LOSSES.make(run.recipe.loss, model.sizes[-1], model.backend, model.dtype)

    def measure(self) -> float | None:
        """Return the norm; None where it is not finite."""
        x, labels = self._batches.slice(0, self._count)
        replica, xp = self._replica, self._replica.backend.xp
        kept = None if self._network is replica else replica.parameters.copy()
        with blas_threads(1):
            self._loss.forward(self._network.forward(x), self._loss.targets(labels))
            self._network.backward(self._loss.backward())
        if kept is not None:  # the forward pass has changed the statistics of batches
            xp.copyto(replica.parameters, kept)
        gradients = replica.backend.to_numpy(replica.gradients)
        norm = float(np.linalg.norm(gradients.astype(np.float64)))
        return norm if math.isfinite(norm) else None


class Figures(Callback):
    """What all writers of figures tell of a measured epoch; a subclass writes it."""

    def __init__(self) -> None:
        self._norm: GradientNorm | None = None

    def figures(self, run: Run, epoch: Epoch) -> dict[str, float | None]:
        """Return the figures of a measured epoch by name.

        They are those of `Epoch`; ``lr``, of the last update; ``gradient_norm``, see
        `GradientNorm`; and ``images_per_second``.
        """
        if self._norm is None:
            self._norm = GradientNorm(run)
        recipe, trainer = run.recipe, run.trainer
        measured = [other.epoch for other in run.history.epochs if other.epoch < epoch.epoch]
        images = len(trainer.batches) * (epoch.epoch - max(measured, default=0))
        lrs = epoch_learning_rates(
            recipe.schedule, recipe.lr, recipe.warmup, recipe.epochs, epoch.epoch - 1, trainer.steps
        )
        return {
            **asdict(epoch),
            "lr": lrs[-1],
            "gradient_norm": self._norm.measure(),
            "images_per_second": images / epoch.seconds if epoch.seconds else None,
        }


class HistoryWriter(Figures):
    """Writes a line of JSON for each measured epoch, which is on the disk before the run goes on.

    A run that is resumed keeps the lines up to where it goes on.

    Args:
        path: the file.
        on_warning: called once with a sentence where it cannot be written.
    """

    may_miss = True

    def __init__(self, path: Path, on_warning: Callable[[str], None]) -> None:
        super().__init__()
        self._path, self._on_warning = path, on_warning
        self._lines: list[str] | None = None
        self._is_whole, self._warned = False, False

    def on_epoch_begin(self, run: Run) -> None:
        self._begin(run)

    def on_epoch_measured(self, run: Run, epoch: Epoch) -> None:
        assert self._lines is not None  # an epoch began
        self._lines.append(json.dumps(self.figures(run, epoch)) + "\n")
        if self._is_whole:
            self._write(self._append)
        else:
            self._write(self._replace)

    def on_stop(self, run: Run) -> None:
        self._begin(run)
        if not self._is_whole:
            self._write(self._replace)

    def _begin(self, run: Run) -> None:
        """Take up the lines of the epochs that the run had measured before it was resumed."""
        if self._lines is not None:
            return
        told = {figures["epoch"]: figures for figures in read_history(self._path)}
        epochs = [told.get(epoch.epoch, asdict(epoch)) for epoch in run.history.epochs]
        self._lines = [json.dumps(figures) + "\n" for figures in epochs]
        self._write(self._replace)

    def _replace(self) -> None:
        with replacing(self._path) as file:
            file.write("".join(self._lines or []).encode())

    def _append(self) -> None:
        with self._path.open("ab") as file:
            file.write((self._lines or [])[-1].encode())
            file.flush()
            os.fsync(file.fileno())

    def _write(self, write: Callable[[], None]) -> None:
        self._is_whole = False
        try:
            write()
            self._is_whole = True
        except OSError as error:
            if not self._warned:
                self._on_warning(
                    f"{self._path} cannot be written ({error.strerror}): the training goes on"
                )
            self._warned = True


class LogWriter(Callback):
    """Writes what is told of a run into a text file, each line with the time.

    A file that cannot be written is left as it is: whoever watches the run is told the same.
    """

    may_miss = True

    def __init__(self, path: Path) -> None:
        self._path, self._has_begun = path, False

    def write(self, sentence: str) -> None:
        """Add a line."""
        now = datetime.now().astimezone().isoformat(timespec="seconds")
        try:
            with self._path.open("a", encoding="utf-8", errors="replace") as file:
                file.write(f"{now} {sentence}\n")
        except OSError:
            return

    def on_epoch_begin(self, run: Run) -> None:
        if self._has_begun:
            return
        self._has_begun = True
        self.write(
            f"mlp {package_version()}: {run.model} on {run.model.backend.name}, "
            f"{run.dataset.name}, from epoch {run.epoch + 1} of {run.recipe.epochs}"
        )

    def on_epoch_measured(self, run: Run, epoch: Epoch) -> None:
        self.write(describe_epoch(epoch, run.recipe.epochs, run.dataset.task.kind))

    def on_stop(self, run: Run) -> None:
        history = run.history
        if history.stopped is not None:
            self.write(f"stopped after epoch {run.epoch}: {history.stopped}")
        elif history.interrupted:
            self.write(f"interrupted after epoch {run.epoch}")
        else:
            self.write(f"finished after epoch {run.epoch}")


def read_history(path: Path) -> list[Mapping[str, Any]]:
    """Read the lines of `HistoryWriter`; one that is damaged, as by a kill, is left out."""
    check_file(path, DataError)
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return []
    found: list[Mapping[str, Any]] = []
    for line in lines:
        try:
            figures = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if (
            isinstance(figures, dict)
            and type(figures.get("epoch")) is int
            and all(figure is None or is_figure(figure) for figure in figures.values())
        ):
            found.append(figures)
    return found
