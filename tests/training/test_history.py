"""A history in a notebook: its curves and how the run ended."""

from __future__ import annotations

from shown import Shown

from mlp.training.history import Epoch, History


def epoch(number: int, validation: float | None = None) -> Epoch:
    return Epoch(number, 1 / number, 0.9, 0.8 + number / 100, validation, 0.5, validation)


def test_curves_and_the_outcome_are_shown() -> None:
    shown = Shown(History([epoch(k) for k in range(1, 6)])._repr_html_())
    assert shown.tags.count("svg") == 2
    assert shown.tags.count("polyline") == 3  # the loss; train and test
    assert "epoch 5: test accuracy 85.00%, 2.50 s of training" in shown.text
    assert "validation" not in shown.text


def test_validation_is_shown_where_there_is_some() -> None:
    shown = Shown(History([epoch(k, 0.7) for k in (1, 2)], chosen=1)._repr_html_())
    assert shown.tags.count("polyline") == 5
    assert "epoch 1: test accuracy 81.00%" in shown.text


def test_a_reason_to_stop_is_text() -> None:
    shown = Shown(History([epoch(1)], stopped="<b>enough</b>")._repr_html_())
    assert "<b>enough</b>" in shown.text
    assert "interrupted" in Shown(History([epoch(1)], interrupted=True)._repr_html_()).text


def test_a_run_that_has_not_begun_says_so() -> None:
    assert Shown(History()._repr_html_()).text == "no epoch was measured yet"
