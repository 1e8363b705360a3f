"""Measuring a network on test and validation images, between epochs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from mlp.common.threads import blas_threads, share_out, start_pool
from mlp.data.batches import Batches
from mlp.data.dataset import Split
from mlp.models.calibration import fit_temperature
from mlp.models.metadata import task_of
from mlp.models.metrics import count_correct, score_numbers
from mlp.models.predict import decide, outputs
from mlp.nn.accuracy import CorrectCount
from mlp.nn.losses import LOSSES
from mlp.nn.network import MLP
from mlp.training.ranks.ranks import ALONE, Ranks

MOST_COUNTED = 1 << 22
"""Images whose correct answers are added up in a float, which holds whole numbers to 2²⁴."""


class Evaluation:
    """Measures a network on images that it is not trained on, on its device.

    Args:
        replicas: the network and replicas of it, each of which takes a share of the images. Or
            networks side by side, which share x (`mlp.nn.stack`), and replicas of these.
        test: the test images.
        held_out: the validation images; may be none.
        ranks: the processes that each take a share of the images whose answers are counted.

    Attributes:
        held_out: the validation images on the device.
    """

    def __init__(
        self, replicas: Sequence[MLP], test: Split, held_out: Split, ranks: Ranks = ALONE
    ) -> None:
        self._replicas, self._ranks = replicas, ranks
        self._model = model = replicas[0]
        self._test, self.held_out = (
            Batches(split.images, split.labels, model, product_rows=len(split.images))
            for split in (test, held_out)
        )
        self._counters: dict[MLP, CorrectCount] = {}
        if task_of(model).kind == "multiclass":
            S, backend, dtype = model.networks, model.backend, model.dtype
            classes = model.sizes[-1] // S
            self._counters = {r: CorrectCount(classes, backend, dtype, S) for r in replicas}

    def test_accuracy(self) -> float:
        """Compute the accuracy on the test images, 0 to 1."""
        return self.accuracy_on(self._test)

    def test_accuracies(self) -> NDArray[np.float64]:
        """Compute that of each of S networks side by side: shape (S,)."""
        return self.accuracies_on(self._test)

    def validation_accuracy(self) -> float | None:
        """Compute the accuracy on the validation images; None where there are none."""
        return self.accuracy_on(self.held_out) if len(self.held_out) else None

    def validation_loss(self, loss: str) -> float | None:
        """Compute the mean loss on the validation images; None where there are none.

        Args:
            loss: one of `mlp.nn.losses.LOSSES`.
        """
        model, batches, N = self._model, self.held_out, len(self.held_out)
        if not N:
            return None
        criterion = LOSSES.make(loss, model.sizes[-1], model.backend, model.dtype)
        total = 0.0
        for start, stop in batches.micro_batches(0, N):
            x, labels = batches.slice(start, stop)
            part = criterion.forward(model.forward(x), labels, N)  # (1, 1)
            total += float(model.backend.to_numpy(part).item())
        return total

    def temperature(self) -> float | None:
        """Fit the temperature on the validation images; None where there are none to be sure of."""
        if not len(self.held_out) or task_of(self._model).kind == "regression":
            return None
        return fit_temperature(
            outputs(self._model, self.held_out),
            self._model.backend.to_numpy(self.held_out.labels),
            task_of(self._model),
            logits=self._model.output == "identity",
        )

    def accuracy_on(self, batches: Batches) -> float:
        """Compute the accuracy on any images, 0 to 1, in micro-batches; of numbers, the mean R²."""
        if task_of(self._model).kind == "regression":
            numbers = self._model.backend.to_numpy(batches.labels)  # (N, L)
            return float(score_numbers(outputs(self._model, batches), numbers).r2.mean())
        return float(self.accuracies_on(batches).item())

    def accuracies_on(self, batches: Batches) -> NDArray[np.float64]:
        """Compute the accuracy of each of S networks side by side on any images: shape (S,)."""
        threads = len(self._replicas)
        every = list(batches.micro_batches(0, len(batches)))
        cuts = every[self._ranks.rank :: self._ranks.size]
        shares = [
            partial(self._count_correct, replica, own_batches, cuts[number::threads])
            for number, (replica, own_batches) in enumerate(
                zip(self._replicas, batches.replicas(threads), strict=True)
            )
        ]
        with blas_threads(1), start_pool(threads) as pool:  # these are all threads there are
            counts = share_out(pool, shares)
        correct: NDArray[np.int64] = np.sum(counts, axis=0)  # (S,)
        of_all: NDArray[np.int64] = np.sum(self._ranks.all_gather(correct), axis=0)
        return of_all / len(batches)

    def _count_correct(
        self, replica: MLP, batches: Batches, micro_batches: list[tuple[int, int]]
    ) -> NDArray[np.int64]:
        """Count a replica's correct answers to a share of the images, on the device: shape (S,).

        Of one class each, by a kernel that training has as well: see `CorrectCount`.
        """
        counter, seen = self._counters.get(replica), 0
        correct = np.zeros(self._model.networks, np.int64)
        if counter is None:
            return self._count_answers(replica, batches, micro_batches) + correct
        for start, stop in micro_batches:
            x, labels = batches.slice(start, stop)
            counter.add(replica.forward(x), counter.targets(labels))
            seen += stop - start
            if seen > MOST_COUNTED or stop == micro_batches[-1][1]:
                counted = self._model.backend.to_numpy(counter.total).reshape(-1)
                correct += np.rint(counted).astype(np.int64)
                counter.reset()
                seen = 0
        return correct

    def _count_answers(
        self, replica: MLP, batches: Batches, micro_batches: list[tuple[int, int]]
    ) -> int:
        """Count correct answers to questions, of which an image may have several."""
        correct = replica.backend.xp.zeros((), dtype="int64")
        for start, stop in micro_batches:
            x, labels = batches.slice(start, stop)
            correct = correct + count_correct(decide(self._model, replica.forward(x)), labels)
        return int(self._model.backend.to_numpy(correct))
