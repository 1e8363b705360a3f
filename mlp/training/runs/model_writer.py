"""Writing a run's network to its model file: after epochs, and whatever ends the run."""

from __future__ import annotations

import itertools
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mlp.common.atomic import IN_PLACE
from mlp.common.errors import ModelError
from mlp.models import model_file
from mlp.nn.network import MLP
from mlp.training.callbacks import Callback
from mlp.training.history import Epoch, training_metadata

if TYPE_CHECKING:
    from mlp.training.run import Run

SHARE = 0.01
"""The share of a run's time that writing its model at the ends of epochs may take."""

NAME = "model.safetensors"
"""What a model is called where its own name cannot be written."""


class ModelPlace:
    """The file of a run's model: the one that was asked for, or else another.

    Args:
        path: the file.
        replace: whether a file that is there is replaced. If not, and there is one by the time of
            the first write, the next free name is taken.

    Attributes:
        path: the file that was written last, or is to be.
    """

    def __init__(self, path: Path, replace: bool) -> None:
        self.path, self._replace = path, replace
        self._own: tuple[int, int] | None = None

    def write(self, model: MLP) -> None:
        """Write a network, in place of the one that was written here before.

        Raises:
            ModelError: if it cannot be written.
        """
        while True:
            is_own = self._own is not None and self._own == _identity(self.path)
            try:
                model_file.save(model, self.path, replace=self._replace or is_own)
            except FileExistsError:  # another's, who was first
                self.path = free_name(self.path)
            except ModelError as error:
                if IN_PLACE in str(error):
                    self._own = _identity(self.path)
                raise
            else:
                self._own = _identity(self.path)
                return

    def write_somewhere(self, model: MLP) -> str | None:
        """Write a network here, or under another name or in another folder if that fails.

        Returns:
            Why it is somewhere else, or may not last; None where all is well.

        Raises:
            ModelError: if it can be written nowhere.
        """
        try:
            self.write(model)
        except ModelError as error:
            if IN_PLACE in str(error):
                return str(error)
            reason = error
        else:
            return None
        for other in self._others():
            with suppress(ModelError, OSError):
                path = free_name(other)
                model_file.save(model, path, replace=False)
                self.path, self._own = path, _identity(path)
                return str(reason)
        raise reason

    def _others(self) -> Iterator[Path]:
        """Name other places to try: here, where the command runs, at home, or for a while."""
        yield self.path.with_name(NAME)
        for folder in (Path.cwd, Path.home, tempfile.gettempdir):
            with suppress(OSError, RuntimeError):  # there is none
                yield Path(folder()) / (self.path.name if len(self.path.name) < 100 else NAME)


class ModelWriter(Callback):
    """Writes the network after the last finished epoch.

    It does so before the first epoch that was measured is told, before others as far as that takes
    no more than `SHARE` of the time, and when the run ends, before anything else is measured. So a
    model is there even if the process is killed.

    Args:
        place: where to.
        after_epochs: whether it is written after epochs; if not, only at the end.
        on_warning: called once with a sentence if it cannot be written after an epoch.

    Attributes:
        run: the run; None until it has begun.
        problem: why the model is somewhere else than asked for, or nowhere; None if it is there.
        is_written: whether it is somewhere.
    """

    may_miss = True

    def __init__(
        self, place: ModelPlace, after_epochs: bool, on_warning: Callable[[str], None]
    ) -> None:
        self.place = place
        self.run: Run | None = None
        self.problem: str | None = None
        self.is_written = self.has_ended = False
        self._after_epochs, self._on_warning = after_epochs, on_warning
        self._written, self._took, self._epoch = time.monotonic(), 0.0, 0

    def on_epoch_begin(self, run: Run) -> None:
        self.run = run

    def on_epoch_measured(self, run: Run, epoch: Epoch) -> None:
        start = time.monotonic()
        if not self._after_epochs or SHARE * (start - self._written) < self._took:
            return
        self._describe(run)
        try:
            self.place.write(run.model)
            self.is_written, self._epoch = True, run.epoch
        except (ModelError, MemoryError) as error:
            self._after_epochs = False
            reason = str(error) or f"no memory is left to write {self.place.path}"
            self._on_warning(f"{reason}; the training goes on, and tries again at its end")
        self._written = time.monotonic()
        self._took = self._written - start

    def on_stop(self, run: Run) -> None:
        self.run = run
        if run.epoch and (run.epoch != self._epoch or run.history.chosen is not None):
            self._describe(run)
            self.write(run.model)
        self.has_ended = True

    def write(self, model: MLP) -> None:
        """Write the network that the run ended with; `problem` says what went wrong."""
        try:
            self.problem = self.place.write_somewhere(model)
            self.is_written = True
            if self.run is not None:
                self._epoch = self.run.epoch
        except (ModelError, MemoryError) as error:
            self.problem = str(error)
            if isinstance(error, MemoryError):
                self.problem = f"no memory is left to write {self.place.path}: end other programs"
            if self.is_written:
                self.problem += f"; what was written last is as after epoch {self._epoch}"

    def rescue(self) -> None:
        """Write the network of a run that was interrupted while it ended."""
        if self.run is not None and not self.has_ended:
            self.run.put_back()
            self.run.history.chosen = None
            self.on_stop(self.run)

    def _describe(self, run: Run) -> None:
        run.model.metadata = training_metadata(
            run.model, run.recipe, run.dataset, run.history, temperature=None
        )


def free_name(path: Path) -> Path:
    """Return the path, or the first free one of NAME-2, NAME-3 and so on."""
    names = (f"{path.stem}{f'-{n}' if n > 1 else ''}{path.suffix}" for n in itertools.count(1))
    return next(other for other in map(path.with_name, names) if not os.path.lexists(other))


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat(follow_symlinks=False)
    except OSError:
        return None
    return status.st_dev, status.st_ino
