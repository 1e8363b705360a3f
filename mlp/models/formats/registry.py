"""The formats of a network's weights, and the interface of each."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import ClassVar

from backends import Backend
from mlp.common.errors import ModelError
from mlp.common.file_formats import FileFormat, Formats
from mlp.models.formats.parameters import Parameters, parameters_of
from mlp.nn.network import MLP


class Format(FileFormat):
    """A format of networks.

    Attributes:
        keeps_task: whether it records what a network's outputs answer.
        last_resort: whether its files have no mark of their own, so that a file is read as one only
            if no other format `matches`.
    """

    keeps_task: ClassVar[bool] = False
    last_resort: ClassVar[bool] = False

    @abstractmethod
    def read(self, path: Path) -> Parameters:
        """Read a network's parameters, and whatever else the file says.

        Args:
            path: the file or folder, which `matches`.

        Raises:
            ModelError: if it is damaged or hostile.
        """

    @abstractmethod
    def write(self, model: MLP, path: Path) -> None:
        """Write a network, whole or not at all, replacing what is there.

        Raises:
            ModelError: if the format cannot hold the network.
            OSError: if it cannot be written.
        """


class OwnFormat(Format):
    """A format that holds whatever a network may consist of, and all that is known of it."""

    keeps_task = True

    @abstractmethod
    def load(self, path: Path, backend: Backend | None) -> MLP:
        """Read a network; see `mlp.models.model_file.load`."""

    def read(self, path: Path) -> Parameters:
        return parameters_of(self.load(path, None))


class Export(Format):
    """A format for other programs, which is written and not read."""

    is_read = False
    keeps_task = True

    def matches(self, path: Path) -> bool:
        return path.suffix.lower() in self.endings

    def read(self, path: Path) -> Parameters:
        raise ModelError(
            f"{path} is {self.title}, which is written for other programs and not read: name the "
            "model file that it was made from"
        )


FORMATS: Formats[Format] = Formats("format of weights")
