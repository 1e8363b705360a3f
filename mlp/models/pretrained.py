"""The pretrained model that comes with the package, used where the user names none."""

from __future__ import annotations

from importlib.resources import as_file, files

from backends import Backend
from mlp.common.errors import ModelError
from mlp.models.model_file import load
from mlp.nn.network import MLP

NAME = "digits"
"""The model's name in a list of models."""


def pretrained_model(backend: Backend | None = None) -> MLP:
    """Load the pretrained model, which reads handwritten digits.

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
