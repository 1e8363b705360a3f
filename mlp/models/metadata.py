"""The metadata of a model file: how its network was made and trained, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, get_args

from mlp.common.errors import ModelError, UsageError
from mlp.common.printable import printable
from mlp.data.inputs import Inputs, Pixels, inputs_from_json
from mlp.data.reading import Reading
from mlp.data.task import Kind, Task
from mlp.nn.network import MLP

Figures = Mapping[str, float | None]
"""What was measured after one epoch, by name: ``epoch``, ``loss``, ``test_accuracy`` and others."""


@dataclass(frozen=True)
class Initialisation:
    """How the parameters started; see `mlp.nn.network.MLP`.

    Attributes:
        W: the name of the weights' initialiser; None where the parameters were read.
        b: the same of the biases.
        seed: of both draws.
    """

    W: str | None
    b: str
    seed: int


@dataclass(frozen=True)
class DatasetSummary:
    """What a network was trained and tested on.

    Attributes:
        name: such as ``"mnist"``.
        image_shape: height and width of each image, in pixels; or the number of columns.
        train_images, test_images: how many there were, those held out for validation included.
        train_sha256, test_sha256: of the images and labels; see `mlp.data.dataset.Split.checksum`.
        origin: the path or name that `mlp.data.load.load_dataset` finds it by; empty where unknown.
        reading: the choices in reading it that are not the defaults of `mlp.data.reading.Reading`.
    """

    name: str
    image_shape: tuple[int, ...]
    train_images: int
    train_sha256: str
    test_images: int
    test_sha256: str
    origin: str = ""
    reading: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Metadata:
    """Everything known about a network besides its layers and parameters.

    Attributes:
        initialisation: how its parameters started; None where the file does not say.
        task: what its outputs answer; None where the file does not say.
        recipe: the hyperparameters of its training; see `mlp.training.recipe.Recipe`. None if it
            was not trained, or its training is unknown.
        dataset: what it was trained and tested on.
        history: the figures of each reported epoch, in order; empty where there are none.
        epoch: the epoch, from 1, whose parameters it has: the last one, or the one that was chosen.
        train_accuracy, test_accuracy, validation_accuracy: after that epoch, 0 to 1; of
            numbers, R², which may be negative.
        inputs: how the values of its data became what it reads; None for bytes.
        temperature: divides the logits to calibrate probabilities; None if none was fitted.
        unread: the file's entries that this version cannot read, unknown or damaged, as parsed from
            JSON. They are kept, so that saving the model again loses nothing.

    Raises:
        ModelError: if the temperature is not a finite number above 0.
    """

    initialisation: Initialisation | None = None
    task: Task | None = None
    recipe: Mapping[str, Any] | None = None
    dataset: DatasetSummary | None = None
    history: tuple[Figures, ...] = ()
    epoch: int | None = None
    train_accuracy: float | None = None
    test_accuracy: float | None = None
    validation_accuracy: float | None = None
    temperature: float | None = None
    inputs: Inputs | None = None
    unread: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        T = self.temperature
        if T is not None and not (_is_number(T) and T > 0):
            raise ModelError(
                f"the model tells of a temperature {T!r}, which must be a number above 0: "
                "its file is damaged, copy it again"
            )

    def to_json(self) -> dict[str, Any]:
        """Return the entries of a model file, as `json.dumps` takes them.

        The file of a trained network has every entry, null where a value is missing; that of
        another network has only the entries with a value.
        """
        entries: dict[str, Any] = asdict(self)
        initialisation, unread = entries.pop("initialisation"), entries.pop("unread")
        del entries["inputs"]
        if self.task is not None:
            entries["task"] = self.task.to_json()
        if self.recipe is None:
            entries = {key: value for key, value in entries.items() if value not in (None, ())}
        if self.epoch is None:  # as in the files of versions that did not tell it
            entries.pop("epoch", None)
        if initialisation is not None:
            entries["init"] = initialisation
        if self.inputs is not None:
            entries["inputs"] = self.inputs.to_json()
        if self.dataset is not None:
            for name in ("origin", "reading"):  # as in the files of versions that did not tell them
                if not entries["dataset"][name]:
                    del entries["dataset"][name]
        entries |= unread
        return entries

    @classmethod
    def from_json(cls, entries: Mapping[str, Any]) -> Metadata:
        """Read the entries of a model file.

        Damaged entries that only inform are kept in `unread`, so that the network can still be
        used.

        Raises:
            ModelError: if the task, the inputs or the temperature is damaged, without which its
                outputs would be misread.
        """
        unread = dict(entries)
        read: dict[str, Any] = {"temperature": unread.pop("temperature", None)}
        if (task := unread.pop("task", None)) is not None:
            read["task"] = _task(task)
        if (inputs := unread.pop("inputs", None)) is not None:
            read["inputs"] = _inputs(inputs)
        for key, (name, parse) in _PARSERS.items():
            value = unread.pop(key, None)
            if value is not None:
                try:
                    read[name] = parse(_harmless(value))
                except (TypeError, ValueError, LookupError):
                    unread[key] = value
        return cls(**read, unread=unread)


def metadata_of(model: MLP) -> Metadata:
    """Return a model's metadata; for one that was just made, only how its parameters started."""
    if model.metadata is None:
        return Metadata(Initialisation(model.init, model.bias_init, int(model.seed)))
    assert isinstance(model.metadata, Metadata)
    return model.metadata


def task_of(model: MLP) -> Task:
    """Return what a model was trained to answer; one class of several where that is unknown."""
    return metadata_of(model).task or Task(names=tuple(map(str, range(model.sizes[-1]))))


def inputs_of(model: MLP) -> Inputs:
    """Return how a model takes values; bytes unless it tells of others."""
    return metadata_of(model).inputs or Pixels()


def temperature_of(model: MLP) -> float:
    """Return the temperature that calibrates a model; 1 if none was fitted."""
    return float(metadata_of(model).temperature or 1.0)


def _task(value: Any) -> Task:
    try:
        mean, deviation = tuple(value.get("mean", ())), tuple(value.get("deviation", ()))
        task = Task(value["kind"], tuple(value["names"]), tuple(value["positive"]), mean, deviation)
        _require(task.kind in get_args(Kind))
        _require(
            len(mean) == len(deviation) == (len(task.names) if task.kind == "regression" else 0)
        )
        _require(all(_is_number(figure) for figure in (*mean, *deviation)))
        _require(all(figure > 0 for figure in deviation))
        _require(all(isinstance(name, str) for name in task.names))
        _require(all(type(digit) is int for digit in task.positive))
        return task
    except (AttributeError, KeyError, TypeError, ValueError):
        raise ModelError(
            "the model does not tell what its outputs answer: its file is damaged, copy it again"
        ) from None


def _inputs(value: Any) -> Inputs:
    try:
        return inputs_from_json(value)
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
        raise ModelError(
            "the model does not tell which values it reads: its file is damaged, copy it again"
        ) from None


def _initialisation(value: Any) -> Initialisation:
    read = Initialisation(**value)
    _require(isinstance(read.W, str) and isinstance(read.b, str) and type(read.seed) is int)
    return read


def _recipe(value: Any) -> dict[str, Any]:
    _require(isinstance(value, dict))
    return dict(value)


def _dataset(value: Any) -> DatasetSummary:
    shape = tuple(value["image_shape"])
    read = DatasetSummary(**value | {"image_shape": shape})
    _require(len(shape) in (1, 2) and isinstance(read.reading, Mapping))
    try:
        Reading(**read.reading)
    except UsageError as error:
        raise ValueError from error
    for name in (f.name for f in fields(read) if f.type == "str"):
        _require(isinstance(getattr(read, name), str))
    counts = (*shape, read.train_images, read.test_images)
    _require(all(type(count) is int and count > 0 for count in counts))
    return read


def _history(value: Any) -> tuple[Figures, ...]:
    _require(isinstance(value, list) and all(isinstance(figures, dict) for figures in value))
    for figures in value:
        _require(_is_number(figures.get("epoch")) and _is_number(figures.get("loss")))
        _require(all(figure is None or _is_number(figure) for figure in figures.values()))
    return tuple(value)


def _epoch(value: Any) -> int:
    if type(value) is not int or value < 1:
        raise ValueError(f"{value!r} is no epoch")
    return value


def _accuracy(value: Any) -> float:
    _require(_is_number(value) and value <= 1)
    return float(value)


_LARGEST = 1e300
"""Numbers from here on would overflow what is computed from them, or are not finite."""

_PARSERS = {
    "init": ("initialisation", _initialisation),
    "recipe": ("recipe", _recipe),
    "dataset": ("dataset", _dataset),
    "history": ("history", _history),
    "epoch": ("epoch", _epoch),
    **{
        f"{name}_accuracy": (f"{name}_accuracy", _accuracy)
        for name in ("train", "test", "validation")
    },
}
"""For each entry that only informs: its attribute, and the function that parses it."""


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and abs(value) < _LARGEST  # type: ignore[arg-type]


def _harmless(value: Any) -> Any:
    """Return a value of JSON with every text in it made fit to be printed."""
    if isinstance(value, dict):
        return {printable(key): _harmless(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_harmless(entry) for entry in value]
    return printable(value) if isinstance(value, str) else value


def _require(holds: bool) -> None:
    if not holds:
        raise ValueError
