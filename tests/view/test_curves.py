"""A training run over its epochs, and histories that make no sense."""

from __future__ import annotations

import pytest
from screens import METADATA, plain

from mlp.common.errors import ModelError
from mlp.models.metadata import Metadata
from mlp.view.curves import draw_curves, read_curves, sparkline
from mlp.view.screen import Screen


def test_a_sparkline_goes_from_the_least_to_the_largest() -> None:
    assert sparkline([1.0, 2.0, 3.0], 10, Screen()) == "▁▅█"
    assert sparkline([3.0, 1.0], 10, Screen(encoding="ascii")) == "#_"
    assert len(sparkline(list(range(1000)), 30, Screen())) == 30
    assert sparkline([2.0, 2.0], 10, Screen()) == "██"
    assert sparkline([-1e308, 1e308], 10, Screen()) == "▁█"


def test_curves_have_the_first_and_the_last_epoch() -> None:
    lines = plain(draw_curves(read_curves(METADATA, "m"), Screen()))
    assert lines[0].startswith("loss ")
    assert lines[0].endswith("1.0000 to 0.0100")
    table = lines[lines.index("") + 1 :]
    assert table[0].split() == ["epoch", "loss", "train", "test"]
    assert table[1].split()[0] == "1"
    assert table[-1].split() == ["100", "0.0100", "90.00%", "99.90%"]


@pytest.mark.parametrize(
    "history",
    [
        None,
        [],
        "text",
        {"epoch": 1},
        [1, 2],
        [{}],
        [{"epoch": 1}],
        [{"epoch": 1, "loss": None}],
        [{"epoch": 1, "loss": float("nan")}],
        [{"epoch": 1, "loss": 1.0}, {"epoch": 2}],
    ],
)
def test_a_history_that_makes_no_sense_is_refused(history: object) -> None:
    with pytest.raises(ModelError, match=r"m\.safetensors"):
        read_curves(Metadata.from_json({"history": history}), "m.safetensors")


def test_figures_that_some_epochs_lack_are_left_out() -> None:
    epochs = [{"epoch": e, "loss": 1.0, "validation_accuracy": None} for e in (1, 2)]
    assert list(read_curves(Metadata.from_json({"history": epochs}), "m")) == ["epoch", "loss"]
