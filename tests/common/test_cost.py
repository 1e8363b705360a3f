"""What something costs: the quickest time of two or more."""

from __future__ import annotations

from mlp.common.cost import Cost


def test_what_was_held_up_costs_no_more() -> None:
    cost, known = Cost(), []
    for took in (50.0, 0.3, 50.0, 0.2, 0.4):
        cost.note(took)
        known.append(cost.seconds)
    assert known == [0.0, 0.3, 0.3, 0.2, 0.2]
