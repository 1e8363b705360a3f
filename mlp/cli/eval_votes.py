"""What ``mlp eval --votes`` does: choose how copies are deformed, let them vote, and tell of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp.common.errors import UsageError
from mlp.data.dataset import Dataset, Split, hold_out
from mlp.data.deformations import parse_augment
from mlp.models.deformed_votes import Trial, best_of, try_votes, vote_of_copies
from mlp.models.metadata import metadata_of
from mlp.nn.network import MLP
from mlp.training.recipe import Recipe


@dataclass(frozen=True)
class Votes:
    """How copies vote.

    Attributes:
        deformation: of the copies, as `mlp.data.deformations.parse_augment` takes it.
        copies: of each image.
        held_out: the number of images that both were chosen by; None if they were named.
        trials: what was tried on these.
        held_out_new: whether no model started from another, which may have learnt from them; None
            if they were named.
    """

    deformation: str
    copies: int
    held_out: int | None = None
    trials: Sequence[Trial] = ()
    held_out_new: bool | None = None

    def probabilities(self, models: Sequence[MLP], images: NDArray[Any]) -> NDArray[np.float64]:
        """Return those that the copies of images give them, shape (N, C)."""
        return vote_of_copies(models, images, self.deformation, self.copies)

    def to_json(self) -> dict[str, Any]:
        """Return the attributes."""
        return {
            "deformation": self.deformation,
            "copies": self.copies,
            "held_out": self.held_out,
            "held_out_new": self.held_out_new,
            "trials": [trial.to_json() for trial in self.trials],
        }

    def describe(self) -> str:
        """Say how the copies vote, and what that was chosen by."""
        votes = "vote of one copy" if self.copies == 1 else f"vote of {self.copies:,} copies"
        told = f"the {votes} of each image, deformed by {self.deformation}"
        if self.held_out is None:
            return told
        best = best_of(self.trials)
        doubt = "" if self.held_out_new else ", from which what it started from may have learnt"
        return (
            f"{told}: of {len(self.trials)} ways the best on the {self.held_out:,} images that the "
            f"training held out{doubt}, with {best.errors:,} wrong"
        )


def choose_votes(
    models: Sequence[MLP], dataset: Dataset, copies: int, deformation: str | None
) -> Votes:
    """Choose how copies vote, by training images that were held out.

    Args:
        models: those that are measured.
        dataset: what they are measured on, with the labels that they answer.
        copies: the most of each image.
        deformation: of the copies, all of which vote then; None to choose both.

    Raises:
        UsageError: if there are no images to deform or no such answers, if the deformation is not
            one, or if none is given and the first model's training deformed no images, held none
            out, or was on other data.
    """
    if dataset.task.kind == "regression" or dataset.train.images.ndim != 3:
        raise UsageError(
            "--votes deforms images with classes, and this data has none: leave it out"
        )
    if deformation is not None:
        parse_augment(deformation)
        return Votes(deformation, copies)
    held_out, augment = _held_out(models, dataset)
    trials = try_votes(models, held_out, augment, copies)
    best = best_of(trials)
    new = all(metadata_of(model).initialisation is not None for model in models)
    return Votes(best.deformation, best.copies, len(held_out), trials, new)


def _held_out(models: Sequence[MLP], dataset: Dataset) -> tuple[Split, str]:
    """Return the images that all trainings held out, and the deformation of the training."""
    recipes = [_recipe_of(model) for model in models]
    augment, validation, seed = recipes[0].augment, recipes[0].validation, recipes[0].seed
    if validation and {(r.validation, r.seed) for r in recipes} != {(validation, seed)}:
        raise UsageError(
            "the models held out different images, so that none is new to all of them: name the "
            "deformation with --deform"
        )
    if not augment or not validation:
        what = "held out no images" if augment else "deformed no images"
        raise UsageError(
            f"the model's training {what} to choose a deformation by: name it with --deform"
        )
    summary = metadata_of(models[0]).dataset
    if summary is None or dataset.train.checksum != summary.train_sha256:
        raise UsageError(
            "the model was trained on other data, of which it held images out to choose a "
            "deformation by: name it with --deform"
        )
    return hold_out(dataset, validation, seed)[1], augment


def _recipe_of(model: MLP) -> Recipe:
    """Return what of a model's recipe decides how it was deformed and held out.

    Raises:
        UsageError: if its file tells of what is none.
    """
    told = metadata_of(model).recipe or {}
    return Recipe(**{k: told[k] for k in ("augment", "validation", "seed") if k in told})
