"""Networks as JSON: they keep all, and what is not sound is refused in a sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from small_networks import assert_not_read, assert_same

from mlp.data.task import Task
from mlp.models.formats.convert import read_model, write_model
from mlp.models.metadata import Metadata, metadata_of
from mlp.nn.network import MLP


def content(path: Path) -> Any:
    model = MLP([3, 2])
    write_model(model, path, force=True)
    return json.loads(path.read_bytes())


def test_it_has_a_list_for_each_input(tmp_path: Path) -> None:
    model = MLP([3, 2], bias_init="normal(1)")
    model.metadata = Metadata(task=Task("binary", ("a", "b"), (1,)))
    write_model(model, tmp_path / "net.json")
    found = json.loads((tmp_path / "net.json").read_bytes())
    assert found["tensors"]["layers.0.W"] == model.linear[0].W.tolist()
    assert found["tensors"]["layers.0.b"] == model.linear[0].b.tolist()
    assert found["mlp"]["network"]["activation"] == "relu"
    same = read_model(tmp_path / "net.json")
    assert_same(same, model)
    assert metadata_of(same).task == Task("binary", ("a", "b"), (1,))


CHANGES: dict[str, tuple[Callable[[Any], object], str]] = {
    "no description": (lambda c: c.pop("mlp"), 'the objects "mlp" and "tensors"'),
    "a list of tensors": (lambda c: c.update(tensors=[]), 'the objects "mlp" and "tensors"'),
    "no network": (lambda c: c["mlp"].pop("network"), "no description of a network"),
    "a text for a network": (lambda c: c["mlp"].update(network="a"), "what network it holds"),
    "another version": (lambda c: c["mlp"].update(format=9), "model format 9"),
    "no such dtype": (lambda c: c["mlp"]["network"].update(dtype="int8"), "float32 or float64"),
    "ragged": (lambda c: c["tensors"].update({"layers.0.W": [[1], [2, 3]]}), "is no array"),
    "words": (lambda c: c["tensors"].update({"layers.0.W": "a"}), "is no array"),
    "too much": (lambda c: c["tensors"].update({"layers.0.b": [10**400, 0]}), "is no array"),
    "null": (lambda c: c["tensors"].update({"layers.0.b": [None, 0]}), "not finite"),
    "too large": (lambda c: c["tensors"].update({"layers.0.b": [1e300, 0]}), "not finite"),
    "more": (lambda c: c["tensors"].update(more=[1]), "do not have the shapes"),
    "fewer": (lambda c: c["tensors"].pop("layers.0.b"), "do not have the shapes"),
    "a million layers": (
        lambda c: c["mlp"]["network"].update(sizes=[1] * 1_000_000),
        "do not have the shapes",
    ),
    "turned": (lambda c: c["mlp"]["network"].update(sizes=[2, 3]), "do not have the shapes"),
}


@pytest.mark.parametrize("case", CHANGES)
def test_what_is_not_sound_is_refused(tmp_path: Path, case: str) -> None:
    change, sentence = CHANGES[case]
    changed = content(path := tmp_path / "net.json")
    change(changed)
    path.write_text(json.dumps(changed))
    assert_not_read(path, sentence)


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "\0", "[1]", "é"])
def test_what_is_no_json_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "net.json").write_text(text, encoding="latin-1")
    assert_not_read(tmp_path / "net.json", "JSON")
