"""Choices that cannot learn together, refused before any time is spent on them."""

from __future__ import annotations

from mlp.common.errors import UsageError
from mlp.data.dataset import Dataset
from mlp.nn.losses import LOSSES
from mlp.nn.network import MLP
from mlp.nn.quadratic import Quadratic
from mlp.training.recipe import Recipe

USUAL_LOSSES = {
    "multiclass": "cross_entropy",
    "binary": "binary_cross_entropy",
    "multilabel": "binary_cross_entropy",
    "regression": "quadratic",
}
"""What training minimises for each kind of task where it is not said."""


def check_pairs(model: MLP, dataset: Dataset, recipe: Recipe) -> None:
    """Refuse a loss, an output or a deformation with which nothing can be learnt from the data.

    And layers to freeze that the network does not have.

    Raises:
        UsageError: naming the pair, and what to take instead.
    """
    kind = dataset.task.kind
    loss, _ = LOSSES.parse(recipe.loss)
    if kind not in loss.learns:
        raise UsageError(
            f"the loss {recipe.loss} cannot learn a {kind} task: take --loss {USUAL_LOSSES[kind]}"
        )
    if kind == "regression" and model.output != "identity":
        raise UsageError(
            f"an output of {model.output} cannot reach every number to estimate: take "
            "--output identity"
        )
    answers = kind in ("binary", "multilabel")
    if answers and issubclass(loss, Quadratic) and model.output == "identity":
        raise UsageError(
            f"the loss {recipe.loss} on an output without bounds gives no answers of yes and no: "
            "take --output sigmoid, or --loss binary_cross_entropy"
        )
    if recipe.augment is not None and dataset.train.images.ndim == 2:
        raise UsageError(
            f"--augment deforms images, and {dataset.name} has columns of numbers: leave it away"
        )
    if recipe.freeze is not None and max(recipe.frozen()) > len(model.linear):
        raise UsageError(
            f"there are {len(model.linear)} linear layers to freeze, not {max(recipe.frozen())}"
        )
