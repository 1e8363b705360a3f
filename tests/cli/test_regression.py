"""Numbers are estimated, measured and told in their own units, by every command alike."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from command import Command, refused

WORDS = ("--task", "regression", "--lr", "0.01", "--epochs", "60", "--batch-size", "20",
         "--hidden", "16", "--device", "cpu", "--out", "m.safetensors")  # fmt: skip


@pytest.fixture
def houses(tmp_path: Path) -> Path:
    """A price that is linear in two columns, in hundreds of thousands, and noise of 5,000."""
    rng = np.random.default_rng(0)
    rooms, age = rng.uniform(1, 8, 300), rng.uniform(0, 90, 300)
    prices = 40_000 * rooms - 700 * age + 200_000 + rng.normal(0, 5_000, 300)
    rows = zip(rooms, age, prices, strict=True)
    lines = [f"{room:.3f},{years:.3f},{price:.0f}" for room, years, price in rows]
    (tmp_path / "houses.csv").write_text("\n".join(["rooms,age,price", *lines]) + "\n")
    return tmp_path / "houses.csv"


def test_a_linear_price_is_learnt_and_told_in_its_own_unit(mlp: Command, houses: Path) -> None:
    trained = mlp("train", "--dataset", houses, "--label", "price", "--json", *WORDS)
    assert trained.code == 0, trained.err
    told = json.loads(trained.out)
    assert told["test_r2"][0] > 0.97
    assert 3_000 < told["test_mae"][0] < told["test_rmse"][0] < 15_000
    assert told["test_correct"] is None
    measured = json.loads(mlp("eval", "m.safetensors", "--json").out)
    for name in ("r2", "mae", "rmse"):
        assert measured[name] == pytest.approx(told[f"test_{name}"], rel=1e-6)
    assert measured["test_total"] == 60
    twice = json.loads(mlp("eval", "m.safetensors", "m.safetensors", "--json").out)
    assert twice["rmse"] == pytest.approx(measured["rmse"])


def test_how_right_estimates_are_is_told_as_r2_and_never_in_percent(
    mlp: Command, houses: Path
) -> None:
    kept = ("--run", "runs/a", "--validation", "0.2", "--keep", "best", "--patience", "2")
    told = mlp(
        "train", "--dataset", houses, "--label", "price", *WORDS[:-2], *kept, "--min-delta=9"
    )
    assert told.code == 0, told.err
    line = next(line for line in told.err.splitlines() if line.startswith("epoch  1/60"))
    assert re.search(r"train R² +-?\d\.\d{4}  validation R² +-?\d\.\d{4}  test R² ", line)
    assert "the validation R² has not grown for 2 epochs: it was at best" in told.out + told.err
    runs, curves = mlp("runs"), mlp("show", "curves", "runs/a/model.safetensors")
    compared = mlp("runs", "compare", "runs/a", "runs/a")
    for shown in (runs, curves, compared):
        assert shown.code == 0, shown.err
    everything = "".join(shown.out + shown.err for shown in (told, runs, curves, compared))
    assert "%" not in everything


def test_words_are_no_numbers_to_estimate(mlp: Command, tmp_path: Path) -> None:
    (tmp_path / "w.csv").write_text("a,label\n" + "1.5,cat\n-2.5,dog\n" * 20)
    refused(mlp("train", "--dataset", "w.csv", *WORDS), "cat")
