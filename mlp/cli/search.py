"""``mlp search``: which values of a recipe and a network validate best."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import fields
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from mlp.cli import console
from mlp.cli.expand import Overrides, Without
from mlp.cli.options import Json, open_device
from mlp.cli.search_report import figure, report
from mlp.cli.search_space import parse_tries
from mlp.cli.train_open import open_data
from mlp.cli.train_options import Computed, TrainingOptions
from mlp.cli.train_settings import collect_options, settle
from mlp.common.errors import DivergedError, UsageError
from mlp.data.dataset import Dataset
from mlp.data.reading import Reading
from mlp.data.task import Kind
from mlp.training.architecture import Architecture
from mlp.training.recipe import Recipe
from mlp.training.runs.build import suited
from mlp.training.runs.folder import new_folder
from mlp.training.runs.settings import Settings
from mlp.training.runs.signals import Signals
from mlp.training.search.folder import SearchFolder, SearchPlan
from mlp.training.search.halving import TrialResult, rungs
from mlp.training.search.pool import cores_for
from mlp.training.search.search import Found
from mlp.training.search.search import search as run_search
from mlp.training.search.space import (
    MOST,
    Choice,
    Range,
    describe,
    draw_trials,
    grid_trials,
    with_values,
)
from mlp.training.search.trial import without_test

UNUSED = ("train_accuracy", "loss_on", "report_every")
"""A recipe's fields that say how a run is measured, which a search decides."""

VALIDATION = 0.1
"""The share of the training images that is held out, where nobody says."""

SEARCH_OPTIONS = "Search"
"""The heading of these options in the help."""

WITH_RESUME = ("resume", "jobs", "as_json")
"""The options that go with ``--resume``: the rest is in the folder."""


def search(
    context: typer.Context,
    *,
    tries: Annotated[
        list[str] | None,
        typer.Option(
            "--try",
            metavar="NAME=VALUES",
            help="What to try: lr=0.01..1:log draws from a range, hidden=64/128/256,128 takes one "
            "of several, and lr=0.01..1:log:5 one of five. May be repeated.",
            rich_help_panel=SEARCH_OPTIONS,
        ),
    ] = None,
    trials: Annotated[
        int,
        typer.Option(
            min=2, max=MOST, help="How many are drawn at random.", rich_help_panel=SEARCH_OPTIONS
        ),
    ] = 16,
    grid: Annotated[
        bool,
        typer.Option(
            "--grid", help="Try every combination instead.", rich_help_panel=SEARCH_OPTIONS
        ),
    ] = False,
    halve: Annotated[
        int,
        typer.Option(
            min=1,
            help="One of so many goes on, for so many times as long; 1 lets all run to the end.",
            rich_help_panel=SEARCH_OPTIONS,
        ),
    ] = 2,
    jobs: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Runs at a time, each on a core of its own; else one a core, and one on a GPU.",
            rich_help_panel=SEARCH_OPTIONS,
        ),
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="The search's new folder; else runs/DATE-search-NAME.",
            rich_help_panel=SEARCH_OPTIONS,
        ),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Go on with a search that was stopped, in its folder.",
            rich_help_panel=SEARCH_OPTIONS,
        ),
    ] = None,
    asked: TrainingOptions,
    network: Overrides[Architecture],
    training: Annotated[Overrides[Recipe], Without(*UNUSED)],
    reading: Overrides[Reading],
    computed: Computed,
    as_json: Json = False,
) -> None:
    """Train with many values, several runs at a time, and tell which validate best.

    Runs are compared by training images held out, and never by the test. After some epochs the
    better ones go on. A run that diverges is the worst. A search that was stopped goes on by
    --resume.
    """
    given = collect_options(context, asked, computed, locals())
    with ExitStack() as stack:
        if resume is not None:
            _check_alone(context)
            folder = SearchFolder(resume)
            plan = stack.enter_context(folder.taken_up(console.warn))
            asked_device = folder.settings(0).device
            device = open_device(asked_device.device, asked_device.precision, asked_device.graph)
        else:
            settings = settle(None, given, network, training, reading)
            space = parse_tries(tries or [])
            _check_space(space, settings, network, training)
            asked_device = settings.device
            device = open_device(asked_device.device, asked_device.precision, asked_device.graph)
            _, images = open_data(settings, suiting=False)
            drawn = _settings_of(space, settings, images, grid, trials)
            plan = _plan([values for values, _ in drawn], drawn[0][1], halve)
            without_test(images, plan.validation, settings.training.seed)  # refuses an empty one
            folder = SearchFolder(run or new_folder(f"search-{images.name}").path)
            every = [made for _, made in drawn]
            stack.enter_context(folder.begun(plan, every, console.warn))
            del images  # each process has its own
        cores = cores_for(jobs, device.name)
        console.note(
            f"{len(plan.trials)} trials, compared after {', '.join(map(str, plan.rungs))} epochs, "
            f"{len(cores)} at a time: {folder}"
        )
        kind = folder.settings(0).data.task
        signals = stack.enter_context(Signals())
        found = run_search(
            folder,
            plan,
            cores,
            stopped=lambda: signals.received is not None,
            on_result=lambda result: _tell(result, plan, kind),
            warn=console.warn,
        )
        report(folder, plan, found, as_json)
    if not found.is_complete:
        console.note(f"the search was stopped: mlp search --resume {folder} goes on")
        raise typer.Exit(signals.exit_code)
    if found.best is None:
        _say_that_there_is_no_best(found)


def _say_that_there_is_no_best(found: Found) -> NoReturn:
    refused = [result for result in found.results if result.refused is not None]
    if len(refused) == len(found.results):
        first = refused[0]
        raise UsageError(
            f"no trial can be trained: trial {first.trial}, as the first, because {first.refused}"
        )
    raise DivergedError(
        f"every run diverged{' or was refused' if refused else ''}, so that there is no best one: "
        "try lower rates, or --clip-norm 1"
    )


def _check_alone(context: typer.Context) -> None:
    """Refuse options beside ``--resume`` that the folder has decided."""
    for name in context.params:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE" and name not in WITH_RESUME:
            flag = {"tries": "try"}.get(name, name.replace("_", "-"))
            raise UsageError(
                f"--resume and --{flag} exclude each other: a search goes on as it was begun"
            )


def _check_space(
    space: Sequence[Choice | Range],
    settings: Settings,
    network: Overrides[Architecture],
    training: Overrides[Recipe],
) -> None:
    """Refuse to try what is said as an option, too, or what the model to start from decides."""
    of_model = {field.name for field in fields(Architecture)} - {"init", "bias_init"}
    for name in (dimension.name for dimension in space):
        if name in network or name in training:
            flag = name.replace("_", "-")
            raise UsageError(f"--{flag} and --try {name} exclude each other: leave one away")
        if settings.start is not None and name in of_model:
            raise UsageError(
                f"--start takes the network of the model as it is: leave --try {name} away"
            )


def _settings_of(
    space: Sequence[Choice | Range], settings: Settings, images: Dataset, grid: bool, trials: int
) -> list[tuple[dict[str, object], Settings]]:
    """Draw the trials, each with the settings that it is trained by."""
    seed = settings.training.seed
    drawn = grid_trials(space) if grid else draw_trials(space, trials, seed)
    made = []
    for values in drawn:
        suiting = suited(with_values(settings, values), images)
        made.append((values, with_values(suiting, values)))  # also a none that is tried
    return made


def _plan(values: list[dict[str, object]], settings: Settings, halve: int) -> SearchPlan:
    recipe = settings.training
    return SearchPlan(
        trials=values,
        rungs=rungs(recipe.epochs, halve, len(values)),
        factor=max(halve, 1),
        monitor=recipe.monitor,
        validation=recipe.validation or VALIDATION,
    )


def _tell(result: TrialResult, plan: SearchPlan, kind: Kind) -> None:
    values = describe(plan.trials[result.trial])
    came = figure(result, kind)
    last = plan.rungs[-1]
    why = "" if result.refused is None else f": {result.refused}"
    console.note(
        f"trial {result.trial:>{len(str(len(plan.trials)))}}  epoch "
        f"{result.epochs:>{len(str(last))}}/{last}  validation {came:>8}  {values}{why}"
    )
