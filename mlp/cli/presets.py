"""``mlp presets`` and ``mlp reproduce``: the published recipes, and how our results compare."""

from __future__ import annotations

import dataclasses
import json
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from mlp.cli import console
from mlp.cli.options import DataFolder, DatasetName, Device, Json, open_dataset, open_device
from mlp.common.errors import UsageError
from mlp.training.presets.preset import Preset, load_preset, preset_names
from mlp.training.presets.reproduce import Comparison, compare, run_seeds


def presets(as_json: Json = False) -> None:
    """List the published recipes that mlp train --preset and mlp reproduce run."""
    found = [load_preset(name) for name in preset_names()]
    if as_json:
        print(json.dumps([dataclasses.asdict(preset) for preset in found]))
        return
    table = Table(box=None)
    table.add_column("preset", no_wrap=True)  # to be typed, so never cut short
    table.add_column("network", overflow="fold")
    table.add_column("what it is")
    for preset in found:
        hidden = "-".join(map(str, preset.architecture.hidden))
        table.add_row(preset.name, f"784-{hidden}-10", preset.description)
    Console(highlight=False).print(table)


def reproduce(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]…", help="Presets; all but the long ones unless named."),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Runs of each, from the seeds 0, 1, …")] = 5,
    device: Device = "auto",
    dataset: DatasetName = "mnist",
    data: DataFolder = None,
    as_json: Json = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the table as Markdown.")
    ] = False,
) -> None:
    """Run published recipes and hold the results against the published figures."""
    if as_json and markdown:
        raise UsageError("--json and --markdown exclude each other: choose one")
    chosen = [load_preset(name) for name in names or preset_names()]
    if not names:
        chosen = [preset for preset in chosen if not preset.long]
    backend = open_device(device)
    images = open_dataset(dataset, data)
    findings: list[Comparison] = []
    total = sum(preset.recipe.epochs * preset.members for preset in chosen) * seeds
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console.stderr, transient=True) as bar:
        task = bar.add_task("", total=total)
        done = 0
        left: list[Preset] = []
        for preset in chosen:
            reached: dict[int, int] = {}  # by its seed, the epoch of each network

            def on_epoch(
                seed: int,
                epoch: int,
                name: str = preset.name,
                before: int = done,
                reached: dict[int, int] = reached,
            ) -> None:
                reached[seed] = epoch
                completed = before + sum(reached.values())
                bar.update(task, completed=completed, description=f"{name}, seed {seed}")

            try:
                found = compare(preset, run_seeds(preset, images, seeds, backend, on_epoch))
            except KeyboardInterrupt:
                left = chosen[chosen.index(preset) :]
                break
            findings += found
            for finding in found:
                console.note(": ".join(_cells(finding)[i] for i in (0, 1, 3, 4)))
            done += preset.recipe.epochs * preset.members * seeds
    chosen = [preset for preset in chosen if preset not in left]
    if left and not findings:
        raise KeyboardInterrupt
    if as_json:
        print(json.dumps([dataclasses.asdict(finding) for finding in findings]))
    elif markdown:
        _print_markdown(findings)
    else:
        _print_table(findings)
    if not as_json:
        for preset in chosen:
            if preset.explanation:
                print(f"\n{preset.name}: {preset.explanation.strip()}")
    if left:
        console.note(f"interrupted: not done are {', '.join(preset.name for preset in left)}")
        raise typer.Exit(130)
    if any(finding.reproduced is False for finding in findings):
        raise typer.Exit(1)


HEADINGS = ("preset", "figure", "published", "ours: median (min-max)", "verdict")


def _print_table(findings: list[Comparison]) -> None:
    table = Table(*HEADINGS, box=None)
    for finding in findings:
        table.add_row(*_cells(finding))
    Console(highlight=False).print(table)


def _print_markdown(findings: list[Comparison]) -> None:
    print("| " + " | ".join(HEADINGS) + " |")
    print("| " + " | ".join(["---"] * len(HEADINGS)) + " |")
    for finding in findings:
        print("| " + " | ".join(_cells(finding)) + " |")


def _cells(finding: Comparison) -> tuple[str, ...]:
    verdicts = {True: "reproduced", False: "not reproduced", None: "nothing published"}
    return (
        finding.preset,
        finding.what,
        _curve(finding.published, finding.measure) if finding.published else "-",
        f"{_curve(finding.ours, finding.measure)} "
        f"({_figure(finding.low, finding.measure)}-{_figure(finding.high, finding.measure)})",
        verdicts[finding.reproduced],
    )


def _curve(figures: tuple[float, ...], measure: str) -> str:
    """Write a figure, or the first and the last of a curve."""
    ends = figures if len(figures) == 1 else (figures[0], figures[-1])
    return " … ".join(_figure(value, measure) for value in ends)


def _figure(value: float, measure: str) -> str:
    return f"{value:.4f}" if measure == "loss" else f"{100 * value:.2f} %"
