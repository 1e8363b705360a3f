"""When a fit ends, what it keeps, and which learning rates it has on the way."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits, make_regression
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier as TheirClassifier

import mlp
from mlp.data.dataset import Dataset, Split, hold_out
from mlp.sklearn import MLPClassifier, MLPRegressor
from mlp.training.evaluation import Evaluation

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y = load_digits(return_X_y=True)
X, y = X[:300] / 16, y[:300]

NUMBERS, TARGETS = make_regression(n_samples=200, n_features=5, noise=1.0, random_state=1)
TARGETS = TARGETS / TARGETS.std()


# Learning rates


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("learning_rate", ["constant", "invscaling", "adaptive"])
def test_the_rate_falls_as_scikit_learns(learning_rate: str, nesterov: bool) -> None:
    """From the same weights, both take the same steps, also where the rate has just changed."""
    given: dict[str, Any] = {
        "solver": "sgd", "learning_rate": learning_rate, "learning_rate_init": 0.05,
        "power_t": 0.2, "batch_size": 100, "random_state": 0, "warm_start": True, "max_iter": 1,
        "tol": 1e9, "n_iter_no_change": 1, "nesterovs_momentum": nesterov,
    }  # fmt: skip
    theirs = TheirClassifier((7,), **given).fit(X[:100], y[:100])
    ours = MLPClassifier((7,), **given).fit(X[:100], y[:100])
    for ours_, theirs_ in zip(
        (*ours.coefs_, *ours.intercepts_), (*theirs.coefs_, *theirs.intercepts_), strict=True
    ):
        ours_[...] = theirs_
    theirs.best_loss_ = math.inf  # which it would keep from the fit before
    for model in (theirs, ours):
        model.set_params(max_iter=9).fit(X[:100], y[:100])
    assert ours.n_iter_ == theirs.n_iter_ == (9 if learning_rate == "adaptive" else 3)
    assert ours.t_ == theirs.t_
    for ours_, theirs_ in zip(ours.coefs_, theirs.coefs_, strict=True):
        np.testing.assert_allclose(ours_, theirs_, rtol=1e-9, atol=1e-12)


def test_an_adaptive_rate_falls_until_it_is_too_small(capsys: pytest.CaptureFixture[str]) -> None:
    model = MLPClassifier(
        (5,), solver="sgd", learning_rate="adaptive", learning_rate_init=1e-4, tol=1e9,
        n_iter_no_change=1, verbose=True,
    ).fit(X, y)  # fmt: skip
    printed = capsys.readouterr().out
    assert printed.count("Setting learning rate to") == 3  # 2e-5, 4e-6, 8e-7
    assert "Setting learning rate to 0.000020" in printed
    assert "consecutive epochs. Learning rate too small. Stopping." in printed
    assert model.n_iter_ == 3 + 2 + 2 + 2


def test_a_rate_goes_on_from_one_part_to_the_next() -> None:
    given: dict[str, Any] = {
        "solver": "sgd", "learning_rate": "invscaling", "batch_size": 300, "shuffle": False,
        "random_state": 0,
    }  # fmt: skip
    whole = MLPClassifier((5,), max_iter=5, **given).fit(X, y)
    parts = MLPClassifier((5,), **given)
    for _ in range(5):
        parts.partial_fit(X, y, classes=np.arange(10))
    np.testing.assert_allclose(parts.coefs_[0], whole.coefs_[0], rtol=1e-12)
    steady = MLPClassifier((5,), max_iter=5, **(given | {"learning_rate": "constant"})).fit(X, y)
    assert not np.allclose(steady.coefs_[0], whole.coefs_[0])


@pytest.mark.parametrize("learning_rate", ["invscaling", "adaptive"])
def test_adam_has_neither_as_in_scikit_learn(learning_rate: str) -> None:
    given: dict[str, Any] = {"tol": 1e9, "n_iter_no_change": 2, "random_state": 0}
    plain = MLPClassifier((5,), **given).fit(X, y)
    other = MLPClassifier((5,), learning_rate=learning_rate, **given).fit(X, y)
    assert other.n_iter_ == plain.n_iter_ == 4
    np.testing.assert_array_equal(other.coefs_[0], plain.coefs_[0])


# What is kept


def test_the_least_validation_loss_may_decide() -> None:
    split = Split(X, y.astype(np.uint8))
    held_out = hold_out(Dataset("", "", 10, split, split), 0.3, 0)[1]
    losses = {}
    for monitor in ("accuracy", "loss"):
        losses[monitor] = [
            log_loss(held_out.labels, model.predict_proba(held_out.images))
            for model in (
                MLPClassifier(
                    (30,), early_stopping=True, validation_fraction=0.3, max_iter=epochs,
                    learning_rate_init=0.03, batch_size=20, random_state=0, monitor=monitor,
                ).fit(X, y)
                for epochs in range(1, 15)
            )
        ]  # fmt: skip
    assert losses["loss"] == sorted(losses["loss"], reverse=True)
    assert losses["loss"][-1] < losses["accuracy"][-1]


def test_an_average_is_what_is_scored_and_kept() -> None:
    given: dict[str, Any] = {"early_stopping": True, "max_iter": 3, "random_state": 0}
    model = MLPClassifier((9,), average="swa(1)", validation_fraction=0.3, **given).fit(X, y)
    split = Split(X, y.astype(np.uint8))
    held_out = hold_out(Dataset("", "", 10, split, split), 0.3, 0)[1]
    score = model.score(held_out.images, held_out.labels)
    assert score == model.best_validation_score_


def test_training_that_diverges_keeps_the_weights_that_validated_best() -> None:
    model = MLPRegressor(
        (), solver="sgd", learning_rate_init=20.0, warmup=60.0, max_iter=60, early_stopping=True,
        n_iter_no_change=99, momentum=0.0, batch_size=20, dtype="float32", random_state=0,
    )  # fmt: skip
    with pytest.warns(ConvergenceWarning, match=r"Training diverged.*learning_rate_init=2 or"):
        model.fit(NUMBERS, TARGETS)
    assert model.n_iter_ == len(model.validation_scores_) == len(model.loss_curve_) < 60
    assert math.isnan(model.validation_scores_[-1])
    assert math.isnan(model.loss_)
    assert model.best_validation_score_ == np.nanmax(model.validation_scores_) > 0.9
    assert model.score(NUMBERS, TARGETS) > 0.9


def test_training_that_diverges_at_once_keeps_the_initial_weights() -> None:
    given: dict[str, Any] = {"solver": "sgd", "early_stopping": True, "random_state": 0}
    model = MLPRegressor((4,), learning_rate_init=1e300, max_iter=9, **given)
    with pytest.warns(ConvergenceWarning, match="initial ones where none did"):
        model.fit(NUMBERS, TARGETS)
    start = MLPRegressor((4,), learning_rate_init=1e-300, max_iter=1, **given)
    start.fit(NUMBERS, TARGETS)
    np.testing.assert_array_equal(model.coefs_[0], start.coefs_[0])
    assert (model.n_iter_, model.t_) == (2, 180)  # whose numbers overflow in the second
    assert model.best_validation_score_ == -math.inf


def test_outputs_that_overflow_score_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    found = np.full((20, 1), np.inf)
    monkeypatch.setattr("mlp.sklearn.base.outputs", lambda model, batches: found)
    model = MLPRegressor((4,), early_stopping=True, max_iter=2).fit(NUMBERS, TARGETS)
    assert [math.isnan(score) for score in model.validation_scores_] == [True, True]
    assert model.best_validation_score_ == -math.inf


# What is left undone


def test_nothing_is_measured_that_nobody_reads(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """Not the accuracy on the training samples, which takes half an epoch, and no checksum."""

    def refuse(*given: Any) -> Any:
        raise AssertionError(given)

    for name in ("accuracy_on", "accuracies_on", "temperature"):
        monkeypatch.setattr(Evaluation, name, refuse)
    monkeypatch.setattr(Split, "checksum", property(refuse))
    for early_stopping in (False, True):
        model = MLPClassifier((5,), max_iter=2, early_stopping=early_stopping).fit(X, y)
        assert np.isfinite(model.loss_)
    mlp.save(model.network_, tmp_path / "m.safetensors")
    again = mlp.load(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(again.parameters, model.network_.parameters)
    assert again.metadata.recipe["optimizer"].startswith("adam")
