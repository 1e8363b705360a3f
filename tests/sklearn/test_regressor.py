"""What scikit-learn's own tests ask of its regressor."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import make_regression
from sklearn.neural_network import MLPRegressor as TheirRegressor

from mlp.sklearn import MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y = make_regression(n_samples=200, n_features=5, n_targets=2, noise=1.0, random_state=1)
y = y / y.std(axis=0)


def test_one_number_and_several_are_estimated() -> None:
    given: dict[str, Any] = {"learning_rate_init": 0.02, "batch_size": 50, "random_state": 0}
    one = MLPRegressor(50, **given).fit(X, y[:, 0])
    assert one.score(X, y[:, 0]) > 0.98
    assert one.predict(X).shape == (200,)
    assert (one.n_outputs_, one.out_activation_) == (1, "identity")
    several = MLPRegressor(50, **given).fit(X, y)
    assert several.score(X, y) > 0.98
    assert several.predict(X).shape == (200, 2)


def test_it_descends_as_scikit_learns() -> None:
    """From the same weights, both take the same steps; and the loss means the same."""
    given: dict[str, Any] = {
        "alpha": 0.1,
        "batch_size": 200,
        "learning_rate_init": 0.01,
        "epsilon": 1e-20,  # which each adds in a place of its own
        "random_state": 0,
        "warm_start": True,
        "max_iter": 1,
    }
    weights = np.arange(200.0)
    theirs = TheirRegressor(hidden_layer_sizes=(7,), **given).fit(X, y, weights)
    ours = MLPRegressor(hidden_layer_sizes=(7,), **given).fit(X, y, weights)
    for ours_, theirs_ in zip(
        (*ours.coefs_, *ours.intercepts_), (*theirs.coefs_, *theirs.intercepts_), strict=True
    ):
        ours_[...] = theirs_
    for model in (theirs, ours):
        model.set_params(max_iter=15).fit(X, y, weights)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-6, atol=1e-8)


def test_early_stopping_goes_by_the_share_of_the_variance() -> None:
    model = MLPRegressor(
        30, early_stopping=True, learning_rate_init=0.05, max_iter=300, n_iter_no_change=5,
        random_state=0,
    ).fit(X, y)  # fmt: skip
    assert model.n_iter_ < 300
    assert model.best_validation_score_ == max(model.validation_scores_) > 0.9


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_parts_of_full_batches_are_a_fit(momentum: float) -> None:
    given: dict[str, Any] = {"momentum": momentum, "solver": "sgd", "learning_rate_init": 0.01}
    given |= {"batch_size": "full", "random_state": 1, "max_iter": 100, "tol": 0.0}
    whole = MLPRegressor(**given).fit(X, y)
    parts = MLPRegressor(**given)
    for _ in range(whole.n_iter_):
        parts.partial_fit(X, y)
    np.testing.assert_allclose(parts.predict(X), whole.predict(X), rtol=1e-6, atol=1e-9)


def test_partial_fit_and_warm_start_need_as_many_numbers() -> None:
    model = MLPRegressor((9,), warm_start=True, max_iter=2).fit(X, y)
    for again in (model.fit, model.partial_fit):
        with pytest.raises(ValueError, match="y has 1 columns, but had 2"):
            again(X, y[:, 0])
    first = MLPRegressor((9,), random_state=0).partial_fit(X, y)
    assert first.partial_fit(X, y).loss_curve_[1] < first.loss_curve_[0]
    with pytest.raises(ValueError, match="does not support early_stopping"):
        MLPRegressor(early_stopping=True).partial_fit(X, y)
