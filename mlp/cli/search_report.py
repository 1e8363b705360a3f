"""What ``mlp search`` prints in the end: a table of its trials, and the best as a command."""

from __future__ import annotations

import dataclasses
import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.table import Table

from mlp.cli import console
from mlp.common.printable import printable
from mlp.data.task import Kind, score_name, score_text
from mlp.training.presets.preset import load_preset
from mlp.training.runs.settings import DataSettings, DeviceSettings, Settings
from mlp.training.search.folder import SearchFolder, SearchPlan
from mlp.training.search.halving import TrialResult, is_lost
from mlp.training.search.search import Found
from mlp.training.search.space import as_text

NAMES = {"folder": "data"}
"""Options by the names of their fields, where these differ."""


def report(folder: SearchFolder, plan: SearchPlan, found: Found, as_json: bool) -> None:
    """Print the trials, the best first, and the command that trains by the best one."""
    best = found.best
    command = None
    if best is not None:
        settings, tried = folder.settings(best.trial), set(plan.trials[best.trial])
        command = command_of(settings, tried, folder.settings_of(best.trial))
    if as_json:
        told = {
            "search": str(folder),
            "complete": found.is_complete,
            "monitor": plan.monitor,
            "rungs": list(plan.rungs),
            "best": None if best is None else _told(best, plan),
            "command": command,
            "trials": [_told(result, plan) for result in found.results],
        }
        print(json.dumps(told))
        return
    console.print_table(_table(plan, found, folder.settings(0).data.task))
    if command is not None and found.is_complete:
        console.say(f"best: {command}")


def command_of(settings: Settings, tried: set[str], file: Path) -> str:
    """Write settings as a call of ``mlp train``.

    Args:
        settings: what is trained by.
        tried: fields that are said even where they have their defaults, as the data may decide
            what the default is.
        file: where the settings are written. The command names it where a preset has a value for
            what they have none of, as no option takes one away.
    """
    base = Settings()
    words = ["mlp", "train"]
    if settings.preset is not None:
        preset = load_preset(settings.preset)
        base = Settings(network=preset.architecture, training=preset.recipe)
        words += ["--preset", settings.preset]
    if settings.start is not None:
        words += ["--start", settings.start]
    said = tried | {"lr", "epochs"}
    pairs: list[tuple[Any, Any]] = [
        (settings.data, DataSettings()),
        (settings.reading, base.reading),
        (settings.network, base.network),
        (settings.training, base.training),
        (settings.device, DeviceSettings()),
    ]
    for table, defaults in pairs:
        of_model = table is settings.network and settings.start is not None
        for field in dataclasses.fields(table):
            value = getattr(table, field.name)
            wanted = field.name in said or value != getattr(defaults, field.name)
            if not wanted or (of_model and field.name not in tried):
                continue
            if value is not None:
                words += _option(NAMES.get(field.name, field.name), value)
            elif getattr(defaults, field.name) is not None:
                return shlex.join(["mlp", "train", "--config", str(file)])
    return shlex.join(words)


def _option(name: str, value: Any) -> Iterator[str]:
    flag = name.replace("_", "-")
    if isinstance(value, bool):
        yield f"--{flag}" if value else f"--no-{flag}"
    else:
        yield from (f"--{flag}", as_text(value))


def figure(result: TrialResult, kind: Kind) -> str:
    """Write what was measured on the validation images: an accuracy, or R² of numbers.

    Args:
        result: a trial's.
        kind: of its task.
    """
    if result.refused is not None:
        return "refused"
    if is_lost(result) or result.accuracy is None:
        return "diverged"
    return score_text(kind, result.accuracy)


def _told(result: TrialResult, plan: SearchPlan) -> dict[str, Any]:
    return {**dataclasses.asdict(result), "values": plan.trials[result.trial]}


def _table(plan: SearchPlan, found: Found, kind: Kind) -> Table:
    table = Table(box=None)
    names = list(plan.trials[0])
    shown = [printable(name.replace("_", " ")) for name in names]
    measure = f"validation {score_name(kind)}" if kind == "regression" else "validation"
    for heading in ("trial", *shown, "epochs", measure, "loss", "s"):
        table.add_column(heading, justify="right")
    for result in found.results:
        values = plan.trials[result.trial]
        measured = [figure(result, kind), "-", "-"]
        if not is_lost(result):
            measured[1:] = [f"{result.loss:.4g}", f"{result.seconds:.1f}"]
        cells = [printable(as_text(values[name])) for name in names]
        epochs = f"{result.epochs}/{plan.rungs[-1]}"
        table.add_row(str(result.trial), *cells, epochs, *measured)
    return table
