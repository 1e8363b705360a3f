"""Why a training run went wrong, in one sentence each."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from mlp.recipe import Recipe


def explain_divergence(losses: NDArray[Any], step: int, epoch: int, recipe: Recipe) -> str:
    """Say where a run's loss stopped being finite, the likely cause and what to do.

    Args:
        losses: the losses of the epoch's updates, shape (steps,).
        step: the first that is not finite, from 0.
        epoch: the epoch, from 0.
        recipe: the hyperparameters.
    """
    where = f"the loss is {losses[step]} in epoch {epoch + 1}, step {step + 1}"
    if epoch == 0 and step == 0:
        return (
            f"{where}, before any update: the initial weights are too large for these layers, "
            "so start from a smaller --init, such as he_normal"
        )
    before = losses[max(0, step - 5) : step]
    grew = len(before) and before.max() > 2.0 * losses[0]
    course = f"after growing to {before.max():.3g}" if grew else "without growing first"
    advice = f"try --lr {recipe.lr / 10:g}"
    if recipe.clip_norm is None:
        advice += " or --clip-norm 1"
    return f"{where}, {course}: the learning rate {recipe.lr:g} is probably too high, so {advice}"
