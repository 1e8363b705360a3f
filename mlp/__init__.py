"""A multilayer perceptron whose every layer, loss, gradient and update is written by hand."""

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
