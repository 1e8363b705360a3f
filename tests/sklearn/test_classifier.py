"""What scikit-learn's own tests ask of its classifier, and what pipelines and searches do."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy import sparse
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits, make_moons, make_multilabel_classification
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.neural_network import MLPClassifier as TheirClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from mlp.sklearn import MLPClassifier
from mlp.sklearn.parameters import in_parameters

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y = load_digits(return_X_y=True)
X = MinMaxScaler().fit_transform(X[:300])
y = y[:300]


def test_digits_are_learnt() -> None:
    model = MLPClassifier((50,), batch_size=30, max_iter=20, random_state=1).fit(X[:200], y[:200])
    assert model.score(X[200:], y[200:]) > 0.85
    assert model.predict(X).shape == (300,)
    assert (model.n_layers_, model.n_outputs_, model.out_activation_) == (3, 10, "softmax")
    assert [W.shape for W in model.coefs_] == [(64, 50), (50, 10)]
    assert [b.shape for b in model.intercepts_] == [(50,), (10,)]
    assert len(model.loss_curve_) == model.n_iter_ == 20
    assert model.loss_ == model.loss_curve_[-1]
    assert model.best_loss_ == min(model.loss_curve_)
    assert model.t_ == 20 * 200
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1.0)
    np.testing.assert_allclose(np.exp(model.predict_log_proba(X)), model.predict_proba(X))


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu", "leaky_relu(0.1)"])
def test_each_activation_learns_moons(activation: str) -> None:
    points, sides = make_moons(200, noise=0.1, random_state=0)
    model = MLPClassifier(20, activation, learning_rate_init=0.05, max_iter=60, random_state=0)
    assert model.fit(points, sides).score(points, sides) > 0.8
    assert (model.n_outputs_, model.out_activation_) == (1, "logistic")


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_a_full_batch_descends_as_scikit_learns(solver: str) -> None:
    """From the same weights, both take the same steps: momentum, decay and loss mean the same."""
    given: dict[str, Any] = {
        "solver": solver,
        "alpha": 0.1,
        "batch_size": 100,
        "learning_rate_init": 0.01,
        "epsilon": 1e-20,  # which each adds in a place of its own
        "random_state": 0,
        "warm_start": True,
        "max_iter": 1,
        "nesterovs_momentum": False,
    }
    theirs = TheirClassifier((7,), **given).fit(X[:100], y[:100])
    ours = MLPClassifier((7,), **given).fit(X[:100], y[:100])
    for ours_, theirs_ in zip(
        (*ours.coefs_, *ours.intercepts_), (*theirs.coefs_, *theirs.intercepts_), strict=True
    ):
        ours_[...] = theirs_
    for model in (theirs, ours):
        model.set_params(max_iter=15).fit(X[:100], y[:100])
    for ours_, theirs_ in zip(ours.coefs_, theirs.coefs_, strict=True):
        np.testing.assert_allclose(ours_, theirs_, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=1e-6)


def test_partial_fit_takes_one_pass_and_keeps_the_optimizers_state() -> None:
    whole = MLPClassifier((9,), max_iter=5, shuffle=False, random_state=0).fit(X, y)
    parts = MLPClassifier((9,), shuffle=False, random_state=0)
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        parts.partial_fit(X, y)
    parts.partial_fit(X, y, classes=np.arange(10))
    first = parts.loss_curve_[0]
    for _ in range(4):
        parts.partial_fit(X, y)
    assert parts.loss_curve_[0] == first
    assert len(parts.loss_curve_) == 5
    assert parts.t_ == 5 * 300
    assert whole.loss_curve_[-1] < first
    with pytest.raises(ValueError, match="classes not in"):
        parts.partial_fit(X, y + 1)
    with pytest.raises(ValueError, match="not the same as on last call"):
        parts.partial_fit(X, y, classes=[0, 1])
    with pytest.raises(ValueError, match="does not support early_stopping"):
        MLPClassifier(early_stopping=True).partial_fit(X, y, classes=np.arange(10))


@pytest.mark.parametrize(
    ("labels", "classes"),
    [("abc", ["a", "c"]), ("abc", ["a", "b"]), ([0, 1, 2], [0, 2]), ([0, 1, 2], [0, 1])],
)
def test_a_class_that_was_not_named_is_refused_in_the_first_call(labels: Any, classes: Any) -> None:
    given = np.array(list(labels))[y % 3]
    with pytest.raises(ValueError, match=r"`y` has classes not in `self.classes_`"):
        MLPClassifier((5,)).partial_fit(X, given, classes=classes)


def test_texts_are_no_numbers() -> None:
    with pytest.raises(ValueError, match="Mix of label input types"):
        MLPClassifier((5,)).partial_fit(X, np.array(["2", "10"])[y % 2], classes=[2, 10])


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_later_labels_have_the_form_of_the_first(method: str) -> None:
    one, several = y % 2, np.eye(3, dtype=int)[y % 3]
    model = MLPClassifier((5,), max_iter=1, warm_start=True).fit(X, several)
    with pytest.raises(ValueError, match="y has 2 columns, but had 3 in the first fit"):
        getattr(model, method)(X, several[:, :2])
    with pytest.raises(ValueError, match=r"y has one class each.* the first fit had several"):
        getattr(model, method)(X, one)
    model = MLPClassifier((5,), max_iter=1, warm_start=True).fit(X, one)
    with pytest.raises(ValueError, match=r"y has several labels each.* the first fit had one"):
        getattr(model, method)(X, several[:, :2])


def test_a_warm_start_goes_on_from_the_weights() -> None:
    model = MLPClassifier((9,), warm_start=True, max_iter=3, random_state=0)
    before = model.fit(X, y).loss_
    assert model.fit(X, y).loss_curve_[0] < before * 1.05
    with pytest.raises(ValueError, match="warm_start can only be used where `y` has the same"):
        model.fit(X, y % 3)
    cold = MLPClassifier((9,), max_iter=3, random_state=0)
    assert cold.fit(X, y).loss_ == cold.fit(X, y).loss_ == before


def test_early_stopping_keeps_the_best_weights() -> None:
    model = MLPClassifier(
        (30,), early_stopping=True, n_iter_no_change=3, max_iter=100, random_state=0,
        learning_rate_init=0.01, batch_size=20, validation_fraction=0.3,
    ).fit(X, y)  # fmt: skip
    assert model.n_iter_ < 100
    best = int(np.argmax(model.validation_scores_)) + 1
    assert best < model.n_iter_
    until_then = clone(model).set_params(max_iter=best).fit(X, y)
    for W, then in zip(model.coefs_, until_then.coefs_, strict=True):
        np.testing.assert_array_equal(W, then)
    assert model.t_ == model.n_iter_ * 210  # without those held out
    assert model.best_validation_score_ == max(model.validation_scores_)
    assert len(model.validation_scores_) == model.n_iter_
    assert model.best_loss_ is None
    with pytest.raises(ValueError, match="validation set is too small"):
        model.set_params(validation_fraction=0.01).fit(X[:50], y[:50])


def test_early_stopping_needs_two_samples_of_each_class() -> None:
    few = np.array([*["a"] * 3, "b"])
    with pytest.raises(ValueError, match=r"have only 1 member.*too few members are: \['b'\]"):
        MLPClassifier(early_stopping=True).fit(X[:4], few)


def test_a_loss_that_no_longer_falls_stops_training(capsys: pytest.CaptureFixture[str]) -> None:
    model = MLPClassifier((5,), tol=1e9, n_iter_no_change=2, verbose=True, max_iter=50).fit(X, y)
    assert model.n_iter_ == 4  # as scikit-learn counts: the first is progress
    printed = capsys.readouterr().out
    assert "Iteration 1, loss = " in printed
    assert "Training loss did not improve more than tol" in printed
    never = MLPClassifier((5,), tol=1e9, n_iter_no_change=np.inf, max_iter=9).fit(X, y)
    assert never.n_iter_ == 9


def test_classes_may_be_texts_and_frames_have_names() -> None:
    names = np.array(["zero", "one", "two"])
    few = y < 3
    frame = pd.DataFrame(X[few], columns=[f"p{i}" for i in range(64)])
    model = MLPClassifier((20,), max_iter=60, batch_size=20).fit(frame, names[y[few]])
    assert model.classes_.tolist() == ["one", "two", "zero"]
    assert set(model.predict(frame)) <= set(names)
    assert model.score(frame, names[y[few]]) > 0.9
    assert model.feature_names_in_.tolist() == list(frame.columns)
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame.rename(columns={"p0": "q"}))
    with pytest.raises(ValueError, match="expecting 64 features"):
        MLPClassifier((5,), max_iter=1).fit(X, y).predict(X[:, :3])


def test_several_labels_each() -> None:
    data, labels = make_multilabel_classification(150, n_classes=4, random_state=0)
    model = MLPClassifier((30,), max_iter=200, learning_rate_init=0.01, random_state=0)
    model.fit(StandardScaler().fit_transform(data), labels)
    answers = model.predict(StandardScaler().fit_transform(data))
    assert answers.shape == (150, 4)
    assert set(answers.ravel()) == {0, 1}
    assert (answers == labels).mean() > 0.85
    assert model.predict_proba(data).shape == (150, 4)
    assert model.out_activation_ == "logistic"


def test_one_class_is_answered() -> None:
    model = MLPClassifier((3,), max_iter=2).fit(X, np.full(300, 7))
    assert set(model.predict(X)) == {7}
    np.testing.assert_array_equal(model.predict_proba(X), np.ones((300, 1)))


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        (np.zeros(300), "at least one non-zero"),
        (np.ones(299), r"sample_weight.shape == \(299,\), expected \(300,\)"),
        (np.ones((300, 2)), "1D array or scalar"),
        (-np.ones(300), "Negative values"),
        (np.full(300, np.nan), "Input sample_weight contains NaN"),
    ],
)
def test_weights_that_are_none_are_refused(weights: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        MLPClassifier(max_iter=1).fit(X, y, sample_weight=weights)


def test_weights_count_samples_and_classes() -> None:
    some = y < 2
    weights = np.where(y[some] == 1, 1000.0, 0.001)
    given: dict[str, Any] = {"max_iter": 30, "random_state": 0, "learning_rate_init": 0.05}
    weighted = MLPClassifier((5,), **given).fit(X[some], y[some], sample_weight=weights)
    assert (weighted.predict(X[some]) == 1).all()
    classes = MLPClassifier((5,), class_weight={0: 0.001, 1: 1000.0}, **given)
    np.testing.assert_allclose(
        classes.fit(X[some], y[some]).predict_proba(X), weighted.predict_proba(X)
    )
    single = MLPClassifier((5,), **given).fit(X, y, sample_weight=2.0)
    np.testing.assert_allclose(
        single.coefs_[0], MLPClassifier((5,), **given).set_params(alpha=5e-5).fit(X, y).coefs_[0]
    )


def test_values_that_make_training_diverge_are_told() -> None:
    with pytest.raises(ValueError, match="Solver produced non-finite parameter weights"):
        MLPClassifier((5,), solver="sgd", learning_rate_init=1e30, max_iter=9).fit(X * 1e9, y)


def test_what_to_do_about_it_names_the_parameters() -> None:
    given: dict[str, Any] = {"solver": "sgd", "learning_rate_init": 1e30, "max_iter": 9}
    with pytest.raises(ValueError, match=r"try learning_rate_init=1e\+29 or clip_norm=1$"):
        MLPClassifier((5,), loss="quadratic", output="identity", **given).fit(X, y)
    assert in_parameters("a smaller --init, such as he_normal") == (
        "a smaller init, such as he_normal"
    )


def test_sparse_samples_are_learnt_alike() -> None:
    given: dict[str, Any] = {"max_iter": 3, "random_state": 0}
    dense = MLPClassifier((5,), **given).fit(X, y)
    packed = MLPClassifier((5,), **given).fit(sparse.csr_array(X), y)
    np.testing.assert_array_equal(dense.predict_proba(X), packed.predict_proba(sparse.csc_array(X)))


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copy_answers_alike_and_goes_on_learning(copied: Any) -> None:
    model = MLPClassifier((5,), max_iter=3, random_state=0).fit(X, y)
    again = copied(model)
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    np.testing.assert_array_equal(
        again.partial_fit(X, y).predict_proba(X), model.partial_fit(X, y).predict_proba(X)
    )
    assert not hasattr(clone(model), "network_")


def test_a_pipeline_a_search_and_calibration() -> None:
    pipeline = make_pipeline(StandardScaler(), MLPClassifier((20,), learning_rate_init=0.05))
    search = GridSearchCV(pipeline, {"mlpclassifier__dropout": [0.0, 0.2]}, cv=2).fit(X, y)
    assert 0.3 < search.best_score_ <= 1
    calibrated = CalibratedClassifierCV(MLPClassifier((8,), max_iter=15), cv=2).fit(X, y)
    assert calibrated.predict_proba(X).shape == (300, 10)


def test_weights_are_routed() -> None:
    with sklearn.config_context(enable_metadata_routing=True):
        model = MLPClassifier((5,), max_iter=2).set_fit_request(sample_weight=True)
        routed = cross_validate(
            model.set_score_request(sample_weight=True), X, y, cv=2, params={"sample_weight": y + 1}
        )
    assert len(routed["test_score"]) == 2


def test_a_notebook_shows_its_parameters() -> None:
    html = MLPClassifier(dropout=0.3)._repr_html_()
    assert "dropout" in html
    assert "hidden_layer_sizes" in html
    assert repr(MLPClassifier(dropout=0.3)) == "MLPClassifier(dropout=0.3)"


def test_the_recipes_options_are_there() -> None:
    model = MLPClassifier(
        (8,), dropout=0.2, max_norm=2.0, learning_rate="cosine", warmup=1.0, average="ema(0.9)",
        clip_norm=1.0, augment="affine", image_shape=(8, 8), max_iter=3, loss="quadratic",
    )  # fmt: skip
    assert model.fit(X, y).predict_proba(X).shape == (300, 10)


def test_weights_and_biases_start_as_scikit_learns() -> None:
    """Uniform within ±√(6 / (inputs + outputs)), both."""
    given: dict[str, Any] = {"learning_rate_init": 1e-12, "max_iter": 1, "random_state": 3}
    theirs, ours = (
        kind((200, 100), **given).fit(X, y) for kind in (TheirClassifier, MLPClassifier)
    )
    for k, W in enumerate(ours.coefs_):
        bound = np.sqrt(6 / sum(W.shape))
        for drawn in (W, ours.intercepts_[k], theirs.coefs_[k], theirs.intercepts_[k]):
            assert 0.6 * bound < np.abs(drawn).max() < bound + 1e-6


def test_without_captured_steps_it_learns_the_same() -> None:
    given: dict[str, Any] = {"max_iter": 2, "random_state": 0}
    captured, called = (
        MLPClassifier((5,), graph=graph, **given).fit(X, y) for graph in (True, False)
    )
    np.testing.assert_array_equal(captured.coefs_[0], called.coefs_[0])
