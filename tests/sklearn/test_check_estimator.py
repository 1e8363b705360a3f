"""All that scikit-learn checks of an estimator, on the CPU and on a stand-in for a CUDA device."""

from __future__ import annotations

from functools import partial
from typing import Any

import cuda_stand_in
import pytest
from cupy_stand_in import StandIn
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from mlp.sklearn import MLPClassifier, MLPRegressor

pytestmark = [
    # scikit-learn's checks fit what does not converge, and give columns where rows are due.
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.DataConversionWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning"),
]

LEARNING = "train", "weight", "partial_fit_n_features"
"""Checks of how well is learnt, which take as many epochs as on the CPU; all others take two."""


@parametrize_with_checks([MLPClassifier(), MLPRegressor()])
def test_scikit_learns_checks(estimator: Any, check: Any) -> None:
    skip_without_cupy(check)
    check(estimator)


@parametrize_with_checks([MLPClassifier(device="cuda"), MLPRegressor(device="cuda")])
def test_they_hold_on_a_cuda_device(
    estimator: Any, check: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    skip_without_cupy(check)
    cuda_stand_in.install(monkeypatch, StandIn())
    if not any(word in check.func.__name__ for word in LEARNING):
        estimator = clone(estimator).set_params(max_iter=2)
    check(estimator)


def skip_without_cupy(check: partial[Any]) -> None:
    """Skip a check of CuPy's arrays, which there are none of without a device."""
    if "cupy" in f"{check.func.__name__} {check.keywords}":
        pytest.skip("needs a CUDA device")
