"""What ``mlp train`` is asked for: a preset's, a file's or a run's settings, and the options."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import typer

from mlp.cli import console
from mlp.cli.expand import Overrides
from mlp.cli.parse import parse_classes
from mlp.cli.train_options import Computed, TrainingOptions
from mlp.common.errors import UsageError
from mlp.data.reading import Reading
from mlp.data.task import Kind
from mlp.training.architecture import Architecture
from mlp.training.pairs import USUAL_LOSSES
from mlp.training.presets.preset import load_preset
from mlp.training.recipe import Recipe
from mlp.training.runs.settings import DataSettings, DeviceSettings, Settings, read_settings

Table = TypeVar("Table", DataSettings, DeviceSettings)

EXCLUSIVE = (
    ("preset", "config"),
    ("resume", "run"),
    ("resume", "preset"),
    ("resume", "config"),
    ("resume", "start"),
    ("resume", "force"),
    ("run", "out"),
    ("resume", "out"),
    ("seeds", "run"),
    ("seeds", "resume"),
    ("seeds", "watch"),
)
"""Options of which only one makes sense."""

REASONS = {
    "start": "the run to resume has its parameters in its checkpoint",
    "out": "the model of a run lies in its folder",
    "run": "a run that is resumed has its folder",
    "force": "a run that is resumed goes on in its folder",
}


SEVERAL = "a run that is kept or watched is of one network; train it by itself, with its --seed"
"""Why what is kept of a run does not go with several seeds."""


@dataclass(frozen=True)
class Given:
    """The options of ``mlp train`` that the user gave, beside those of the network and the recipe.

    Attributes:
        values: all options by their names.
        names: those that were given.
    """

    values: Mapping[str, object]
    names: Collection[str]

    def check(self) -> None:
        """Refuse options that exclude each other, or that need another.

        Raises:
            UsageError: if there are such.
        """
        for one, other in EXCLUSIVE:
            if one in self.names and other in self.names:
                reason = SEVERAL if one == "seeds" else REASONS.get(other, "each says how to train")
                raise UsageError(f"--{one} and --{other} exclude each other: {reason}")
        has_folder = "run" in self.names or "resume" in self.names
        for name in ("checkpoint_every", "tensorboard", "snapshots"):
            if name in self.names and not has_folder:
                flag = name.replace("_", "-")
                raise UsageError(f"--{flag} needs a folder to write into: add --run DIR")

    def over(self, base: Table, names: Mapping[str, str]) -> Table:
        """Return settings with what was given in place of their own.

        Args:
            base: the settings.
            names: the names of their fields by those of the options.
        """
        given: dict[str, Any] = {
            field: self.values[name] for name, field in names.items() if name in self.names
        }
        return dataclasses.replace(base, **given)


def collect_options(
    context: typer.Context, asked: TrainingOptions, computed: Computed, others: Mapping[str, object]
) -> Given:
    """Collect a command's options.

    Args:
        context: of the command.
        asked: what every command that trains takes.
        computed: the same, of the device.
        others: its own, by their names.
    """
    values = {**others, **vars(asked), **vars(computed)}
    return Given(values, [name for name in values if _is_given(context, name)])


def _is_given(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def settle(
    base: Settings | None,
    given: Given,
    network: Overrides[Architecture],
    training: Overrides[Recipe],
    reading: Overrides[Reading],
) -> Settings:
    """Put together what is to be trained.

    Args:
        base: the settings of the run to resume; None where there is none.
        given: the options.
        network: the options of the network.
        training: the options of the recipe.
        reading: the options of reading the data.

    Raises:
        UsageError: if a preset or a file of settings cannot be read, or an option makes no sense.
    """
    preset, config = given.values["preset"], given.values["config"]
    if base is None and isinstance(config, Path):
        base = read_settings(config)
    if base is None:
        base = _of_preset(preset, given.values["task"])  # type: ignore[arg-type]
    data = given.over(base.data, {"dataset": "dataset", "data": "folder", "task": "task"})
    if isinstance(text := given.values["positive"], str):
        data = dataclasses.replace(data, positive=parse_classes(text))
    if (data.task == "binary") != bool(data.positive):
        raise UsageError("--task binary and --positive go together, as in --positive 0,2,4,6,8")
    start = given.values["start"] or base.start
    snapshots = given.values.get("snapshots")
    return dataclasses.replace(
        base,
        network=network.over(base.network),
        training=training.over(base.training),
        reading=reading.over(base.reading).from_any_folder(),
        data=dataclasses.replace(
            data,
            dataset=_absolute(data.dataset),
            folder=None if data.folder is None else str(Path(data.folder).absolute()),
        ),
        device=given.over(
            base.device, {"device": "device", "precision": "precision", "graph": "graph"}
        ),
        start=str(Path(str(start)).absolute()) if start else None,
        snapshots=snapshots if isinstance(snapshots, int) else base.snapshots,
    )


def _of_preset(name: str | None, task: Kind) -> Settings:
    """Return the settings of a preset, or the defaults if there is no name.

    Raises:
        UsageError: if there is no preset of this name, or it makes no model file.
    """
    if name is None:
        return Settings(training=Recipe(loss=USUAL_LOSSES[task]))
    preset = load_preset(name)
    if preset.members > 1:
        raise UsageError(
            f"{preset.name} is a committee of {preset.members} networks, and a model file "
            f"holds one: run mlp reproduce {preset.name}"
        )
    if preset.explanation:
        console.note(f"{preset.name}: {preset.explanation.strip()}")
    return Settings(network=preset.architecture, training=preset.recipe, preset=name)


def _absolute(dataset: str) -> str:
    """Write paths so that they are found from any folder; leave the names of datasets."""
    parts = [dataset] if Path(dataset).exists() or "," not in dataset else dataset.split(",")
    return ",".join(
        part
        if re.fullmatch(r"auto|mnist|synthetic(:.*)?", part) or not Path(part).exists()
        else str(Path(part).absolute())
        for part in parts
    )
