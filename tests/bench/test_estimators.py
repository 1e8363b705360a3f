"""The comparison of the estimators with scikit-learn's, on its smallest table."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("sklearn")

from bench import estimators

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture
def data(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The digits, for two epochs, and a grid of one setting for each side."""
    digits = estimators.digits()
    digits.epochs = 2
    monkeypatch.setitem(estimators.TABLES, "digits", lambda: digits)
    monkeypatch.setattr(estimators, "RATES", {"adam": (0.01,)})
    for name, value in (("SHARES", (1.0,)), ("BATCHES", (50,)), ("SCHEDULES", ("constant",))):
        monkeypatch.setattr(estimators, name, value)
    return digits


@pytest.mark.usefixtures("data")
def test_it_tells_the_ratio_and_the_scores_of_all_four(capsys: pytest.CaptureFixture[str]) -> None:
    estimators.main(["digits", "--seeds", "2"])
    rows = [line.split(" | ") for line in capsys.readouterr().out.splitlines()[3:]]
    assert [row[0] for row in rows] == [
        "| mlp", "| scikit-learn", "| mlp, its own", "| scikit-learn, its own",
    ]  # fmt: skip
    assert [row[1] for row in rows[:2]] == ["max_iter=2"] * 2
    assert all("learning_rate_init=0.01, " in row[1] for row in rows[2:])
    assert rows[1][3] == "1.00 (1.00–1.00)"
    assert all("% ± " in row[4] for row in rows)


def test_no_test_row_chooses(data: Any) -> None:
    data.test = None
    for kind in (estimators.MLPClassifier, estimators.TheirClassifier):
        chosen = estimators.choose("", kind, data, seeds=2)
        assert chosen["learning_rate_init"] == 0.01
    (X, _), (held_out, _) = estimators.divide(data.train)
    assert (len(X), len(held_out)) == (1120, 280)


@pytest.mark.parametrize("rate", [1e-9, 1e30])  # learns nothing, diverges
def test_where_nothing_is_as_right_the_defaults_stay(
    data: Any, rate: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(estimators, "RATES", {"sgd": (rate,)})
    chosen = estimators.choose("", estimators.MLPClassifier, data, seeds=2)
    assert chosen == {"max_iter": 2}


def test_our_grid_has_all_of_theirs() -> None:
    theirs = list(estimators.grid(estimators.TheirClassifier, 5))
    ours = list(estimators.grid(estimators.MLPClassifier, 5))
    assert all(settings in ours for settings in theirs)
