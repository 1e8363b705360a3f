"""This project's own model files, see `mlp.models.model_file`, as three formats among others."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from safetensors import SafetensorError, safe_open

from backends import Backend
from mlp.models import model_file
from mlp.models.description import HALF, INT8
from mlp.models.formats.registry import FORMATS, OwnFormat
from mlp.nn.network import MLP


@FORMATS.register("safetensors")
class Safetensors(OwnFormat):
    """Keeps every parameter to the bit, and all metadata."""

    title = "a model file"
    endings = (".safetensors",)
    stored: ClassVar[str | None] = None

    def matches(self, path: Path) -> bool:
        return is_safetensors(path) and not is_from_elsewhere(path)

    def load(self, path: Path, backend: Backend | None) -> MLP:
        return model_file.load(path, backend)

    def write(self, model: MLP, path: Path) -> None:
        model_file.save(model, path, stored=self.stored)


class Rounded(Safetensors):
    """The same, with parameters that are rounded; the other reads these as well."""

    def matches(self, path: Path) -> bool:
        return False


@FORMATS.register("safetensors-half")
class SafetensorsHalf(Rounded):
    """Half as large; see `mlp.models.description.HALF`."""

    stored = HALF


@FORMATS.register("safetensors-int8")
class SafetensorsInt8(Rounded):
    """A quarter as large; see `mlp.models.quantise`."""

    stored = INT8


def is_safetensors(path: Path) -> bool:
    """Look at the ending, or at the beginning: eight bytes of length, then JSON."""
    if path.suffix.lower() == ".safetensors":
        return True
    with path.open("rb") as file:
        return file.read(10)[8:] == b'{"'


def is_from_elsewhere(path: Path) -> bool:
    """Whether a sound file of safetensors tells nothing of a network of this project."""
    try:
        with safe_open(path, framework="np") as file:
            return model_file.KEY not in (file.metadata() or {})
    except SafetensorError:
        return False
