"""What a process of a search answers, line by line."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from toys import DATA, toy_model

from mlp.common.errors import UsageError
from mlp.common.quiet import quiet
from mlp.training.architecture import Architecture
from mlp.training.loop import train
from mlp.training.recipe import Recipe
from mlp.training.runs.settings import DataSettings, DeviceSettings, Settings
from mlp.training.search.folder import SearchFolder, SearchPlan
from mlp.training.search.space import with_values
from mlp.training.search.trial_process import EndWithParent, work

BASE = Settings(
    network=Architecture(hidden=(4,)),
    training=Recipe(epochs=2, batch_size=20),
    data=DataSettings(dataset="synthetic:60+10"),
    device=DeviceSettings(device="cpu"),
)
TRIALS = [{"lr": 0.1, "freeze": None}, {"lr": 1e30, "freeze": None}, {"lr": 0.1, "freeze": "9"}]
PLAN = SearchPlan(TRIALS, [1, 2], 2, "accuracy", 0.2)


def answers(path: Path, *lines: dict[str, int]) -> list[dict[str, Any]]:
    told = io.StringIO()
    work(path, io.StringIO("".join(json.dumps(line) + "\n" for line in lines)), told)
    return [json.loads(line) for line in told.getvalue().splitlines()]


@pytest.fixture
def search(tmp_path: Path) -> Path:
    folder = SearchFolder(tmp_path / "search")
    with folder.begun(PLAN, [with_values(BASE, values) for values in PLAN.trials], quiet):
        pass
    return folder.path


def test_each_line_is_answered(search: Path) -> None:
    jobs = [{"trial": 0, "epochs": 1}, {"trial": 1, "epochs": 1}, {"trial": 2, "epochs": 1}]
    sound, wild, wrong = answers(search, *jobs)
    assert (sound["trial"], sound["epochs"], sound["diverged"]) == (0, 1, None)
    assert 0 <= sound["accuracy"] <= 1
    assert wild["accuracy"] is None
    assert "1e+30" in wild["diverged"]
    assert (wrong["accuracy"], wrong["diverged"]) == (None, None)
    assert "linear layers to freeze" in wrong["refused"]


def test_a_state_that_cannot_be_read_is_warned_of(search: Path) -> None:
    answers(search, {"trial": 0, "epochs": 1})
    (state,) = (search / "trial-000").glob("checkpoint-*")
    later = state.with_name("checkpoint-00002-0000000.safetensors")
    later.write_bytes(b"damaged")
    warning, result = answers(search, {"trial": 0, "epochs": 2})
    assert "damaged" in warning["warning"]
    assert result["epochs"] == 2


def test_there_must_be_a_search(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no search"):
        answers(tmp_path)


def test_a_run_ends_with_its_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[int] = []
    watch = EndWithParent()
    monkeypatch.setattr("signal.raise_signal", sent.append)
    train(toy_model(), DATA, Recipe(epochs=1), callbacks=[watch])
    assert sent == []
    monkeypatch.setattr("os.getppid", lambda: 1_000_000)
    train(toy_model(), DATA, Recipe(epochs=2), callbacks=[watch])
    assert len(sent) == 1
