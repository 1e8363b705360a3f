"""``mlp show curves``: the history of a training."""

from __future__ import annotations

from pathlib import Path

from view_command import lines, refusal

from mlp.models import model_file
from mlp.models.metadata import metadata_of
from mlp.nn.network import MLP


def test_curves_show_the_history(model: str) -> None:
    found = lines("curves", model)
    assert [line.split()[0] for line in found[:3]] == ["loss", "train", "test"]
    assert [line.split()[0] for line in found[-2:]] == ["1", "2"]
    assert found[-1].split()[1] == f"{metadata_of(model_file.load(model)).history[1]['loss']:.4f}"


def test_a_model_without_a_history_is_refused(tmp_path: Path) -> None:
    model_file.save(MLP([4, 2]), tmp_path / "new.safetensors")
    assert "does not hold the history" in refusal("curves", str(tmp_path / "new.safetensors"))
