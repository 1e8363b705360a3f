"""``mlp train --seeds``: a row and a model a seed, their spread, and what it refuses."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from command import TINY, Command, refused

from mlp.cli.console import TrainingBar
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
    assert "models: digits-1.safetensors, digits-3.safetensors\n" in result.err
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
    assert (
        f"interrupted: {models} of 3 seeds were cut off (0{', 1, 2' * (models == 3)})" in result.out
    )
    assert ("and 2 were not begun" in result.out) == (models == 1)
    assert "mean ± standard deviation" not in result.out
    assert metadata_of(load(tmp_path / "digits-1.safetensors")).epoch == 1


def test_the_spread_leaves_out_what_was_cut_off(
    mlp: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[int] = []
    monkeypatch.setattr(SeedsTold, "on_epoch", lambda self, number, epoch: told.append(number))
    monkeypatch.setattr(SeedsTold, "stops", lambda self: len(told) >= 5)
    result = json.loads(mlp("train", *TINY, "--seeds", 4, "--dropout", 0.1, "--json").out)
    networks = result["networks"]
    assert [network["interrupted"] for network in networks] == [False, False, True]
    assert result["not_begun"] == 1
    whole = [network["test_accuracy"] for network in networks[:2]]
    assert result["test_accuracy"]["mean"] == pytest.approx(np.mean(whole))
    assert result["test_accuracy"]["high"] == max(whole)
    assert result["best"] == int(np.argmax(whole))


def test_a_model_to_start_from_is_asked_as_for_one_network(mlp: Command, tmp_path: Path) -> None:
    assert mlp("train", *TINY, "--out", "m.safetensors").code == 0
    short = ("--epochs", 1, "--device", "cpu")
    start = ("train", *short, "--start", "m.safetensors", "--seeds", 2)
    two = tmp_path / "two.csv"
    two.write_text("\n".join(f"{n % 3}{f',{n}' * 784}" for n in range(30)))
    refused(mlp(*start, "--dataset", two, "--hidden", "9"), "leave --hidden away", code=2)
    result = mlp(*start, "--dataset", two)
    assert result.err.count("the last layer is new") == 1


@pytest.mark.parametrize(
    ("options", "finished"), [((), [1, 2]), (("--dropout", 0.1), [1, 2, 3, 4])]
)
def test_the_bar_hears_that_epochs_end(
    options: tuple[object, ...], finished: list[int], mlp: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[int] = []
    monkeypatch.setattr(TrainingBar, "finish", lambda self, epochs: told.append(epochs))
    assert mlp("train", *TINY, "--seeds", 2, *options).code == 0
    assert sorted(set(told)) == finished
    assert told == sorted(told)


def test_where_none_learns_it_ends_as_diverged(mlp: Command, tmp_path: Path) -> None:
    result = mlp("train", *TINY, "--seeds", 2, "--lr", "1e30", "--momentum", 0)
    assert result.code == 3
    assert "none of the networks has learnt anything" in result.err
    assert "Traceback" not in result.err
    assert files(tmp_path) == []
