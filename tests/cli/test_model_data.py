"""A model is measured on what it was trained on, or says why it cannot be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command import Command, refused

TINY = ("--epochs", "2", "--hidden", "8", "--device", "cpu", "--out", "model.safetensors")
ARRAYS = ("x_train", "y_train", "x_test", "y_test")


def letters(path: Path, seed: int = 0, count: int = 60) -> None:
    """Pixels from 0 to 16 of the classes 1 to 3."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 3 + 1
    images = rng.integers(0, 9, (count, 8, 8)) + (labels[:, None, None] == 2) * 8
    np.savez(path, **dict(zip(ARRAYS, (images, labels, images[:9], labels[:9]), strict=True)))


def evaluated(mlp: Command, *words: Any) -> dict[str, Any]:
    result = mlp("eval", "model.safetensors", "--json", *words)
    assert result.code == 0, result.err
    told: dict[str, Any] = json.loads(result.out)
    return told


def test_a_model_is_measured_on_its_own_data(mlp: Command, tmp_path: Path) -> None:
    letters(tmp_path / "letters.npz")
    trained = mlp("train", "--dataset", "letters.npz", "--json", *TINY)
    assert "pixels 0 to 16: scaled by 16" in trained.err
    told = json.loads(trained.out)
    assert told["layers"] == [64, 8, 3]
    found = evaluated(mlp)
    assert found["test_accuracy"] == told["test_accuracy"]
    assert found["dataset"] == "letters"
    assert evaluated(mlp, "--dataset", "letters.npz")["test_total"] == 9


def test_other_data_is_taken_as_the_model_takes_it(mlp: Command, tmp_path: Path) -> None:
    letters(tmp_path / "letters.npz")
    assert mlp("train", "--dataset", "letters.npz", *TINY).code == 0
    letters(tmp_path / "more.npz", seed=1)
    found = evaluated(mlp, "--dataset", "more.npz")
    assert (found["test_total"], len(found["confusion"])) == (9, 3)
    rng = np.random.default_rng(0)
    strange = [rng.integers(0, 256, (9, 8, 8)), np.arange(9) % 3 + 1] * 2
    np.savez(tmp_path / "bytes.npz", **dict(zip(ARRAYS, strange, strict=True)))
    result = mlp("eval", "model.safetensors", "--dataset", "bytes.npz")
    refused(result, "where 0 to 16 belong")


def test_data_of_another_range_is_read_by_the_rule_of_predict(mlp: Command, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 3
    images = np.zeros((60, 8, 8), np.uint8)
    images[np.arange(60), labels * 2] = rng.integers(150, 256, (60, 8))
    scaled = {
        "bytes": (images, images),
        "shares": (images / 255, images / 255),
        "mixed": (images, images / 255),
        "bools": (images > 99, images > 99),
        "sixteen": (images // 16, images // 16),
        "pale": (images // 4, images // 4),
    }
    for name, (train, test) in scaled.items():
        np.savez(tmp_path / name, **dict(zip(ARRAYS, (train, labels, test, labels), strict=True)))
    assert mlp("train", "--dataset", "bytes.npz", *TINY, "--epochs", "9").code == 0
    for name in ("bytes", "shares", "mixed", "bools"):
        assert evaluated(mlp, "--dataset", f"{name}.npz")["test_accuracy"] > 0.9, name
    refused(mlp("eval", "model.safetensors", "--dataset", "sixteen.npz"), "from 0 to 15, where")
    refused(
        mlp("show", "mistakes", "model.safetensors", "--dataset", "sixteen.npz"), "to 15, where"
    )
    assert "paler" in mlp("eval", "model.safetensors", "--dataset", "pale.npz").err


def test_inverted_images_are_told_unless_the_model_learnt_them(
    mlp: Command, tmp_path: Path
) -> None:
    images = np.uint8(255 * np.random.default_rng(0).random((60, 8, 8)) ** 4)
    labels = np.arange(60) % 3
    for name, pixels in (("dark", images), ("light", 255 - images)):
        np.savez(tmp_path / name, **dict(zip(ARRAYS, (pixels, labels) * 2, strict=True)))
    assert mlp("train", "--dataset", "dark.npz", *TINY).code == 0
    told = mlp("eval", "model.safetensors", "--dataset", "light.npz")
    assert (told.code, told.err.count("warning: light: mostly ink")) == (0, 1)
    assert "mostly ink" not in mlp("eval", "model.safetensors").err
    trained = mlp("train", "--dataset", "light.npz", *TINY, "--force")
    assert "mostly ink" in trained.err
    assert "mostly ink" not in mlp("eval", "model.safetensors").err


def test_data_that_is_gone_or_changed_is_told(mlp: Command, tmp_path: Path) -> None:
    letters(tmp_path / "letters.npz")
    assert mlp("train", "--dataset", "letters.npz", *TINY).code == 0
    letters(tmp_path / "letters.npz", seed=2)
    refused(mlp("eval", "model.safetensors"), "is not what it was then", "--dataset")
    (tmp_path / "letters.npz").unlink()
    refused(mlp("eval", "model.safetensors"), "is not there any more", "--dataset")
    refused(mlp("show", "confusion", "model.safetensors"), "is not there any more")


def test_a_model_that_tells_no_data_asks_for_it(mlp: Command, tmp_path: Path) -> None:
    assert mlp("train", "--dataset", "synthetic:60+20", *TINY).code == 0
    assert mlp("convert", "model.safetensors", "weights", "--to", "csv").code == 0
    refused(mlp("eval", "weights"), "does not tell what data", code=2)


def rows(path: Path, seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    pixels = rng.integers(0, 9, (count, 16)) + (labels[:, None] == 2) * 8
    table = np.column_stack([labels, pixels])
    header = ",".join(["label", *(f"pixel{i}" for i in range(16))])
    np.savetxt(path, table, "%d", ",", header=header, comments="")


@pytest.mark.parametrize(("seed", "tested"), [(0, 12), (1, 60)])
def test_one_set_is_enough(mlp: Command, tmp_path: Path, seed: int, tested: int) -> None:
    """Of its own set, a model is measured on what was held out; of another, on all of it."""
    rows(tmp_path / "own.csv", 0, 60)
    trained = mlp("train", "--dataset", "own.csv", "--json", *TINY)
    assert "12 of 60 rows are held out" in trained.err
    assert json.loads(trained.out)["test_total"] == 12
    rows(tmp_path / "asked.csv", seed, 60)
    assert evaluated(mlp, "--dataset", "asked.csv")["test_total"] == tested
    assert evaluated(mlp)["test_total"] == 12


def table(path: Path, seed: int = 0, rows: int = 60, turned: bool = False) -> None:
    """Two columns, and as label whether the first is above 0, or the contrary."""
    values = np.random.default_rng(seed).normal(size=(rows, 2))
    labels = (values[:, 0] > 0) != turned
    lines = [f"{a:.6f},{b:.6f},{int(label)}" for (a, b), label in zip(values, labels, strict=True)]
    path.write_text("\n".join(["a,b,label", *lines]) + "\n")


def test_named_data_is_not_measured_on_the_test_rows_of_other_data(
    mlp: Command, tmp_path: Path
) -> None:
    table(tmp_path / "a.csv")
    table(tmp_path / "b.csv", seed=1, rows=40)
    table(tmp_path / "c.csv", seed=2, rows=30, turned=True)
    words = ("--dataset", "a.csv", "--test-file", "b.csv", "--lr", "0.05")
    assert mlp("train", *words, *TINY, "--epochs", "30").code == 0
    assert evaluated(mlp)["test_total"] == 40
    found = evaluated(mlp, "--dataset", "c.csv")
    assert (found["test_total"], found["test_accuracy"] < 0.3) == (30, True)


def test_the_test_rows_are_found_from_another_folder(
    mlp: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table(tmp_path / "a.csv")
    table(tmp_path / "b.csv", seed=1, rows=40)
    assert mlp("train", "--dataset", "a.csv", "--test-file", "b.csv", *TINY).code == 0
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    result = mlp("eval", str(tmp_path / "model.safetensors"), "--json")
    assert result.code == 0, result.err
    assert json.loads(result.out)["test_total"] == 40


def test_models_of_other_inputs_do_not_vote_together(mlp: Command, tmp_path: Path) -> None:
    table(tmp_path / "a.csv")
    table(tmp_path / "b.csv", seed=1)
    assert mlp("train", "--dataset", "b.csv", *TINY).code == 0
    (tmp_path / "model.safetensors").rename(tmp_path / "b.safetensors")
    assert mlp("train", "--dataset", "a.csv", *TINY).code == 0
    voted = mlp("eval", "model.safetensors", "b.safetensors", "--dataset", "a.csv")
    refused(voted, "of other inputs", code=2)


def test_images_are_not_read_as_columns(mlp: Command, tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(40, 784))
    lines = [
        ",".join([*(f"{value:.3f}" for value in row), str(n % 2)]) for n, row in enumerate(values)
    ]
    header = ",".join([*(f"c{i}" for i in range(784)), "label"])
    (tmp_path / "wide.csv").write_text("\n".join([header, *lines]) + "\n")
    assert mlp("train", "--dataset", "wide.csv", *TINY).code == 0
    result = mlp("eval", "model.safetensors", "--dataset", "synthetic:20+20")
    refused(result, "the model reads columns of numbers", code=2)


def test_columns_have_no_images_to_show(mlp: Command, tmp_path: Path) -> None:
    table(tmp_path / "a.csv")
    assert mlp("train", "--dataset", "a.csv", *TINY).code == 0
    refused(mlp("show", "mistakes", "model.safetensors"), "no images to show", code=2)
    refused(mlp("show", "digits", "--dataset", "a.csv"), "no images to show", code=2)
    assert mlp("show", "confusion", "model.safetensors").code == 0


def test_what_a_task_cannot_be_asked_of_is_refused(mlp: Command, tmp_path: Path) -> None:
    result = mlp("train", "--dataset", "synthetic:60+20", "--task", "regression", *TINY)
    refused(result, "a multiclass task, and not a regression one", code=2)
    table(tmp_path / "a.csv")
    result = mlp("train", "--dataset", "a.csv", "--task", "multilabel", *TINY)
    refused(result, "only images can be laid over one another", code=2)
