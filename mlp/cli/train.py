"""``mlp train``: from a dataset and a recipe to a model file."""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from mlp.cli import console
from mlp.cli.expand import Overrides
from mlp.cli.options import Json, open_device
from mlp.cli.page_options import check_page_installed
from mlp.cli.ranks import check_ranked, start_ranks, together
from mlp.cli.train_job import Job
from mlp.cli.train_open import check_start, open_network, share_data
from mlp.cli.train_options import Computed, TrainingOptions
from mlp.cli.train_report import Outcome, report
from mlp.cli.train_seeds import names_of, places, seeds_of, train_seeds
from mlp.cli.train_settings import collect_options, settle
from mlp.cli.watch import page_of
from mlp.common.errors import ModelError, UsageError
from mlp.common.overwrite import check_destination
from mlp.data.reading import Reading
from mlp.training.architecture import Architecture
from mlp.training.ranks.devices import open_device_of
from mlp.training.ranks.launcher import join
from mlp.training.ranks.ranks import Ranks
from mlp.training.recipe import Recipe
from mlp.training.runs.folder import RunFolder, find_folder, new_folder
from mlp.training.runs.model_writer import ModelPlace, free_name
from mlp.training.runs.settings import FEWEST, Settings, read_settings, write_settings
from mlp.training.runs.signals import Signals
from mlp.training.runs.tensorboard import check_installed
from mlp.training.runs.watch_files import WatchFiles
from mlp.training.state import (
    TrainingState,
    check_resumable,
    describe_data,
    describe_network,
)

Value = TypeVar("Value")

RUN_OPTIONS = "Runs"
"""The heading of these options in the help."""


def train(
    context: typer.Context,
    *,
    asked: TrainingOptions,
    network: Overrides[Architecture],
    training: Overrides[Recipe],
    reading: Overrides[Reading],
    computed: Computed,
    seeds: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=2,
            help="Train N networks, from --seed on, side by side where that changes nothing, and "
            "print their spread; FILE-1 to FILE-N are their models.",
            rich_help_panel=RUN_OPTIONS,
        ),
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Keep the run in a new folder: model, checkpoints, recipe, history and log. auto "
            "takes runs/DATE-NAME.",
            rich_help_panel=RUN_OPTIONS,
        ),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Go on with a run that was stopped, in its folder; --epochs may grow.",
            rich_help_panel=RUN_OPTIONS,
        ),
    ] = None,
    checkpoint_every: Annotated[
        float,
        typer.Option(
            metavar="MINUTES",
            help="How often a run's state is saved within an epoch, beside at its end.",
            rich_help_panel=RUN_OPTIONS,
        ),
    ] = 5.0,
    snapshots: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=FEWEST,
            help="Keep up to N snapshots of the network, dense at first, for mlp draw --run.",
            rich_help_panel=RUN_OPTIONS,
        ),
    ] = None,
    tensorboard: Annotated[
        bool,
        typer.Option(
            "--tensorboard",
            help="Write the figures for TensorBoard, too; needs the extra tensorboard.",
            rich_help_panel=RUN_OPTIONS,
        ),
    ] = False,
    watch: Annotated[
        bool,
        typer.Option(
            "--watch",
            help="Open a page on which the run is seen to train, and can be paused or stopped; "
            "needs the extra draw. mlp watch does the same for a run with a folder.",
            rich_help_panel=RUN_OPTIONS,
        ),
    ] = False,
    started: Annotated[
        int | None,
        typer.Option(
            "--ranks",
            metavar="N",
            min=1,
            help="Start N processes that train together, as mpiexec -n N does, which also starts "
            "them on several machines; needs the extra mpi.",
            rich_help_panel=RUN_OPTIONS,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The model file; else the first free digits-N name."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the model file, or the run's folder.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Train a network and write it to a model file."""
    given = collect_options(context, asked, computed, locals())
    given.check()
    if not checkpoint_every > 0:
        raise UsageError(f"--checkpoint-every takes minutes above 0, not {checkpoint_every:g}")
    if tensorboard:
        check_installed()
    if watch:
        check_page_installed()
    if started is not None:
        start_ranks(started)
    ranks = join()
    with ExitStack() as stack:
        told = stack.enter_context(together(ranks))
        steps = {"--run": run is not None, "--resume": resume is not None, "--watch": watch}
        ranks.check_alike(lambda: steps, "start all by one command")  # or they would not meet
        folder = settings = None
        if resume is not None:
            folder = ranks.on_first(partial(find_folder, resume))
            settings = ranks.on_first(partial(_enter, stack, folder.taken_up(console.warn)))
        settings = ranks.on_all(partial(settle, settings, given, network, training, reading))
        kept = settings.snapshots if run is not None else snapshots
        ranks.on_all(partial(check_ranked, ranks, snapshots=kept, seeds=seeds))
        if run is not None:
            folder = ranks.on_first(partial(_new_folder, run, settings, force))
        if seeds is not None:
            numbered = places(out, seeds, force)
            console.note(f"models: {names_of(numbered)}")
        elif folder is None:
            place = ModelPlace(ranks.on_first(partial(_writable, out, force)), force)
        else:
            place = ModelPlace(folder.model, replace=True)
        asked_for = settings.device
        open_one = partial(open_device, precision=asked_for.precision, graph=asked_for.graph)
        backend = open_device_of(ranks, asked_for.device, open_one)
        settings, images = ranks.on_all(partial(share_data, settings, ranks))
        if seeds is not None:
            check_start(settings, network)
            of_each = seeds_of(settings.training.seed, seeds)
            train_seeds(settings, images, backend, of_each, numbered, as_json)
            return
        saved = state = None
        if resume is not None and folder is not None:
            saved, state = ranks.on_first(partial(folder.latest_state, console.warn))
        settings, model = ranks.on_all(
            partial(open_network, settings, network, images, backend, state is not None)
        )
        if folder is not None and state is not None:
            found = describe_network(model), describe_data(images)
            ranks.on_all(partial(check_resumable, state, asdict(settings.training), *found))
        if folder is not None and resume is None:
            ranks.on_first(partial(_enter, stack, folder.begun(settings, force, console.warn)))
        elif folder is not None:
            ranks.on_first(partial(_take_up, folder, settings, saved, state))
        told.folder = folder.path if folder is not None else None
        watched = folder.path if folder is not None else None
        if watch:
            watched = ranks.on_first(partial(_enter, stack, page_of(watched)))
        job = Job(
            *(settings, folder, saved, state, checkpoint_every, tensorboard, place, watched), ranks
        )
        with Signals() as signals:
            outcome = job.run(model, images, signals)
            if outcome.history.epochs and outcome.out is not None:
                report(outcome, as_json)
    if ranks.rank == 0:
        _conclude(outcome, folder, ranks)
    if outcome.history.interrupted:
        raise typer.Exit(signals.exit_code)


def _conclude(outcome: Outcome, folder: RunFolder | None, ranks: Ranks) -> None:
    """Tell where what was trained is, if it is not where it was asked for.

    Raises:
        ModelError: if it could not be written there.
    """
    history, again = outcome.history, f"mlp train --resume {folder}"
    if ranks.launched:
        again = f"mlp train --ranks {ranks.size} --resume {folder}, or the same under a launcher,"
    if outcome.out is None and outcome.problem is None:
        console.note("interrupted before the first epoch was done: no model was written")
    elif not history.epochs:
        console.note(f"interrupted before an epoch was measured: the model is in {outcome.out}")
    if outcome.problem is not None:
        where = "no model was written" if outcome.out is None else f"the model is in {outcome.out}"
        if outcome.out is None and folder is not None and outcome.checkpoint is not None:
            where += f", but {again} goes on from {outcome.checkpoint.name}"
        raise ModelError(f"{outcome.problem}; {where}")
    if history.interrupted and folder is not None and outcome.checkpoint is not None:
        console.note(f"checkpoint: {outcome.checkpoint}; {again} goes on")


def _enter(stack: ExitStack, context: AbstractContextManager[Value]) -> Value:
    return stack.enter_context(context)


def _new_folder(run: Path, settings: Settings, force: bool) -> RunFolder:
    """Name a run's folder, and check it before any time is spent on training."""
    folder = RunFolder(run)
    if str(run) == "auto":
        start = Path(settings.start).stem if settings.start else None
        folder = new_folder(start or settings.preset or Path(settings.data.dataset).name)
    folder.check_free(force)
    return folder


def _take_up(
    folder: RunFolder, settings: Settings, saved: Path | None, state: TrainingState | None
) -> None:
    """Tell where a run goes on, and keep what it is now asked for.

    What it told who watched it is deleted where it goes on, or it would still be seen as ended.
    """
    if state is None or state.epoch < settings.training.epochs:
        WatchFiles(folder.path).clear()
    if state is None:
        console.note(f"{folder} has no checkpoint yet: the run starts from its beginning")
    elif state.epoch >= settings.training.epochs:
        console.note(f"{folder} is finished: more --epochs would go on with it")
    else:
        console.note(f"resuming {saved}: epoch {state.epoch + 1}")
    if settings != read_settings(folder.settings):
        write_settings(settings, folder.settings)


def _writable(out: Path | None, force: bool) -> Path:
    """Choose the file for the model and check it, before any time is spent on training.

    Raises:
        UsageError, ModelError: see `mlp.common.overwrite.check_destination`.
    """
    if out is None:
        out = Path("digits.safetensors") if force else free_name(Path("digits.safetensors"))
    check_destination(out, force, is_folder=False, kind=ModelError)
    return out
