"""The estimators' parameters: scikit-learn's names where they mean the same, else a recipe's."""

from __future__ import annotations

import inspect
import re
from dataclasses import KW_ONLY, Field, dataclass, field, fields
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from mlp.common.errors import UsageError
from mlp.common.option import option
from mlp.common.whole import as_whole
from mlp.nn.optim import OPTIMIZERS
from mlp.sklearn.optimizer_state import LOWERED
from mlp.training.architecture import Architecture
from mlp.training.recipe import Recipe

SCIKIT, OURS = "scikit-learn's", "of this package"
"""Where a parameter's name comes from."""

OPTIONS: dict[str, Field[Any]] = {
    field.name: field for owner in (Architecture, Recipe) for field in fields(owner)
}
"""The fields of architectures and recipes by name."""


def parameter(default: Any, help: str) -> Any:
    """Make a parameter of scikit-learn's name and default."""
    return option(default, help, group=SCIKIT)


def of_recipe(name: str, default: Any = ...) -> Any:
    """Make a parameter of a field of `Recipe` or `Architecture`, with another default if given."""
    original = OPTIONS[name]
    metadata = {**original.metadata, "group": OURS}
    return field(default=original.default if default is ... else default, metadata=metadata)


RENAMED = {
    "hidden": "hidden_layer_sizes",
    "optimizer": "solver",
    "weight_decay": "alpha",
    "lr": "learning_rate_init",
    "schedule": "learning_rate",
    "epochs": "max_iter",
    "seed": "random_state",
    "nesterov": "nesterovs_momentum",
    "validation": "validation_fraction",
    "keep": "early_stopping",
    "patience": "n_iter_no_change",
    "min_delta": "tol",
}
"""What scikit-learn calls fields of `Recipe` and `Architecture`."""


def in_parameters(sentence: str) -> str:
    """Call the options that a sentence names as the estimators' parameters are called.

    ``"try --lr 0.1"`` becomes ``"try learning_rate_init=0.1"``.
    """

    def called(option: re.Match[str]) -> str:
        name = option[1].replace("-", "_")
        return RENAMED.get(name, name) + ("=" if option[2] else "")

    return re.sub(r"(?<!\S)--([a-z]+(?:-[a-z]+)*)( (?=\d))?", called, sentence)


ACTIVATIONS = {"logistic": "sigmoid"}
"""What scikit-learn calls some activations, and their names here."""


SHARED = (
    "warmup", "clip_value", "clip_norm", "augment", "label_smoothing", "dropout", "input_dropout",
    "max_norm", "average", "freeze",
)  # fmt: skip
"""The fields of `Recipe` that the estimators take as they are."""


@dataclass(eq=False, repr=False)
class Parameters(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """What both estimators can be told, each attribute as it was given."""

    hidden_layer_sizes: Any = parameter((100,), "Widths of the hidden layers; may be none.")
    activation: str = of_recipe("activation")
    _: KW_ONLY
    solver: str = parameter("adam", "What changes the weights: an optimizer's name.")
    alpha: float = parameter(
        0.0001, "Strength of ½ α |W|² on the weights, divided by the samples of an update."
    )
    batch_size: int | str = parameter(
        "auto", "Samples an update; 'auto' is 200, or all where there are fewer; 'full' is all."
    )
    learning_rate: str = parameter(
        "constant",
        "How the learning rate falls: a schedule's name; or, of solver='sgd', 'invscaling' or "
        "'adaptive'.",
    )
    learning_rate_init: float = parameter(0.001, "The learning rate at its peak.")
    power_t: float = parameter(0.5, "The power of the samples seen that 'invscaling' divides by.")
    max_iter: int = parameter(200, "The most passes over the data.")
    shuffle: bool = parameter(True, "Whether each pass visits the samples in a new order.")
    random_state: Any = parameter(
        None, "Seed of the initial weights, the validation split, shuffles and dropout."
    )
    tol: float = parameter(
        0.0001, "By how much the loss or the validation score must get better to be progress."
    )
    verbose: bool | int = parameter(False, "Whether each pass is printed.")
    warm_start: bool = parameter(False, "Whether fit goes on from the weights of the last fit.")
    momentum: float = of_recipe("momentum")
    nesterovs_momentum: bool = parameter(True, "Whether momentum looks ahead.")
    early_stopping: bool = parameter(
        False, "Whether samples are held out, to stop by, and to keep the best weights by."
    )
    validation_fraction: float = parameter(0.1, "The share to hold out for early stopping.")
    n_iter_no_change: float = parameter(
        10, "Passes without progress after which training stops; np.inf for never."
    )
    beta_1: float = parameter(0.9, "How much a gradient counts in Adam's mean, over the next one.")
    beta_2: float = parameter(0.999, "The same in Adam's mean square.")
    epsilon: float = parameter(1e-08, "What Adam adds to the root of its mean square.")
    output: str | None = of_recipe("output")
    bias: bool = of_recipe("bias")
    init: str = of_recipe("init", "glorot_uniform")
    bias_init: str = of_recipe("bias_init", "glorot_uniform")
    dtype: str = option(
        "auto", "float32, float64, or auto: that of X, as in scikit-learn.", group=OURS
    )
    warmup: float = of_recipe("warmup", 0.0)
    clip_value: float | None = of_recipe("clip_value")
    clip_norm: float | None = of_recipe("clip_norm")
    augment: str | None = of_recipe("augment")
    image_shape: tuple[int, int] | None = option(
        None, "Height and width of the image that each row of X is, to augment.", group=OURS
    )
    label_smoothing: float = of_recipe("label_smoothing")
    dropout: float = of_recipe("dropout")
    input_dropout: float = of_recipe("input_dropout")
    max_norm: float | None = of_recipe("max_norm")
    average: str | None = of_recipe("average")
    freeze: str | None = of_recipe("freeze")
    device: str = option("cpu", "cpu, cuda, cuda:N or auto.", group=OURS)
    precision: str = option(
        "float32", "Of products of float32 matrices on CUDA: float32, tf32 or bf16.", group=OURS
    )
    graph: bool = option(
        True, "Whether captured steps are replayed, or each call is made anew.", group=OURS
    )


def architecture_of(parameters: Parameters, dtype: str, *, linear: bool) -> Architecture:
    """Make the architecture that an estimator's parameters describe.

    Args:
        parameters: the estimator.
        dtype: float32 or float64.
        linear: whether the outputs are used as they are, as for regression.

    Raises:
        UsageError: if one has a value that no network has.
    """
    p, hidden = parameters, parameters.hidden_layer_sizes
    widths = (hidden,) if isinstance(hidden, Integral) else tuple(np.asarray(hidden).tolist())
    if any(as_whole(width) is None or width < 1 for width in widths):
        raise UsageError(f"hidden_layer_sizes must be > 0, got {list(widths)}.")
    return Architecture(
        hidden=widths,
        activation=ACTIVATIONS.get(p.activation, p.activation),
        output=p.output or ("identity" if linear else None),
        bias=bool(p.bias),
        init=p.init,
        bias_init=p.bias_init,
        dtype=dtype,
    )


def recipe_of(
    parameters: Parameters, loss: str, N: int, weight: float, seed: int, epochs: int | None
) -> Recipe:
    """Make the recipe that an estimator's parameters describe.

    scikit-learn divides α by the samples of an update, or by the sum of their weights.

    Args:
        parameters: the estimator.
        loss: the name of the loss.
        N: how many samples there are.
        weight: the mean of their weights.
        seed: of all that is random.
        epochs: how many; those of the parameters, unless given.

    Raises:
        UsageError: if one has a value that no recipe has.
    """
    p, incremental = parameters, epochs is not None
    early_stopping = p.early_stopping and not incremental
    monitor: Any = getattr(p, "monitor", "accuracy")
    batch_size: Any = 200 if p.batch_size == "auto" else p.batch_size
    samples = N if batch_size == "full" else min(batch_size, N)
    return Recipe(
        loss=loss,
        batch_size=batch_size,
        epochs=p.max_iter if epochs is None else epochs,
        optimizer=optimizer_of(p),
        lr=p.learning_rate_init,
        schedule="constant" if p.learning_rate in LOWERED else p.learning_rate,
        weight_decay=p.alpha / (samples * weight),
        shuffle=bool(p.shuffle),
        validation=p.validation_fraction if early_stopping else 0.0,
        seed=seed,
        monitor=monitor,
        **{name: getattr(p, name) for name in SHARED},
        **momentum_of(p),
    )


def optimizer_of(parameters: Parameters) -> str:
    """Write the optimizer as a recipe has it; Adam's numbers are parameters of scikit-learn's."""
    p = parameters
    if p.solver != "adam":
        return p.solver
    return f"adam({float(p.beta_1)!r}, {float(p.beta_2)!r}, {float(p.epsilon)!r})"


def momentum_of(parameters: Parameters) -> dict[str, Any]:
    """Return the fields of a recipe on momentum; none for an optimizer without, as scikit-learn."""
    p = parameters
    optimizer, _ = OPTIMIZERS.parse(p.solver)
    taken = inspect.signature(optimizer).parameters
    chosen = {"momentum": p.momentum, "nesterov": bool(p.nesterovs_momentum and p.momentum)}
    return {name: value for name, value in chosen.items() if name in taken}
