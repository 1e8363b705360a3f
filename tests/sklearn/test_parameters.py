"""The estimators can be told all that a recipe can."""

from __future__ import annotations

import inspect
from dataclasses import fields

import pytest
from sklearn.neural_network import MLPClassifier as TheirClassifier
from sklearn.neural_network import MLPRegressor as TheirRegressor

from mlp.sklearn import MLPClassifier, MLPRegressor
from mlp.sklearn.parameters import RENAMED
from mlp.training.architecture import Architecture
from mlp.training.recipe import Recipe

NOT_THERE = {
    "train_accuracy": "the estimator measures no training accuracy",
    "loss_on": "loss_curve_ is scikit-learn's, of the updates",
    "report_every": "loss_curve_ has each epoch",
}
"""Fields of a recipe that are no parameters, and why."""

NOT_HERE = {"power_t", "max_fun"}
"""Parameters of scikit-learn's that are none here: see docs/sklearn.md."""


@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
def test_each_field_of_a_recipe_is_a_parameter(estimator: type) -> None:
    parameters = estimator().get_params()
    names = [field.name for owner in (Recipe, Architecture) for field in fields(owner)]
    missing = {name for name in names if RENAMED.get(name, name) not in parameters}
    of_classes = set() if estimator is MLPClassifier else {"class_weight", "monitor"}
    assert missing == set(NOT_THERE) | of_classes


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
