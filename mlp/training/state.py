"""A training run's state, in one file: all that it needs to continue to the bit."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from mlp.common.atomic import replacing
from mlp.common.errors import ModelError, UsageError, in_words
from mlp.common.plain_file import check_file
from mlp.common.tensor_file import write_tensors
from mlp.common.version import package_version
from mlp.data.dataset import Dataset
from mlp.nn.network import MLP
from mlp.training.history import Epoch
from mlp.training.recipe import Recipe
from mlp.training.trainer import TrainerState

FORMAT = 1
"""The version of the entry "mlp.state" in a checkpoint's metadata."""

MAY_DIFFER = ("epochs", "report_every")
"""The fields of a recipe that may differ when a run is resumed."""


@dataclass
class TrainingState:
    """The state of a run between two updates.

    Attributes:
        epoch: how many epochs are finished.
        progress: the trainer's state in the next one.
        seconds: of training since the last measured epoch.
        history: the measured epochs.
        recipe: the hyperparameters.
        network: the widths, activations, biases and dtype of the network.
        data: the name and the checksums of the dataset.
        made_with: the versions and the kernels that it was made with.
        finished: the parameters after the last finished epoch, shape (P,).
        callbacks: the state of each callback, by its name: values, and arrays.
    """

    epoch: int
    progress: TrainerState
    seconds: float
    history: list[Epoch]
    recipe: dict[str, Any]
    network: dict[str, Any]
    data: dict[str, Any]
    made_with: dict[str, Any]
    finished: NDArray[Any]
    callbacks: dict[str, tuple[dict[str, Any], dict[str, NDArray[Any]]]] = field(
        default_factory=dict
    )


_VALUES = ("epoch", "seconds", "recipe", "network", "data", "made_with")
_OF_PROGRESS = ("update", "shuffler", "correct")


def software() -> dict[str, Any]:
    """Return the versions of the software that computes."""
    return {
        "mlp": package_version(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "system": f"{sys.platform} {platform.machine()}",
    }


def describe_network(model: MLP) -> dict[str, Any]:
    """Return all that decides whether parameters fit a network."""
    return {
        "sizes": list(model.sizes),
        "activation": model.activation,
        "output": model.output,
        "bias": model.bias,
        "dtype": model.dtype,
    }


def describe_data(dataset: Dataset) -> dict[str, Any]:
    """Return what distinguishes a dataset from others."""
    return {
        "name": dataset.name,
        "task": dataset.task.to_json(),
        "train": dataset.train.checksum,
        "test": dataset.test.checksum,
    }


def save_state(state: TrainingState, path: Path) -> None:
    """Write a state to a file, whole or not at all.

    Raises:
        OSError: if it cannot be written.
    """
    progress = state.progress
    tensors = {
        "finished": state.finished, "parameters": progress.parameters, "losses": progress.losses,
    }  # fmt: skip
    tensors |= {f"optimizer.{name}": array for name, array in progress.optimizer.items()}
    for callback, (_, arrays) in state.callbacks.items():
        tensors |= {f"callback.{callback}.{name}": array for name, array in arrays.items()}
    description = {name: getattr(state, name) for name in _VALUES} | {
        "format": FORMAT,
        "progress": {name: getattr(progress, name) for name in _OF_PROGRESS},
        "history": [asdict(epoch) for epoch in state.history],
        "callbacks": {name: values for name, (values, _) in state.callbacks.items()},
    }
    metadata = {"mlp.state": json.dumps(description, sort_keys=True)}
    with replacing(path) as file:
        write_tensors(file, tensors, metadata)


def load_state(path: Path) -> TrainingState:
    """Read a state that `save_state` wrote.

    Raises:
        ModelError: if the file is missing, damaged, of a newer version or no checkpoint.
    """
    check_file(path, ModelError)
    try:
        with safe_open(path, framework="np") as file:
            description = json.loads((file.metadata() or {})["mlp.state"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if description["format"] != FORMAT:
            raise ModelError(
                f"{path} is a checkpoint of format {description['format']}, but this version reads "
                f"format {FORMAT}: resume it with the version {description['made_with']['mlp']}"
            )
        return _rebuild(description, tensors)
    except FileNotFoundError:
        raise ModelError(f"there is no checkpoint {path}: name another") from None
    except (
        SafetensorError,
        OSError,
        LookupError,
        TypeError,
        ValueError,
        AttributeError,
        RecursionError,
    ) as error:
        raise ModelError(
            f"{path} cannot be read as a checkpoint ({in_words(error)}): "
            "it is damaged or of another kind"
        ) from None


def _rebuild(description: Mapping[str, Any], tensors: dict[str, NDArray[Any]]) -> TrainingState:
    callbacks: dict[str, tuple[dict[str, Any], dict[str, NDArray[Any]]]] = {}
    for callback, values in description["callbacks"].items():
        start = f"callback.{callback}."
        arrays = {n.removeprefix(start): a for n, a in tensors.items() if n.startswith(start)}
        callbacks[callback] = values, arrays
    optimizer = "optimizer."
    progress = TrainerState(
        **{name: description["progress"][name] for name in _OF_PROGRESS},
        losses=tensors["losses"],
        parameters=tensors["parameters"],
        optimizer={
            name.removeprefix(optimizer): array
            for name, array in tensors.items()
            if name.startswith(optimizer)
        },
    )
    return TrainingState(
        **{name: description[name] for name in _VALUES},
        progress=progress,
        finished=tensors["finished"],
        history=[Epoch(**epoch) for epoch in description["history"]],
        callbacks=callbacks,
    )


def check_resumable(
    state: TrainingState, recipe: dict[str, Any], network: dict[str, Any], data: dict[str, Any]
) -> None:
    """Refuse to continue with another recipe, network or dataset than the state's.

    Raises:
        UsageError: naming the first difference.
    """
    for what, then, now in (
        ("recipe", asdict(Recipe()) | state.recipe, recipe),  # an older version had fewer fields
        ("network", state.network, network),
        ("dataset", state.data, data),
    ):
        for name in [*then, *(name for name in now if name not in then)]:
            if name not in MAY_DIFFER and _plain(then.get(name)) != _plain(now.get(name)):
                raise UsageError(
                    f"the run to resume has another {what}: its {name} is {then.get(name)}, not "
                    f"{now.get(name)}; resume it with its own, or start a new run"
                )
    begun = state.epoch + bool(state.progress.update)
    if recipe["epochs"] < begun:
        raise UsageError(
            f"the run to resume is in epoch {begun} already, so it cannot end after "
            f"{recipe['epochs']}: give it more --epochs"
        )


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value))  # a tuple is the list that JSON makes of it
