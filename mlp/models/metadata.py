"""What a model tells of itself: the question that it answers, and how sure it may be."""

from __future__ import annotations

import math

from mlp.common.errors import ModelError
from mlp.data.task import Task
from mlp.nn.network import MLP


def task_of(model: MLP) -> Task:
    """Return what a model was trained to answer; one class of several where nothing tells.

    Raises:
        ModelError: if what is told of it makes no task.
    """
    about = model.about.get("task")
    if about is None:
        return Task(names=tuple(map(str, range(model.sizes[-1]))))
    try:
        return Task(about["kind"], tuple(about["names"]), tuple(about["positive"]))
    except (KeyError, TypeError):
        raise ModelError(
            "the model does not tell what its outputs answer: its file is damaged, copy it again"
        ) from None


def temperature_of(model: MLP) -> float:
    """Return the temperature that calibrates a model; 1 where none was fitted.

    Raises:
        ModelError: if what is told of it is no temperature.
    """
    temperature = model.about.get("temperature")
    if temperature is None:
        return 1.0
    if type(temperature) not in (int, float) or not 0 < temperature < math.inf:
        raise ModelError(
            f"the model tells of a temperature {temperature!r}, which must be a number above 0: "
            "its file is damaged, copy it again"
        )
    return float(temperature)
