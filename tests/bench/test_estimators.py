"""The comparison of the estimators with scikit-learn's, on its smallest table."""

from __future__ import annotations

import pytest


def test_it_tells_the_ratio_and_both_scores(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("sklearn")
    from bench import estimators

    monkeypatch.setattr(estimators, "REPEATS", 1)
    train, test, _ = estimators.digits()
    monkeypatch.setitem(estimators.TABLES, "digits", lambda: (train, test, {"max_iter": 2}))
    estimators.main(["digits"])
    assert "digits: ours " in capsys.readouterr().out
