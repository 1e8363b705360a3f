"""The lines beside the numbers are those that ran, and each states its formula."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
from exported import OWN_LAYERS

from backends import get_backend
from mlp.nn.activations import ReLU
from mlp.nn.layers import LAYERS, Linear
from mlp.nn.losses import LOSSES
from mlp.nn.optim import SGD
from mlp.web.source import formula_of, source_of, written_by

DIRECTIONS = [("apply", "forward"), ("gradient", "slope", "backward")]


@pytest.mark.parametrize("names", DIRECTIONS)
@pytest.mark.parametrize("name", OWN_LAYERS)
def test_every_layer_states_a_formula_both_ways(name: str, names: tuple[str, ...]) -> None:
    layer = LAYERS.make(name, get_backend("cpu"), "float64")
    written = written_by(layer, *names)
    assert "=" in formula_of(written)
    assert source_of(written)["code"].startswith("def ")


def test_losses_and_the_descent_state_theirs() -> None:
    for name in ("cross_entropy", "quadratic", "binary_cross_entropy"):
        assert formula_of(LOSSES[name]).startswith("L = ")
        assert formula_of(LOSSES[name].gradient)
    assert formula_of(SGD.descend).startswith("p = p - lr · g")


def test_a_place_leads_to_the_lines() -> None:
    told = source_of(Linear.forward)
    path, line = told["place"].split(", line ")
    assert path == "mlp/nn/layers.py"
    file = inspect.getsourcefile(Linear)
    assert file
    lines = Path(file).read_text("utf-8").splitlines()
    assert lines[int(line) - 1].strip() == told["code"].splitlines()[0]
    assert written_by(ReLU(get_backend("cpu"), "float32"), "apply") is ReLU.apply
    with pytest.raises(AttributeError, match="ReLU has none of nothing"):
        written_by(ReLU(get_backend("cpu"), "float32"), "nothing")


def test_a_program_without_its_source_has_no_lines_to_tell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = source_of(Linear.forward)

    def gone(written: object) -> None:
        raise OSError("could not get source code")

    monkeypatch.setattr(inspect, "getsourcelines", gone)
    assert source_of(Linear.forward) == told | {"code": ""}
