"""The training of ``mlp train``: the loop, with all that watches it and keeps its run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import mlp.training.loop
from mlp.cli import console
from mlp.cli.ranks import TellExchange
from mlp.cli.train_report import Outcome
from mlp.data.load import Dataset
from mlp.models.metadata import metadata_of
from mlp.nn.network import MLP
from mlp.training.callbacks import Callback
from mlp.training.ranks.ranks import ALONE, Ranks
from mlp.training.run import Run
from mlp.training.runs.checkpointer import Checkpointer, TellMachine
from mlp.training.runs.folder import RunFolder
from mlp.training.runs.model_writer import ModelPlace, ModelWriter
from mlp.training.runs.settings import Settings
from mlp.training.runs.share_signals import ShareSignals
from mlp.training.runs.signals import Signals, StopOnSignal
from mlp.training.runs.snapshots import Snapshots, delete_snapshots
from mlp.training.runs.tensorboard import TensorBoardWriter
from mlp.training.runs.watch_files import WatchFiles
from mlp.training.runs.watch_ranks import WatchRanks
from mlp.training.runs.watched import Watched
from mlp.training.runs.writers import HistoryWriter, LogWriter
from mlp.training.state import TrainingState


class CountEpochs(Callback):
    """Tells the bar of epochs that are finished and not measured, too."""

    may_miss = True

    def __init__(self, bar: console.TrainingBar) -> None:
        self._bar = bar

    def on_epoch_end(self, run: Run) -> None:
        """Count this one."""
        self._bar.finish(run.epoch)


@dataclass
class Job:
    """A training run with all that watches it.

    Attributes:
        settings: what it was asked for.
        folder: where it is kept; None for a model file alone.
        saved: the checkpoint that it goes on from.
        state: what that holds.
        checkpoint_every: minutes.
        tensorboard: whether TensorBoard's file is written.
        place: where the model is written.
        watched: where it can be watched; None where it cannot.
        ranks: who trains together; the first writes and tells.
    """

    settings: Settings
    folder: RunFolder | None
    saved: Path | None
    state: TrainingState | None
    checkpoint_every: float
    tensorboard: bool
    place: ModelPlace
    watched: Path | None = None
    ranks: Ranks = ALONE

    def run(self, model: MLP, images: Dataset, signals: Signals) -> Outcome:
        """Train the network and write it.

        Raises:
            BaseException: what ended the run otherwise than a signal; the model as after the last
                finished epoch is written by then, and the user is told where.
        """
        recipe, first = self.settings.training, self.ranks.rank == 0
        folder = self.folder if first else None
        log = LogWriter(folder.log) if folder else None

        def warn(sentence: str) -> None:
            console.warn(sentence)
            if log is not None:
                log.write(f"warning: {sentence}")

        checkpointer = None
        callbacks: list[Callback] = [StopOnSignal(signals)]
        if folder is not None and log is not None:
            checkpointer = Checkpointer(
                folder,
                self.checkpoint_every,
                resumed=self.saved,
                signals=signals,
                on_warning=warn,
            )
            callbacks = [log, HistoryWriter(folder.history, warn), checkpointer, *callbacks]
            if self.tensorboard:
                callbacks.insert(0, TensorBoardWriter(folder.path, warn))
            if self.settings.snapshots is not None:
                self._add_snapshots(callbacks, folder, warn)
        tells = None
        if self.watched is not None and first:
            tells = Watched(WatchFiles(self.watched), signals, warn)
        if self.ranks.launched:
            callbacks[:0] = [ShareSignals(self.ranks, signals), TellExchange()]
            if self.watched is not None:
                callbacks.insert(0, WatchRanks(self.ranks, signals, tells))
        elif tells is not None:
            callbacks.insert(0, tells)
        if self.state is not None:
            callbacks.insert(0, TellMachine(self.state, warn))
        writer = ModelWriter(self.place, folder is None, warn)
        if first:
            callbacks.append(writer)
        done = self.state.epoch if self.state else 0
        try:
            bar = console.TrainingBar(
                model.backend, len(images.train), recipe.epochs, done, images.task.kind
            )
            with bar:
                history = mlp.training.loop.train(
                    model,
                    images,
                    recipe,
                    callbacks=[*callbacks, CountEpochs(bar)],
                    state=self.state,
                    ranks=self.ranks,
                    on_epoch=bar.on_epoch,
                    on_step=bar.on_step,
                    on_warning=warn,
                )
        except KeyboardInterrupt:
            signals.hold()
            writer.rescue()
            if writer.run is None:
                raise
            history = writer.run.history
            history.interrupted = True
        except BaseException:
            signals.hold()
            writer.rescue()
            if writer.is_written and writer.run is not None:
                told = f"the model as after epoch {writer.run.epoch} is in {writer.place.path}"
                console.note(told)
            raise
        signals.hold()
        if writer.is_written and metadata_of(model).temperature is not None:
            writer.write(model)
        history.interrupted |= signals.stopped(history)
        latest = checkpointer.latest if checkpointer else None
        out = writer.place.path if writer.is_written else None
        return Outcome(model, images, recipe, history, folder, latest, out, writer.problem)

    def _add_snapshots(
        self, callbacks: list[Callback], folder: RunFolder, warn: Callable[[str], None]
    ) -> None:
        """Keep the snapshots that the run was asked for when it began, or is now."""
        assert self.settings.snapshots is not None
        begun = (self.state.epoch, self.state.progress.update) if self.state else (0, 0)
        if self.ranks.launched:
            delete_snapshots(folder, [place for place in folder.snapshots() if place <= begun])
            warn("ranks keep no snapshots: those of the run so far stay as they are")
            return
        callbacks.insert(0, Snapshots(folder, self.settings.snapshots, begun, warn))
