"""All that scikit-learn checks of an estimator, on the CPU and on a stand-in for a CUDA device."""

from __future__ import annotations

from functools import partial
from typing import Any

import cuda_stand_in
import pytest
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
    if "cupy" in described(check):
        pytest.skip("needs a CUDA device")
    check(estimator)


@parametrize_with_checks([MLPClassifier(device="cuda"), MLPRegressor(device="cuda")])
def test_they_hold_on_a_cuda_device(
    estimator: Any, check: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    cuda_stand_in.install(monkeypatch, cuda_stand_in.StandIn())
    if "array_api" in described(check):
        pytest.skip("checked on the CPU: it does not depend on the estimator's device")
    if not any(word in check.func.__name__ for word in LEARNING):
        estimator = clone(estimator).set_params(max_iter=2)
    check(estimator)


def described(check: partial[Any]) -> str:
    """What a check does, with what it is told."""
    return f"{check.func.__name__} {check.keywords}"
