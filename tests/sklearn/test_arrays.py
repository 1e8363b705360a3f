"""Arrays of other libraries are answered in kind."""

from __future__ import annotations

from typing import Any

import array_api_strict
import numpy as np
import pytest
import sklearn

from mlp.sklearn import MLPClassifier
from mlp.sklearn.arrays import ArrayKind, to_host

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

rng = np.random.default_rng(0)
X, y = rng.normal(size=(40, 3)), rng.integers(0, 3, 40)


def of_strict(array: Any, device: str) -> Any:
    return array_api_strict.asarray(array, device=array_api_strict.Device(device))


def of_torch(array: Any, device: str) -> Any:
    return pytest.importorskip("torch").asarray(array, device=device)


@pytest.mark.parametrize(
    ("library", "device"), [(of_strict, "CPU_DEVICE"), (of_strict, "device1"), (of_torch, "cpu")]
)
def test_each_answer_is_of_the_librarys_kind(library: Any, device: str) -> None:
    given, classes = library(X, device), library(y, device)
    model = MLPClassifier((5,), max_iter=2, random_state=0).fit(given, classes)
    expected = MLPClassifier((5,), max_iter=2, random_state=0).fit(X, y)
    for method in ("predict", "predict_proba", "predict_log_proba"):
        answers = getattr(model, method)(given)
        assert ArrayKind.of(answers) == ArrayKind.of(given)
        np.testing.assert_allclose(to_host(answers), getattr(expected, method)(X))
    assert model.score(given, classes) == expected.score(X, y)


def test_what_speaks_dlpack_alone_is_read_and_answered_as_numpys() -> None:
    class Foreign:
        def __init__(self, array: Any) -> None:
            self._array = array

        def __dlpack__(self, **how: Any) -> Any:
            return self._array.__dlpack__(**how)

        def __dlpack_device__(self) -> Any:
            return self._array.__dlpack_device__()

    model = MLPClassifier((5,), max_iter=2, random_state=0).fit(Foreign(X), Foreign(y))
    expected = MLPClassifier((5,), max_iter=2, random_state=0).fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(model.predict_proba(Foreign(X)), expected)


def test_texts_stay_numpys() -> None:
    given = of_strict(X, "CPU_DEVICE")
    names = np.array(["a", "b", "c"])[y]
    assert set(MLPClassifier((5,), max_iter=2).fit(given, names).predict(given)) <= set("abc")


def test_another_kind_than_in_fit_is_refused_where_scikit_learn_dispatches() -> None:
    model = MLPClassifier((5,), max_iter=2).fit(of_strict(X, "CPU_DEVICE"), y)
    assert isinstance(model.predict(X), np.ndarray)
    with (
        sklearn.config_context(array_api_dispatch=True),
        pytest.raises(ValueError, match=r"MLPClassifier.predict\(\) must use the same namespace"),
    ):
        model.predict(X)


def test_lists_and_frames_count_as_numpys() -> None:
    assert ArrayKind.of([[1.0]]).is_host
    assert ArrayKind.of(np.ones(3)).is_host
