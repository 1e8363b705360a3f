"""How accuracy falls is drawn as bars, and said in a sentence."""

from __future__ import annotations

from screens import plain

from mlp.view.robustness import describe, draw_robustness
from mlp.view.screen import Screen

CURVE = {-15.0: 0.5, 0.0: 0.98, 15.0: 0.925, 30.0: 0.1}


def test_a_curve_is_said_in_a_sentence() -> None:
    assert describe("rotation", CURVE) == (
        "rotation (degrees clockwise): 98.00% as they are, 90% or more from +0 to +15"
    )
    poor = dict.fromkeys(CURVE, 0.5)
    assert describe("thickness", poor) == "thickness (pixels all round): 50.00% as they are"


def test_each_amount_has_a_bar() -> None:
    lines = plain(draw_robustness({"rotation": CURVE, "noise": {0.0: 1.0, 0.5: 0.0}}, Screen(40)))
    assert [line.split(" |")[0] for line in lines if "|" in line] == [
        "-15", " +0", "+15", "+30", "0.0", "0.5",
    ]  # fmt: skip
    assert lines.count("") == 1
    assert max(map(len, lines)) <= 40
