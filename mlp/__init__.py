"""A multilayer perceptron whose every layer, loss, gradient and update is written by hand."""

from backends import get_backend
from mlp.checkpoint import load, save
from mlp.datasets import Dataset, Split, load_dataset
from mlp.errors import MLPError
from mlp.inference import predict, probabilities
from mlp.network import MLP
from mlp.recipe import Recipe
from mlp.training import train

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
