"""Model files as a format: known by their first bytes, and half as large in half precision."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from small_networks import assert_same

from mlp.common.errors import ModelError
from mlp.models.formats.convert import read_model, write_model
from mlp.nn.network import MLP


def test_half_precision_rounds_and_is_half_as_large(tmp_path: Path) -> None:
    model = MLP([200, 30, 3], bias_init="normal(1)")
    full, half = tmp_path / "full.safetensors", tmp_path / "half.safetensors"
    assert write_model(model, full).name == "safetensors"
    assert write_model(model, half, "safetensors-half").name == "safetensors-half"
    assert half.stat().st_size < 0.6 * full.stat().st_size
    found = read_model(half)
    assert found.dtype == "float32"
    np.testing.assert_array_equal(found.parameters, model.parameters.astype(np.float16))


def test_a_renamed_file_is_known_by_its_first_bytes(tmp_path: Path) -> None:
    write_model(MLP([4, 3, 2]), tmp_path / "good.safetensors")
    (tmp_path / "good.safetensors").rename(tmp_path / "renamed.bin")
    assert_same(read_model(tmp_path / "renamed.bin"), MLP([4, 3, 2]))


def test_a_file_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    write_model(MLP([4, 3, 2]), path := tmp_path / "cut.safetensors")
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(ModelError, match="cannot be read as a model file"):
        read_model(path)
