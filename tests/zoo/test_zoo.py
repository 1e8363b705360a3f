"""Every model and checkpoint that a version has written is read, and answers as it did then."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from source import load_script

import mlp
from mlp.common.errors import UsageError
from mlp.training.recipe import Recipe
from mlp.training.state import check_resumable, load_state

ZOO = Path(__file__).parent
MODELS = sorted(ZOO.glob("*/model-*.safetensors"))
CHECKPOINTS = sorted(ZOO.glob("*/checkpoint-*.safetensors"))
RELATIVE = {"float32": 1e-5, "float64": 1e-12}
"""How far the answers may be from those of the machine that wrote them."""


@pytest.fixture(scope="module")
def write() -> Any:
    """The script that writes a version's files."""
    return load_script(ZOO / "write.py")


def name(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def told(path: Path) -> dict[str, Any]:
    return json.loads(path.with_suffix(".json").read_text())


def images_of(path: Path, write: Any) -> Any:
    return write.digits(path.parent).test.images[:3]


@pytest.mark.parametrize("path", MODELS, ids=name)
def test_a_model_answers_as_it_did(path: Path, write: Any) -> None:
    then, now = told(path), write.answers(mlp.load(path), images_of(path, write))
    about = then.pop("about")
    assert about.items() <= now.pop("about").items()
    close = RELATIVE[then["dtype"]]
    np.testing.assert_allclose(now.pop("probabilities"), then.pop("probabilities"), close)
    assert now == then


@pytest.mark.parametrize("path", CHECKPOINTS, ids=name)
def test_a_checkpoint_goes_on_to_where_it_would_have_gone(path: Path, write: Any) -> None:
    then = told(path)
    end = then.pop("end")
    assert write.reached(load_state(path)) == then
    now = write.answers(write.resume(path, write.digits(path.parent)), images_of(path, write))
    assert now["classes"] == end["classes"]
    np.testing.assert_allclose(now["probabilities"], end["probabilities"], 1e-3)
    assert len(now["about"]["history"]) == len(end["about"]["history"])


def test_a_field_that_an_earlier_recipe_lacked_has_its_default() -> None:
    path = CHECKPOINTS[-1]
    state, now = load_state(path), load_state(path)
    now.recipe = asdict(Recipe()) | now.recipe  # which later versions have more of
    del state.recipe["average"]
    check_resumable(state, now.recipe, now.network, now.data)
    now.recipe["average"] = "ema(0.5)"
    with pytest.raises(UsageError, match="its average is None, not ema"):
        check_resumable(state, now.recipe, now.network, now.data)


def test_each_version_has_both_and_they_are_small() -> None:
    versions = {path.parent for path in [*MODELS, *CHECKPOINTS]}
    assert versions
    for version in versions:
        assert {path.parent for path in MODELS} == {path.parent for path in CHECKPOINTS}
        assert all(path.stat().st_size < 10_000 for path in version.iterdir())


def test_this_version_writes_the_same_kinds(
    write: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(write, "ZOO", tmp_path)
    assert write.main() == 0
    (version,) = tmp_path.iterdir()
    newest = max(path.parent for path in MODELS)
    assert {path.name for path in version.iterdir()} >= {path.name for path in newest.iterdir()}
    assert write.main() == 1
    assert "is in the zoo already" in capsys.readouterr().err
