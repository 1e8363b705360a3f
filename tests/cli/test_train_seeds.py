"""``mlp train --seeds``: a row and a model a seed, their spread, and what it refuses."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from command import TINY, Command, refused

from mlp.cli.train_seeds import SeedsTold
from mlp.models.metadata import metadata_of
from mlp.models.model_file import load


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_each_seed_has_a_row_and_a_model(mlp: Command, tmp_path: Path) -> None:
    result = mlp("train", *TINY, "--seeds", 3, "--seed", 5, "--out", "model.safetensors")
    assert result.code == 0
    assert "models: model-1.safetensors to model-3.safetensors" in result.err
    assert "they train side by side" in result.err
    assert "seed 6: epoch 2/2" in result.err
    assert files(tmp_path) == [f"model-{n}.safetensors" for n in (1, 2, 3)]
    rows = re.findall(r"^ +(\d) +(\d+\.\d\d%) +\S+ +2 +(\S+)", result.out, re.MULTILINE)
    assert [(seed, name) for seed, _, name in rows] == [
        (str(4 + n), f"model-{n}.safetensors") for n in (1, 2, 3)
    ]
    assert re.search(
        r"test accuracy \d+\.\d\d% ± \d+\.\d\d% \(mean ± standard deviation of 3 seeds, 50 "
        r"synthetic images\), from \d+\.\d\d% to \d+\.\d\d%; best: seed [567]",
        result.out,
    )
    best = max(rows, key=lambda row: float(row[1].rstrip("%")))
    assert f"best: seed {best[0]}" in result.out


def test_a_model_is_that_of_a_run_of_its_seed(mlp: Command, tmp_path: Path) -> None:
    mlp("train", *TINY, "--seeds", 2, "--seed", 5, "--dtype", "float64")
    mlp("train", *TINY, "--seed", 6, "--dtype", "float64", "--out", "alone.safetensors")
    together, alone = (load(tmp_path / f"{n}.safetensors") for n in ("digits-2", "alone"))
    np.testing.assert_allclose(together.parameters, alone.parameters, atol=1e-12, rtol=0)
    told, of_one = metadata_of(together), metadata_of(alone)
    assert told.recipe == of_one.recipe
    assert told.initialisation == of_one.initialisation
    assert told.dataset == of_one.dataset


def test_json_has_the_spread_and_every_network(mlp: Command) -> None:
    result = json.loads(mlp("train", *TINY, "--seeds", 2, "--json").out)
    accuracies = [network["test_accuracy"] for network in result["networks"]]
    spread = result["test_accuracy"]
    assert spread["mean"] == pytest.approx(np.mean(accuracies))
    assert spread["deviation"] == pytest.approx(np.std(accuracies, ddof=1))
    assert (spread["low"], spread["high"]) == (min(accuracies), max(accuracies))
    assert [network["seed"] for network in result["networks"]] == [0, 1]
    assert result["side_by_side"] == 2
    assert [epoch["epoch"] for epoch in result["networks"][1]["history"]] == [1, 2]
    assert result["networks"][1]["model"] == "digits-2.safetensors"


def test_those_that_cannot_go_side_by_side_train_in_turn(mlp: Command, tmp_path: Path) -> None:
    result = mlp("train", *TINY, "--seeds", 2, "--dropout", 0.1)
    assert result.code == 0
    assert "one after another, as dropout leaves out units at random" in result.err
    assert files(tmp_path) == ["digits-1.safetensors", "digits-2.safetensors"]


def test_a_cpu_takes_some_at_a_time(mlp: Command) -> None:
    result = mlp("train", *TINY, "--seeds", 5)
    assert "they train side by side, 4 at a time" in result.err
    assert re.findall(r"seed (\d): epoch 2/2", result.err) == list("01234")
    assert "seed 4: epoch 2/2" in result.err
    wide = mlp("train", *TINY, "--seeds", 2, "--hidden", "300")
    assert "one after another, as a CPU is quicker so" in wide.err


def test_names_that_are_taken_are_left_out(mlp: Command, tmp_path: Path) -> None:
    (tmp_path / "digits-2.safetensors").write_bytes(b"mine")
    result = mlp("train", *TINY, "--seeds", 2)
    assert "models: digits-1.safetensors to digits-3.safetensors" in result.err
    assert (tmp_path / "digits-2.safetensors").read_bytes() == b"mine"
    assert files(tmp_path) == [f"digits-{n}.safetensors" for n in (1, 2, 3)]


def test_a_file_that_is_there_is_not_replaced_unasked(mlp: Command, tmp_path: Path) -> None:
    (tmp_path / "m-2.safetensors").write_bytes(b"mine")
    refused(mlp("train", *TINY, "--seeds", 2, "--out", "m.safetensors"), "m-2", "--force", code=2)
    assert files(tmp_path) == ["m-2.safetensors"]
    assert mlp("train", *TINY, "--seeds", 2, "--out", "m.safetensors", "--force").code == 0
    assert load(tmp_path / "m-2.safetensors").sizes == (784, 8, 10)


@pytest.mark.parametrize("option", [("--run", "r"), ("--resume", "r"), ("--watch",)])
def test_what_is_of_one_run_does_not_go_with_seeds(
    option: tuple[str, ...], mlp: Command, tmp_path: Path
) -> None:
    result = mlp("train", *TINY, "--seeds", 2, *option)
    refused(result, "--seeds", option[0], "of one network", code=2)
    assert files(tmp_path) == []


@pytest.mark.parametrize(("options", "models"), [((), 3), (("--dropout", 0.1), 1)])
def test_after_an_interrupt_those_that_were_begun_are_written(
    options: tuple[object, ...],
    models: int,
    mlp: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[int] = []
    monkeypatch.setattr(SeedsTold, "on_epoch", lambda self, number, epoch: told.append(number))
    monkeypatch.setattr(SeedsTold, "stops", lambda self: len(told) >= models)
    result = mlp("train", *TINY, "--seeds", 3, *options)
    assert result.code == 130
    assert files(tmp_path) == [f"digits-{n + 1}.safetensors" for n in range(models)]
    assert "interrupted: the models are as after these epochs" in result.out
    assert ("2 of 3 seeds were not begun" in result.out) == (models == 1)
    assert ("mean ± standard deviation" in result.out) == (models == 3)
    assert metadata_of(load(tmp_path / "digits-1.safetensors")).epoch == 1


def test_where_none_learns_it_ends_as_diverged(mlp: Command, tmp_path: Path) -> None:
    result = mlp("train", *TINY, "--seeds", 2, "--lr", "1e30", "--momentum", 0)
    assert result.code == 3
    assert "none of the networks has learnt anything" in result.err
    assert "Traceback" not in result.err
    assert files(tmp_path) == []
