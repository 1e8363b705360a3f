"""A multilayer perceptron whose every layer, loss, gradient and update is written by hand."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backends import get_backend
    from mlp.common.errors import MLPError
    from mlp.data.load import Dataset, Split, load_dataset
    from mlp.models.model_file import load, save
    from mlp.models.predict import predict, probabilities
    from mlp.nn.network import MLP
    from mlp.training.loop import train
    from mlp.training.recipe import Recipe

__all__ = [
    "MLP",
    "Dataset",
    "MLPError",
    "Recipe",
    "Split",
    "get_backend",
    "load",
    "load_dataset",
    "predict",
    "probabilities",
    "save",
    "train",
]

_HOMES = {
    "Dataset": "mlp.data.load",
    "MLP": "mlp.nn.network",
    "MLPError": "mlp.common.errors",
    "Recipe": "mlp.training.recipe",
    "Split": "mlp.data.load",
    "get_backend": "backends",
    "load": "mlp.models.model_file",
    "load_dataset": "mlp.data.load",
    "predict": "mlp.models.predict",
    "probabilities": "mlp.models.predict",
    "save": "mlp.models.model_file",
    "train": "mlp.training.loop",
}


def __getattr__(name: str) -> Any:
    """Import what is offered here when it is asked for.

    So the command begins before it has imported anything, and can see to an early Ctrl-C.
    """
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return globals().setdefault(name, getattr(import_module(_HOMES[name]), name))


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
