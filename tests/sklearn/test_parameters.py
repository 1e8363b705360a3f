"""The estimators can be told all that a recipe can."""

from __future__ import annotations

import inspect
from dataclasses import fields
from typing import Any

import pytest
from sklearn.neural_network import MLPClassifier as TheirClassifier
from sklearn.neural_network import MLPRegressor as TheirRegressor

from mlp.sklearn import MLPClassifier, MLPRegressor
from mlp.sklearn.parameters import RENAMED, architecture_of, recipe_of
from mlp.training.architecture import Architecture
from mlp.training.recipe import Recipe
from mlp.training.runs.settings import Settings

NOT_THERE = {
    "train_accuracy": "the estimator measures no training accuracy",
    "loss_on": "loss_curve_ is scikit-learn's, of the updates",
    "report_every": "loss_curve_ has each epoch",
}
"""Fields of a recipe that are no parameters, and why."""

NOT_HERE = {"max_fun"}
"""Parameters of scikit-learn's that are none here: see docs/sklearn.md."""


@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
def test_each_field_of_a_recipe_is_a_parameter(estimator: type) -> None:
    parameters = estimator().get_params()
    names = [field.name for owner in (Recipe, Architecture) for field in fields(owner)]
    missing = {name for name in names if RENAMED.get(name, name) not in parameters}
    of_classes = set() if estimator is MLPClassifier else {"class_weight", "monitor"}
    assert missing == set(NOT_THERE) | of_classes


ELSEWHERE = {
    "reading": "X and y are read already",
    "data": "X and y are given, and y tells the task",
    "preset": "a set of choices, each of which is a parameter",
    "start": "warm_start goes on from a network",
    "snapshots": "an estimator keeps no folder",
}
"""What a file of settings says besides, and why no parameter does."""


@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
def test_all_that_settings_say_is_a_parameter_or_said_elsewhere(estimator: type) -> None:
    parameters, settings = estimator().get_params(), Settings()
    for field in fields(Settings):
        if field.name not in ELSEWHERE:
            table = getattr(settings, field.name)
            names = [entry.name for entry in fields(table) if entry.name not in NOT_THERE]
            of_classes = () if estimator is MLPClassifier else ("class_weight", "monitor")
            assert {RENAMED.get(name, name) for name in names} - {*of_classes} <= {*parameters}
    assert {field.name for field in fields(Settings)} >= {*ELSEWHERE}


CHOSEN: dict[str, Any] = {
    "label_smoothing": 0.1, "batch_size": 7, "max_iter": 9, "solver": "sgd",
    "learning_rate_init": 0.3, "momentum": 0.4, "nesterovs_momentum": False, "warmup": 2.5,
    "learning_rate": "cosine", "alpha": 0.7, "clip_value": 0.6, "clip_norm": 1.5, "max_norm": 2.0,
    "augment": "affine", "dropout": 0.2, "input_dropout": 0.1, "shuffle": False,
    "validation_fraction": 0.25, "monitor": "loss", "average": "ema(0.9)", "freeze": "1",
}  # fmt: skip
"""A value of each parameter that a recipe has, none of them the default."""

AS_RECIPE: dict[str, Any] = {"alpha": 0.7 / 7 / 2.0}
"""What a recipe has where the value is not the same: α is divided by the sum of the weights."""

BY_OTHER_WAYS = {
    "early_stopping", "n_iter_no_change", "tol", "random_state", "class_weight", "loss",
}  # fmt: skip
"""What comes to the loop by `Progress`, or with the samples."""


def test_each_value_comes_into_the_recipe() -> None:
    model, defaults = MLPClassifier(**CHOSEN, early_stopping=True), MLPClassifier()
    recipe = recipe_of(model, "cross_entropy", N=70, weight=2.0, seed=5, epochs=None)
    assert (recipe.loss, recipe.seed) == ("cross_entropy", 5)
    names = {field.name: RENAMED.get(field.name, field.name) for field in fields(Recipe)}
    assert set(names.values()) - set(CHOSEN) == set(NOT_THERE) | BY_OTHER_WAYS
    for name, called in names.items():
        if called in CHOSEN:
            assert CHOSEN[called] != getattr(defaults, called), called
            wanted = AS_RECIPE.get(called, CHOSEN[called])
            assert getattr(recipe, name) == pytest.approx(wanted), called


def test_each_value_comes_into_the_architecture() -> None:
    given: dict[str, Any] = {
        "hidden_layer_sizes": (3, 4), "activation": "tanh", "output": "sigmoid", "bias": False,
        "init": "he_normal", "bias_init": "ones",
    }  # fmt: skip
    architecture = architecture_of(MLPClassifier(**given), "float64", linear=False)
    names = {field.name: RENAMED.get(field.name, field.name) for field in fields(Architecture)}
    assert set(names.values()) - set(given) == {"dtype"}  # that of X, or the parameter's
    for name, called in names.items():
        if called in given:
            assert given[called] != getattr(MLPClassifier(), called), called
            assert getattr(architecture, name) == given[called], called


@pytest.mark.parametrize(
    ("ours", "theirs"), [(MLPClassifier, TheirClassifier), (MLPRegressor, TheirRegressor)]
)
def test_what_has_scikit_learns_name_has_its_default(ours: type, theirs: type) -> None:
    here, there = (inspect.signature(cls).parameters for cls in (ours, theirs))
    assert set(there) - set(here) == NOT_HERE
    assert {n: p.default for n, p in here.items() if n in there} == {
        n: p.default for n, p in there.items() if n in here
    }
    positional = [n for n, p in here.items() if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert positional == ["hidden_layer_sizes", "activation"]
