"""Optimizers: how a gradient changes the parameters, all of which are one flat array.

Importing the package imports the modules here, each of which registers its optimizers.
"""

from mlp.nn.optim.adam import Adam, AdamW
from mlp.nn.optim.adaptive import Adagrad, RMSprop
from mlp.nn.optim.lion import Lion
from mlp.nn.optim.optimizer import LONGEST, OPTIMIZERS, Optimizer
from mlp.nn.optim.sgd import SGD

__all__ = [
    "LONGEST",
    "OPTIMIZERS",
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "Lion",
    "Optimizer",
    "RMSprop",
]
