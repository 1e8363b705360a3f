"""Parameters that make no sense are refused before anything is learnt."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sklearn

from mlp.sklearn import MLPClassifier, MLPRegressor
from mlp.sklearn.parameters import Parameters

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

rng = np.random.default_rng(0)
X, y = rng.normal(size=(40, 4)), rng.integers(0, 2, 40)


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize(
    ("estimator", "name"),
    [(cls, name) for cls in (MLPClassifier, MLPRegressor) for name in cls().get_params()],
)
def test_each_parameter_refuses_what_is_of_no_type(
    estimator: type[Parameters], name: str, method: str
) -> None:
    rest = {"classes": [0, 1]} if (estimator, method) == (MLPClassifier, "partial_fit") else {}
    for nonsense in (object(), np.array([[0.5]]), "no such", np.nan, -1):
        if name in {"verbose", "class_weight"} and nonsense == -1:
            continue  # any whole number says how much to print; of weights see below
        with pytest.raises(ValueError, match=r"\w"):
            getattr(estimator(**{name: nonsense}), method)(X, y, **rest)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"hidden_layer_sizes": (-1,)}, "hidden_layer_sizes must be > 0"),
        ({"hidden_layer_sizes": None}, "'hidden_layer_sizes' parameter of MLPClassifier must be"),
        ({"activation": "maxout"}, "there is no .*'maxout'"),
        ({"solver": "hadoken"}, "there is no optimizer 'hadoken'"),
        ({"learning_rate_init": 0.0}, "'learning_rate_init' parameter"),
        ({"max_iter": 0}, "'max_iter' parameter"),
        ({"batch_size": 0}, "'batch_size' parameter"),
        ({"batch_size": "x"}, "'batch_size' parameter"),
        ({"tol": "a"}, "'tol' parameter"),
        ({"alpha": None}, "'alpha' parameter"),
        ({"alpha": -1.0}, "'alpha' parameter"),
        ({"n_iter_no_change": 0}, "'n_iter_no_change' parameter"),
        ({"validation_fraction": 2}, "'validation_fraction' parameter"),
        ({"shuffle": "no"}, "'shuffle' parameter"),
        ({"image_shape": (2, "b")}, "image_shape must be two whole numbers"),
        ({"image_shape": (4,)}, "image_shape must be two whole numbers"),
        ({"class_weight": {7: 1.0}}, "class_weight"),
        ({"dropout": 1.0}, "dropout must be from 0"),
        ({"device": "gpu"}, "there is no device 'gpu'"),
    ],
)
def test_what_it_may_be_is_told(given: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        MLPClassifier(**given).fit(X, y)


def test_numpys_numbers_are_numbers() -> None:
    given: dict[str, Any] = {
        "alpha": np.float32(1e-4), "batch_size": np.int64(20), "beta_1": np.float64(0.9),
        "beta_2": np.float32(0.999), "epsilon": np.float64(1e-8), "tol": np.float32(1e-4),
        "shuffle": np.bool_(True), "bias": np.bool_(True), "hidden_layer_sizes": np.array([5]),
        "dropout": np.float32(0.1), "learning_rate_init": np.float32(0.01),
        "max_iter": np.int32(2), "random_state": np.int64(1), "momentum": np.float64(0.5),
    }  # fmt: skip
    assert MLPClassifier(**given).fit(X, y).n_iter_ == 2
    given["solver"] = "sgd"
    assert MLPRegressor(**given).fit(X, y).n_iter_ == 2


def test_scikit_learn_may_be_told_to_check_none() -> None:
    with sklearn.config_context(skip_parameter_validation=True):
        assert MLPClassifier((5,), shuffle=1, max_iter=1).fit(X, y).n_iter_ == 1  # type: ignore[arg-type]


def test_the_regressor_has_nothing_to_monitor_but_the_loss() -> None:
    with pytest.raises(TypeError, match="monitor"):
        MLPRegressor(monitor="accuracy")  # type: ignore[call-arg]
