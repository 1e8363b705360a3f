"""This project's own model files, see `mlp.models.model_file`, as two formats among others."""

from __future__ import annotations

from pathlib import Path

from mlp.models import model_file
from mlp.models.formats.parameters import Parameters, parameters_of
from mlp.models.formats.registry import FORMATS, Format
from mlp.nn.network import MLP


@FORMATS.register("safetensors")
class Safetensors(Format):
    """Keeps every parameter to the bit, and all metadata."""

    title = "a model file"
    endings = (".safetensors",)
    keeps_task = True

    def matches(self, path: Path) -> bool:
        """Look at the ending, or at the beginning: eight bytes of length, then JSON."""
        if path.suffix.lower() in self.endings:
            return True
        with path.open("rb") as file:
            return file.read(10)[8:] == b'{"'

    def read(self, path: Path) -> Parameters:
        return parameters_of(model_file.load(path))

    def write(self, model: MLP, path: Path) -> None:
        model_file.save(model, path)


@FORMATS.register("safetensors-half")
class SafetensorsHalf(Safetensors):
    """Half as large; see `mlp.models.model_file.HALF`."""

    def matches(self, path: Path) -> bool:
        return False  # the other reads both

    def write(self, model: MLP, path: Path) -> None:
        model_file.save(model, path, half=True)
