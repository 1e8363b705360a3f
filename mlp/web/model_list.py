"""The models that the page offers, by name; it can reach no other files."""

from __future__ import annotations

from pathlib import Path

from mlp.common.errors import MLPError, ModelError
from mlp.common.printable import printable
from mlp.models.formats.convert import read_model
from mlp.models.formats.registry import FORMATS
from mlp.models.pretrained import NAME, pretrained_model
from mlp.nn.network import MLP
from mlp.training.runs.folder import Place, RunFolder
from mlp.web.network import check_page_holds

PRETRAINED = f"{NAME} (packaged)"

SNAPSHOTS_KEPT = 4
"""Of a run, in memory: the page asks of one again where its map or one step of it is shown."""


class ModelList:
    """Models by their names; each is read when it is first asked for, and when its file changes.

    Of a run's snapshots those are kept that were asked for last, `SNAPSHOTS_KEPT` of them.

    A name that the browser sends is looked up among these; it is never used as a path.

    Args:
        model: one file of weights, in any format.
        folder: a folder whose files of weights are offered too, as they come and go.
        run: a run whose model is offered in place of that file, by the folder's name, with its
            snapshots.

    Attributes:
        first: the name of the model to begin with: the one file, else the pretrained model, else
            the first in the folder.

    Raises:
        ModelError: if there is no model at all, the folder is missing, or the first model cannot
            be read.
    """

    def __init__(
        self, model: Path | None = None, folder: Path | None = None, run: RunFolder | None = None
    ) -> None:
        if folder is not None and not folder.is_dir():
            raise ModelError(f"there is no folder {folder}: name one that holds models")
        self._chosen = {} if model is None else {printable(model.name): model}
        if run is not None:
            self._chosen = {printable(run.path.resolve().name): run.model}
        self._run, self._folder = run, folder
        self._pretrained: MLP | None = None
        self._read: dict[Path, tuple[int, MLP]] = {}
        self._moments: dict[Path, tuple[int, MLP]] = {}  # the one asked for last at the end
        try:
            self._pretrained = pretrained_model()
        except ModelError:
            if not self.names():
                raise
        self.first = self._first_usable()

    def names(self) -> list[str]:
        """List what there is now, the model to begin with first."""
        pretrained = [PRETRAINED] if self._pretrained else []
        files = list(self._files())
        return [*files[:1], *pretrained, *files[1:]] if self._chosen else [*pretrained, *files]

    def get(self, name: str, place: Place | None = None) -> MLP:
        """Return a model that reads handwriting.

        Args:
            name: one of `names`.
            place: of one of its snapshots, which is returned in its place.

        Raises:
            ModelError: if there is none of this name, or it cannot be read or does not fit.
        """
        if place is not None:
            path = self._snapshots_of(name).get(place)
            name = f"the snapshot of {name}"
        elif name == PRETRAINED and self._pretrained:
            return self._pretrained
        else:
            path = self._files().get(name)
        if path is None:
            raise ModelError("there is no such model here any more: choose another")
        changed = path.stat().st_mtime_ns if path.exists() else 0
        kept = self._read if place is None else self._moments
        known = kept.pop(path, None)
        if known is None or known[0] != changed:
            try:
                model = read_model(path)
                check_page_holds(model)
            except MLPError as error:  # where the files are is nobody's business in the browser
                raise ModelError(str(error).replace(printable(str(path)), name)) from None
            known = changed, model
        kept[path] = known
        if len(self._moments) > SNAPSHOTS_KEPT:
            del self._moments[next(iter(self._moments))]
        return known[1]

    def snapshots(self, name: str) -> list[Place]:
        """List the places in its run of which a model has snapshots, in order."""
        return list(self._snapshots_of(name))

    def _snapshots_of(self, name: str) -> dict[Place, Path]:
        if self._run is None or name not in self._chosen or not self._run.path.is_dir():
            return {}
        return self._run.snapshots()

    def _first_usable(self) -> str:
        """Return the first model that can be loaded; if one file was named, it must be that."""
        problem: MLPError | None = None
        for name in self.names()[:1] if self._chosen else self.names():
            try:
                self.get(name)
            except MLPError as error:
                problem = problem or error
            else:
                return name
        assert problem is not None
        raise problem

    def _files(self) -> dict[str, Path]:
        """Return the files by name; the one file hides one of the same name in the folder."""
        if self._folder is None:
            return self._chosen
        entries = sorted(self._folder.iterdir()) if self._folder.is_dir() else []
        endings = {
            ending for format in FORMATS.all() if not format.is_folder for ending in format.endings
        }
        found = {
            printable(path.name): path  # a name that is no text could not be sent
            for path in entries
            if path.suffix.lower() in endings and path.is_file()
        }
        return self._chosen | found | self._chosen
