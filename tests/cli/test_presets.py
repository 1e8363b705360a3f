"""``mlp presets``: the table of the published recipes."""

from __future__ import annotations

import json
import re

import pytest
from command import Command

from mlp.training.presets.preset import preset_names


@pytest.mark.parametrize("width", ["40", "80"])
def test_the_names_of_presets_are_never_cut(
    mlp: Command, monkeypatch: pytest.MonkeyPatch, width: str
) -> None:
    monkeypatch.setenv("COLUMNS", width)
    out = mlp("presets").out
    for name in preset_names():
        assert re.search(rf"^ {name} ", out, re.MULTILINE)


def test_json_lists_every_preset(mlp: Command) -> None:
    listed = json.loads(mlp("presets", "--json").out)
    assert [preset["name"] for preset in listed] == preset_names()
    assert all(preset["recipe"]["epochs"] > 0 for preset in listed)
