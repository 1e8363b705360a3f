"""A run that is watched: what it told last, made ready for the page, and what is asked of it."""

from __future__ import annotations

import base64
import json
import math
import threading
import time
from contextlib import suppress
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp.common.cost import Cost
from mlp.common.errors import MLPError
from mlp.common.pictures import robust_maximum, scaled
from mlp.common.printable import printable
from mlp.common.threads import blas_threads
from mlp.models.insight import Insight, look_into
from mlp.models.metadata import Metadata, task_of
from mlp.models.metrics import score
from mlp.nn.network import MLP
from mlp.training.runs.folder import RunFolder
from mlp.training.runs.lock import is_locked
from mlp.training.runs.summary import summarise
from mlp.training.runs.watch_files import RunControl, WatchFiles
from mlp.view.answers import Answers
from mlp.view.mistakes import surest

UNITS_SHOWN, MISTAKES_SHOWN, MOST_CLASSES = 48, 8, 20

SHARE = 0.005
"""The share of its time that this may ask the network in while it trains, on the same machine."""

DAMAGED = (
    *(KeyError, TypeError, ValueError, IndexError, AttributeError, MLPError, ArithmeticError),
    *(RecursionError, OSError, MemoryError),
)
"""What reading a moment raises that tells of no network, or for which there is no room."""

AGAIN = 1.0
"""Seconds after which a moment that could not be read is tried again: a run that waits tells no
other."""


class Watching:
    """One run, as the page watches it.

    Args:
        name: what the page calls it.
        folder: the run's.

    Attributes:
        version: grows with each moment that the run told of.
        event: the latest moment, as a line of JSON.
        has_ended: whether that moment is the run's last.
        was_seen_to_end: whether it was sent to somebody.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self._files, self._folder = printable(name), WatchFiles(folder), folder
        before: dict[str, Any] = {
            "name": self.name,
            "state": None,
            "trains": True,
            "kind": "multiclass",
            "history": [],
        }
        self.version, self.event = 0, json.dumps(before)
        self.has_ended = self.was_seen_to_end = False
        self._asked = RunControl()
        self._seen = self._failed = -1, False
        self._again_at = 0.0
        self._model: MLP | None = None
        self._size = self._told_at = 0
        self._about: dict[str, Any] = {}
        self._sample: dict[str, NDArray[Any]] = {}
        self._insight: dict[str, Any] = {}
        self._insight_due, self._insight_cost = 0.0, Cost()
        self._turn, self._asking = threading.Lock(), threading.Lock()

    def stay(self) -> None:
        """Tell the run that it is watched; asks nothing of it the first time.

        Raises:
            OSError: if its folder is gone.
        """
        with self._asking:
            if not self._take_over():
                self._files.ask(self._asked)
        self._files.stay()

    def ask(self, change: dict[str, Any]) -> RunControl:
        """Ask something of the run, beside what others who watch it ask.

        Args:
            change: ``paused``, ``rate`` and ``stop`` as in `RunControl`; or ``step``, once more.

        Raises:
            ValueError, TypeError: if that is nothing that can be asked.
            OSError: if its folder is gone.
        """
        change = dict(change)
        with self._asking:
            self._take_over()
            steps = self._asked.steps + bool(change.pop("step", False))
            self._asked = replace(self._asked, steps=steps, **change)
            self._files.ask(self._asked)
            return self._asked

    def _take_over(self) -> bool:
        """Take over what is asked of the run, maybe by another who watches; tell if any does."""
        asked = self._files.asked()
        if asked is not None:
            self._asked = asked
        return asked is not None

    def look(self) -> None:
        """Make the event of the latest moment, if there is a new one."""
        with self._turn:
            changed = self._files.changed()
            # Where nothing was told there is news when its training ends.
            seen = changed, not changed and is_locked(self._folder)
            if seen == self._seen or (seen == self._failed and time.monotonic() < self._again_at):
                return
            self._failed, self._again_at = seen, time.monotonic() + AGAIN
            with suppress(*DAMAGED):  # as where another program wrote it: the next one may do
                event = self._moment() if changed else self._before(seen[1])
                if event is not None:
                    told = json.dumps(_finite(event), allow_nan=False)
                    self.has_ended = bool(event["state"] and event["state"]["ended"])
                    self.event, self.version = told, self.version + 1
                    self._seen = seen
            with self._asking:
                if self.has_ended and self._asked != RunControl():
                    self._asked = RunControl()  # or a run that goes on here would be stopped again
                    with suppress(OSError):
                        self._files.ask(self._asked)

    def _before(self, trains: bool) -> dict[str, Any]:
        """Tell of a run that has told nothing: what stands in its history."""
        self._model = None  # what it tells of itself next may differ, as in its epochs
        run = summarise(RunFolder(self._folder))
        told = {"name": self.name, "state": None, "trains": trains}
        return told | {"kind": run.kind, "history": run.history}

    def _moment(self) -> dict[str, Any] | None:
        moment = self._files.moment()
        with self._asking:  # what the run was asked by others as well, when it told that it waits
            self._take_over()
        if moment is None or not self._prepare(len(moment[1]["parameters"])):
            return None
        (state, arrays), model = moment, self._model
        assert model is not None
        model.parameters[...] = model.backend.asarray(arrays["parameters"], model.dtype)
        start = time.monotonic()
        if start >= self._insight_due or state["ended"] or state["paused"]:
            with np.errstate(all="ignore"):  # weights of any size are to be seen
                self._insight = self._look_into(model)
            self._insight_cost.note(time.monotonic() - start)
            self._insight_due = start + self._insight_cost.seconds / SHARE
        history = state.pop("history")
        return {
            "name": self.name,
            "kind": self._about["task"]["kind"],
            "state": state | {"steps": self._about["steps"], "asked": asdict(self._asked)},
            "about": {name: self._about[name] for name in ("network", "dataset", "device", "task")}
            | {"epochs": self._about["recipe"]["epochs"], "parameters": model.parameters.size},
            "history": history,
            "losses": np.round(arrays["losses"], 6).tolist(),
            "weights": self._weights(model),
            **self._insight,
        }

    def _prepare(self, parameters: int) -> bool:
        """Build the network that the run told of; tell whether it fits."""
        told_at = self._files.about_changed()
        if self._model is not None and (self._size, self._told_at) == (parameters, told_at):
            return True
        told = self._files.about()
        if told is None:
            return False
        self._about, self._sample = told
        network = dict(self._about["network"])
        if sum(i * o for i, o in pairwise(network["sizes"])) > parameters:
            return False  # so that no file makes a network larger than it is itself
        try:
            self._model = MLP(network.pop("sizes"), init=None, **network)
        except MLPError:  # a layer of a plugin that is not here
            return False
        self._model.metadata = Metadata.from_json({"task": self._about["task"]})
        self._size, self._told_at = int(self._model.parameters.size), told_at
        return self._size == parameters

    def _shape(self, inputs: int) -> list[int] | None:
        shape: list[int] = self._about["image_shape"]
        return shape if len(shape) == 2 and math.prod(shape) == inputs else None

    def _weights(self, model: MLP) -> dict[str, Any]:
        """The first layer's weights in eight bits, a unit after another, with one scale."""
        W = model.backend.to_numpy(model.linear[0].W)[:, :UNITS_SHOWN].T  # (units, I)
        maximum = robust_maximum(W)
        eight = np.round(127 * np.nan_to_num(scaled(W, maximum))).astype(np.int8)
        return {
            "units": len(W),
            "of": model.sizes[1],
            "shape": self._shape(model.sizes[0]),
            "maximum": maximum,
            "data": base64.b64encode(eight.tobytes()).decode("ascii"),
        }

    @blas_threads(1)  # more would spin, waiting for one another, on the training's cores
    def _look_into(self, model: MLP) -> dict[str, Any]:
        """Ask the network about the sample."""
        x, labels = self._sample["x"], self._sample["labels"]
        seen = look_into(model, self._about["recipe"]["loss"], x, labels)
        told: dict[str, Any] = {
            "layers": [asdict(layer) for layer in seen.layers],
            "sample": {"images": len(x), "loss": seen.loss},
        }
        if labels.ndim == 1:
            told |= self._answers(model, seen)
        return told

    def _answers(self, model: MLP, seen: Insight) -> dict[str, Any]:
        """Which classes are taken for which, and the mistakes that it is surest of."""
        labels, task = self._sample["labels"], task_of(model)
        answers = Answers(task, seen.probabilities, labels)
        classes = len(answers.names)
        told: dict[str, Any] = {"correct": int(answers.correct.sum()), "names": answers.names}
        if classes <= MOST_CLASSES:
            told["confusion"] = score(answers.unit, labels, classes).confusion.tolist()
        shape = self._shape(model.sizes[0])
        if shape is None:  # rows of a table are no pictures
            return told
        rows = surest(~answers.correct, answers.confidence, MISTAKES_SHOWN)
        told["mistakes"] = [
            {
                "row": int(self._sample["rows"][row]),
                "label": answers.names[labels[row]],
                "read": answers.names[answers.unit[row]],
                "confidence": float(answers.confidence[row]),
                "shape": shape,
                "image": base64.b64encode(
                    np.round(255 * np.clip(self._sample["x"][row], 0, 1)).astype(np.uint8).tobytes()
                ).decode("ascii"),
            }
            for row in rows
        ]
        return told


def _finite(value: Any) -> Any:
    """Replace numbers that are not finite, which JSON does not have, by None."""
    if isinstance(value, dict):
        return {name: _finite(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
