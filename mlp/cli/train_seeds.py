"""``mlp train --seeds N``: one recipe from several seeds, a model file each, and their spread."""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import typer
from rich.table import Table

from backends import Array, Backend
from mlp.cli import console
from mlp.common.errors import DivergedError, ModelError
from mlp.common.overwrite import check_destination
from mlp.common.quiet import quiet
from mlp.data.dataset import Dataset
from mlp.data.task import Kind, score_name, score_text
from mlp.nn.network import MLP
from mlp.training.history import Epoch
from mlp.training.many import plan, train_many
from mlp.training.runs.build import Note, build_network
from mlp.training.runs.model_writer import ModelPlace
from mlp.training.runs.settings import Settings
from mlp.training.runs.signals import Signals
from mlp.training.runs.writers import describe_epoch
from mlp.training.together import Trained, Watch


def seeds_of(first: int, count: int) -> list[int]:
    """Return the seeds from the recipe's on."""
    return list(range(first, first + count))


def places(out: Path | None, count: int, force: bool) -> list[ModelPlace]:
    """Choose the model files and check them, before any time is spent on training.

    Args:
        out: FILE.safetensors for FILE-1.safetensors and so on; None for the first free digits-N.
        count: how many.
        force: whether files that are there may be replaced.

    Raises:
        UsageError, ModelError: see `mlp.common.overwrite.check_destination`.
    """
    path = out or Path("digits.safetensors")
    names = _numbered(path)
    if out is None and not force:
        names = (name for name in names if not os.path.lexists(name))
    chosen = list(itertools.islice(names, count))
    for name in chosen:
        check_destination(name, force, is_folder=False, kind=ModelError)
    return [ModelPlace(name, force) for name in chosen]


def names_of(places: Sequence[ModelPlace]) -> str:
    """Return the names of numbered models: the first and the last, all where some are left out."""
    names = [str(place.path) for place in places]
    first, last = (int(places[k].path.stem.rpartition("-")[2]) for k in (0, -1))
    if last - first + 1 == len(places) > 2:
        return f"{names[0]} to {names[-1]}"
    return ", ".join(names)


def _numbered(path: Path) -> Iterator[Path]:
    return (path.with_name(f"{path.stem}-{n}{path.suffix}") for n in itertools.count(1))


class SeedsTold(Watch):
    """Tells what is measured of each network, and writes its model when it is done.

    Args:
        seeds: of the networks.
        epochs: of each.
        kind: of their task.
        places: where their models go.
        bar: shows how far they are, in the epochs of all that train one after another.
        at_once: how many train side by side.
        signals: end the training.
    """

    def __init__(
        self,
        seeds: Sequence[int],
        epochs: int,
        kind: Kind,
        places: Sequence[ModelPlace],
        bar: console.TrainingBar,
        at_once: int,
        signals: Signals,
    ) -> None:
        self.seeds, self.epochs, self.kind, self.places = seeds, epochs, kind, places
        self.bar, self.at_once, self.signals = bar, at_once, signals
        self.problems: list[str | None] = [None for _ in seeds]
        """Why a model is not where it was to be written; None where it is, or there is none."""
        self.written: list[Path | None] = [None for _ in seeds]

    def on_epoch(self, number: int, epoch: Epoch) -> None:
        told = describe_epoch(epoch, self.epochs, self.kind)
        console.note(f"seed {self.seeds[number]}: {told}")
        self.bar.finish(number // self.at_once * self.epochs + epoch.epoch)

    def on_step(self, number: int, seen: int, loss: Array) -> None:
        self.bar.on_step(seen, loss.reshape(-1)[:1])

    def on_warning(self, number: int, sentence: str) -> None:
        console.warn(f"seed {self.seeds[number]}: {sentence}")

    def on_trained(self, number: int, trained: Trained) -> None:
        self.bar.finish((number // self.at_once + 1) * self.epochs)
        if trained.problem is not None:
            console.warn(f"seed {self.seeds[number]}: {trained.problem}")
        if not trained.history.epochs:
            return
        place = self.places[number]
        try:
            self.problems[number] = place.write_somewhere(trained.model)
            self.written[number] = place.path
        except ModelError as error:
            self.problems[number] = str(error)

    def stops(self) -> bool:
        return self.signals.received is not None


def train_seeds(
    settings: Settings,
    images: Dataset,
    backend: Backend,
    seeds: Sequence[int],
    places: Sequence[ModelPlace],
    as_json: bool,
) -> None:
    """Train a network from each seed, write their models and print the results.

    Raises:
        DivergedError: if none of them learnt anything.
        ModelError: if a model could not be written where it was to be.
        Exit: with 3 if one of them diverged; after a signal, with its exit code.
    """
    recipe = settings.training
    models = [_build(settings, images, backend, seeds[0], console.note)]  # told once
    models += [_build(settings, images, backend, seed, quiet) for seed in seeds[1:]]
    console.note(f"networks: {len(models)} x {models[0]}, {models[0].parameters.size:,} parameters")
    at_once, apart = plan(models[0], len(models), images, recipe)
    if apart is not None:
        console.note(f"they train one after another, as {apart}")
    else:
        some = "" if at_once == len(models) else f", {at_once} at a time"
        console.note(f"they train side by side{some}")
    turns = -(-len(models) // at_once)
    bar = console.TrainingBar(backend, len(images.train), turns * recipe.epochs)
    with Signals() as signals, bar:
        told = SeedsTold(seeds, recipe.epochs, images.task.kind, places, bar, at_once, signals)
        trained = train_many(models, images, recipe, seeds, watch=told, at_once=at_once)
    report(trained, told.written, images, at_once, as_json)
    if problem := next((problem for problem in told.problems if problem is not None), None):
        raise ModelError(problem)
    if any(one.history.interrupted for one in trained):
        raise typer.Exit(signals.exit_code)
    problems = [one.problem for one in trained if one.problem is not None]
    if problems and len(problems) == len(trained):
        raise DivergedError(
            f"none of the networks has learnt anything; of the first, {problems[0]}"
        )
    if problems:
        raise typer.Exit(DivergedError.exit_code)


def _build(settings: Settings, images: Dataset, backend: Backend, seed: int, note: Note) -> MLP:
    own = dataclasses.replace(settings.training, seed=seed)
    return build_network(dataclasses.replace(settings, training=own), images, backend, note=note)[1]


def report(
    trained: Sequence[Trained],
    written: Sequence[Path | None],
    dataset: Dataset,
    at_once: int,
    as_json: bool,
) -> None:
    """Print a row a seed, and the mean and the spread of the test accuracy.

    An interrupt leaves those that it cut off out of the mean, as they trained for less.

    Args:
        trained: what became of each network.
        written: where their models are.
        dataset: what they were tested on.
        at_once: how many trained side by side.
        as_json: whether one object of JSON is printed.
    """
    networks = [_row(one, path) for one, path in zip(trained, written, strict=False)]
    learnt = [row for row in networks if row["problem"] is None and row["epoch"] is not None]
    whole = [row for row in learnt if not row["interrupted"]]
    cut = [row["seed"] for row in networks if row["interrupted"]]
    missing = len(written) - len(networks)
    spread = _spread([row["test_accuracy"] for row in whole])
    best = max(whole, key=lambda row: row["test_accuracy"], default=None)
    model = trained[0].model
    if as_json:
        told = {
            "dataset": dataset.name,
            "device": model.backend.name,
            "layers": model.sizes,
            "parameters": int(model.parameters.size),
            "side_by_side": at_once,
            "test_total": len(dataset.test),
            "test_accuracy": spread,
            "best": None if best is None else best["seed"],
            "train_seconds": sum(row["train_seconds"] for row in networks),
            "interrupted": bool(cut),
            "not_begun": missing,
            "networks": networks,
        }
        print(json.dumps(told))
        return
    kind = dataset.task.kind
    told_score = partial(score_text, kind)
    table = Table(box=None)
    for heading in ("seed", "test", "train", "epoch", "model"):
        table.add_column(heading, justify="left" if heading == "model" else "right")
    for row in networks:
        figures = [told_score(row[name]) if row["epoch"] else "-" for name in _ACCURACIES]
        ended = str(row["epoch"] or "-")
        table.add_row(str(row["seed"]), *figures, ended, row["model"] or row["problem"] or "-")
    console.print_table(table)
    if cut:
        console.say(
            f"interrupted: {len(cut)} of {len(written)} seeds were cut off "
            f"({', '.join(map(str, cut))}), whose models are as after these epochs"
            + (f", and {missing} were not begun" if missing else "")
        )
    if spread is None or best is None or len(whole) == 1:
        return
    ends = {name: told_score(value) for name, value in spread.items() if value is not None}
    rows = f"{len(dataset.test):,} {dataset.name} {dataset.called}"
    console.say(
        f"test {score_name(kind)} {ends['mean']} ± {ends['deviation']} (mean ± standard "
        f"deviation of {len(whole)} seeds, {rows}), from {ends['low']} to {ends['high']}; "
        f"best: seed {best['seed']}"
    )


_ACCURACIES = "test_accuracy", "train_accuracy"


def _row(one: Trained, path: Path | None) -> dict[str, Any]:
    result = one.history.result
    return {
        "seed": one.recipe.seed,
        "test_accuracy": None if result is None else result.test_accuracy,
        "train_accuracy": None if result is None else result.train_accuracy,
        "validation_accuracy": None if result is None else result.validation_accuracy,
        "epoch": None if result is None else result.epoch,
        "train_seconds": one.history.train_seconds,
        "interrupted": one.history.interrupted,
        "problem": one.problem,
        "model": None if path is None else str(path),
        "history": [dataclasses.asdict(epoch) for epoch in one.history.epochs],
    }


def _spread(accuracies: Sequence[float]) -> dict[str, float | None] | None:
    """Return the mean, the sample's standard deviation and the ends; None of no accuracies."""
    if not accuracies:
        return None
    return {
        "mean": mean(accuracies),
        "deviation": stdev(accuracies) if len(accuracies) > 1 else None,
        "low": min(accuracies),
        "high": max(accuracies),
    }
