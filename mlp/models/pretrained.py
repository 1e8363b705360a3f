"""The trained model that comes with the package, for when none is named."""

from __future__ import annotations

from importlib.resources import as_file, files

from backends import Backend
from mlp.common.errors import ModelError
from mlp.models.checkpoint import load
from mlp.nn.network import MLP

NAME = "digits"
"""What the model is called where it stands among others."""


def packaged_model(backend: Backend | None = None) -> MLP:
    """Load the packaged model, which reads handwritten digits.

    Args:
        backend: the device to bring it to; the CPU unless given.

    Raises:
        ModelError: if the package has none.
    """
    resource = files("mlp") / "models" / f"{NAME}.safetensors"
    if not resource.is_file():
        raise ModelError(
            "this package comes without a trained model: train one with mlp train and name its "
            "file with --model"
        )
    with as_file(resource) as path:
        return load(path, backend)
