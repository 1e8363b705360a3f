"""The folder of a training run: where its files are, and how it is begun and taken up again."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path

from mlp.common.atomic import sweep
from mlp.common.errors import ModelError, UsageError
from mlp.common.overwrite import check_holds_only
from mlp.training.runs.lock import LOCK, locked
from mlp.training.runs.settings import Settings, read_settings, write_settings
from mlp.training.runs.watch_files import NAMES as WATCH_FILES
from mlp.training.state import TrainingState, load_state

RUNS = Path("runs")
"""Where the folders of runs are whose place nobody chose."""

Place = tuple[int, int]
"""A place in a run: how many epochs are finished, and how many updates of the next one are done."""

_PLACED = re.compile(r"(checkpoint|snapshot)-(\d+)-(\d+)\.safetensors")


class RunFolder:
    """The folder of one training run.

    Args:
        path: the folder; it need not be there yet.

    Attributes:
        model: the file of the trained network.
        settings: what the run was asked for; see `mlp.training.runs.settings`.
        history: a line of JSON for each measured epoch.
        log: what was told, with the time.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.model = path / "model.safetensors"
        self.settings = path / "recipe.toml"
        self.history = path / "history.jsonl"
        self.log = path / "log.txt"

    def __str__(self) -> str:
        return str(self.path)

    def checkpoints(self) -> list[Path]:
        """List the checkpoints, those of the latest place in the run last."""
        return list(self._placed("checkpoint").values())

    def checkpoint(self, epoch: int, update: int) -> Path:
        """Name the checkpoint of a place in the run.

        Args:
            epoch: how many epochs are finished.
            update: how many updates of the next one are done.
        """
        return self.path / f"checkpoint-{epoch:05}-{update:07}.safetensors"

    def snapshots(self) -> dict[Place, Path]:
        """Find the snapshots by their places, in order; see `mlp.training.runs.snapshots`."""
        return self._placed("snapshot")

    def snapshot(self, place: Place) -> Path:
        """Name the snapshot of a place in the run."""
        epoch, update = place
        return self.path / f"snapshot-{epoch:05}-{update:07}.safetensors"

    def check_free(self, force: bool) -> None:
        """Refuse a place where no run can begin.

        Args:
            force: whether a run that is there may be replaced.

        Raises:
            UsageError: if something is there that may not be replaced.
        """
        if not self.path.exists():
            return
        if not self.path.is_dir():
            raise UsageError(f"{self} is a file, but a run has a folder: name another place")
        sweep(self.path)  # what a run that was killed at its very beginning left
        others = [path for path in self.path.iterdir() if path.name != LOCK]
        if others and not force:
            raise UsageError(
                f"{self} is there already: go on with it by --resume {self}, add --force to "
                "replace it, or name another folder"
            )
        check_holds_only(self.path, self._files(), UsageError)

    @contextmanager
    def begun(
        self, settings: Settings, force: bool, on_warning: Callable[[str], None]
    ) -> Iterator[None]:
        """Make the folder, write `settings` into it, and hold its lock while the block runs.

        Args:
            settings: what the run is asked for.
            force: whether a run that is there may be replaced.
            on_warning: called with a sentence where there are no locks.

        Raises:
            UsageError: see `check_free`; or if another process trains into it.
            ModelError: if it cannot be written.
        """
        self.check_free(force)
        with _told(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
        with self._locked(on_warning):
            self.check_free(force)  # another run may have begun meanwhile
            with _told(self.path):
                for path in self._files():
                    if path.name != LOCK:
                        path.unlink()
                write_settings(settings, self.settings)
            yield

    @contextmanager
    def taken_up(self, on_warning: Callable[[str], None]) -> Iterator[Settings]:
        """Hold the lock of a run that is there while the block runs, and read its settings.

        Files that a write left unfinished when the run was killed are deleted.

        Raises:
            UsageError: if there is no run, or another process trains into it.
            ModelError: if the folder cannot be written.
        """
        if not self.settings.is_file():
            raise UsageError(f"there is no run in {self}: start one with --run {self}")
        with self._locked(on_warning):
            for path in self.path.glob(".*.tmp"):
                with suppress(OSError):
                    path.unlink()
            yield read_settings(self.settings)

    def latest_state(
        self, on_warning: Callable[[str], None]
    ) -> tuple[Path, TrainingState] | tuple[None, None]:
        """Read the latest checkpoint that can be read.

        Args:
            on_warning: called with a sentence about each that cannot.

        Returns:
            Its file and what it holds; None twice where the run was ended before its first.

        Raises:
            ModelError: if there are some and none can be read.
        """
        problem: ModelError | None = None
        paths = self.checkpoints()
        for number, path in enumerate(reversed(paths), start=1):
            try:
                return path, load_state(path)
            except ModelError as error:
                problem = error
                if number < len(paths):
                    on_warning(f"{error}; the one before is taken")
        if problem is not None:
            raise ModelError(f"{problem}; there is no other in {self}: start the run anew")
        return None, None

    @contextmanager
    def _locked(self, on_warning: Callable[[str], None]) -> Iterator[None]:
        lock = locked(self.path, on_warning)
        with _told(self.path):
            lock.__enter__()
        try:
            yield
        finally:
            lock.__exit__(None, None, None)

    def _placed(self, kind: str) -> dict[Place, Path]:
        matches = [(_PLACED.fullmatch(path.name), path) for path in self.path.iterdir()]
        found = {(int(m[2]), int(m[3])): path for m, path in matches if m and m[1] == kind}
        return dict(sorted(found.items()))

    def _files(self) -> list[Path]:
        """List what a run has written into the folder."""
        own = [self.model, self.settings, self.history, self.log, self.path / LOCK]
        own += [self.path / name for name in WATCH_FILES]
        placed = ("checkpoint-*.safetensors", "snapshot-*.safetensors")
        patterns = (*placed, ".*.tmp", "events.out.tfevents.*", ".watch*.part")
        found = [path for pattern in patterns for path in self.path.glob(pattern)]
        return [path for path in [*own, *found] if path.is_file()]


def new_folder(name: str) -> RunFolder:
    """Choose a folder for a run that has none: ``runs/DATE-NAME``, with a number if that is taken.

    Args:
        name: what the run is called; what no file can be named is left out of it.
    """
    name = re.sub(r"[^\w.+-]+", "-", name).strip("-.")[:60]
    stem = f"{date.today().isoformat()}-{name or 'run'}"
    names = (f"{stem}-{n}" if n > 1 else stem for n in itertools.count(1))
    return next(RunFolder(path) for path in map(RUNS.joinpath, names) if not path.exists())


def find_folder(name: Path) -> RunFolder:
    """Find the run that a user names: its folder, or the folder's name within `RUNS`.

    Raises:
        UsageError: if there is none.
    """
    for path in (name, RUNS / name):
        if RunFolder(path).settings.is_file():
            return RunFolder(path)
    raise UsageError(f"there is no run in {name}: see mlp runs, or start one with --run {name}")


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ModelError(
            f"no run can be written to {path} ({error.strerror}): choose another folder"
        ) from None
