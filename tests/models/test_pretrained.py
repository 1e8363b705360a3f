"""The model that comes with the package: small, found, and a sentence where there is none."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from mlp.common.errors import ModelError
from mlp.models import pretrained
from mlp.models.description import HALF
from mlp.models.model_file import save
from mlp.models.pretrained import pretrained_model
from mlp.nn.network import MLP

IN_PACKAGE = files("mlp") / "models" / "digits.safetensors"


def test_the_model_is_loaded_from_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "models").mkdir()
    save(MLP([784, 12, 10]), tmp_path / "models" / "digits.safetensors", stored=HALF)
    monkeypatch.setattr(pretrained, "files", lambda _: tmp_path)
    assert pretrained_model().sizes == (784, 12, 10)


def test_a_package_without_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretrained, "files", lambda _: tmp_path)
    with pytest.raises(ModelError, match="mlp train"):
        pretrained_model()


@pytest.mark.skipif(not IN_PACKAGE.is_file(), reason="the package has no trained model yet")
def test_the_pretrained_model_is_small_and_reads_digits() -> None:
    assert len(IN_PACKAGE.read_bytes()) <= 2 * 1024**2
    model = pretrained_model()
    assert (model.sizes[0], model.sizes[-1], model.dtype) == (784, 10, "float32")
