"""``mlp eval``: what it measures and prints of one model or several, and what it refuses."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from command import DATA, TINY, Command, refused

from mlp.data.formats.idx_folder import write_idx_folder
from mlp.data.load import load_dataset
from mlp.models.model_file import load
from mlp.models.predict import probabilities


def test_eval_repeats_what_training_measured(mlp: Command) -> None:
    trained = json.loads(mlp("train", *TINY, "--json").out)
    measured = json.loads(mlp("eval", trained["model"], *DATA, "--json").out)
    assert measured["test_correct"] == trained["test_correct"]
    assert measured["test_wrong"] == 50 - trained["test_correct"]
    confusion = np.array(measured["confusion"])
    assert confusion.sum() == 50
    assert confusion.trace() == trained["test_correct"]
    np.testing.assert_allclose(
        measured["recall"], confusion.diagonal() / np.maximum(confusion.sum(axis=1), 1)
    )
    np.testing.assert_allclose(
        measured["precision"], confusion.diagonal() / np.maximum(confusion.sum(axis=0), 1)
    )


def test_eval_lets_several_models_vote(mlp: Command) -> None:
    files = [f"{seed}.safetensors" for seed in (1, 2, 3)]
    for seed, file in enumerate(files):
        mlp("train", *TINY, "--seed", seed, "--out", file)
    measured = json.loads(mlp("eval", *files, *DATA, "--json").out)
    test = load_dataset("synthetic:120+50").test
    mean = np.mean([probabilities(load(file), test.images) for file in files], axis=0)
    assert measured["test_correct"] == (mean.argmax(axis=1) == test.labels).sum()
    assert measured["models"] == files
    assert measured["temperatures"] == [1.0, 1.0, 1.0]


def test_models_that_answer_other_questions_have_no_common_vote(mlp: Command) -> None:
    mlp("train", *TINY, "--out", "classes.safetensors")
    mlp("train", *TINY, "--task", "multilabel", "--out", "labels.safetensors")
    refused(
        mlp("eval", "classes.safetensors", "labels.safetensors", *DATA),
        "labels.safetensors answers other questions",
        code=2,
    )


def test_eval_prints_the_confusion_matrix(mlp: Command) -> None:
    mlp("train", *TINY)
    text = mlp("eval", "digits.safetensors", *DATA).out
    assert re.search(r"\d+ right and \d+ wrong of 50", text)
    rows = [line for line in text.splitlines() if re.match(r"\s*\d .*%", line)]
    assert len(rows) == 10


def test_no_figure_is_cut_on_a_narrow_terminal(
    mlp: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    mlp("train", *TINY)
    out = mlp("eval", "digits.safetensors", *DATA).out
    assert "…" not in out
    assert re.search(r" recall +precision", out)


@pytest.mark.parametrize("form", ["weights.npz", "weights", "weights.bin"])
def test_what_takes_a_model_reads_each_form_that_convert_writes(mlp: Command, form: str) -> None:
    trained = json.loads(mlp("train", *TINY, "--json").out)
    assert mlp("convert", trained["model"], form).code == 0
    measured = json.loads(mlp("eval", form, *DATA, "--json").out)
    assert measured["test_correct"] == trained["test_correct"]
    assert mlp("show", "weights", form).code == 0
    assert mlp("show", "mistakes", form, *DATA).code == 0
    assert mlp("train", "--start", form, *DATA, "--epochs", "1", "--out", "on").code == 0


def test_a_model_that_is_missing_or_damaged_is_told_as_such(mlp: Command, tmp_path: Path) -> None:
    refused(mlp("eval", "none", *DATA), "no model file none", "mlp train")
    mlp("train", *TINY)
    whole = (tmp_path / "digits.safetensors").read_bytes()
    (tmp_path / "cut").write_bytes(whole[: len(whole) // 2])
    refused(mlp("eval", "cut", *DATA), "cut", "damaged")
    (tmp_path / "text").write_text("<html>not a model</html>")
    refused(mlp("eval", "text", *DATA), "text")


def test_a_model_of_another_size_than_the_data_is_told_as_such(
    mlp: Command, tmp_path: Path
) -> None:
    mlp("train", *TINY)
    data = load_dataset("synthetic:30+10")
    small = tuple(type(s)(s.images[:, :14, :14].copy(), s.labels) for s in (data.train, data.test))
    write_idx_folder(type(data)("small", "tests", 10, *small), tmp_path / "small")
    result = mlp("eval", "digits.safetensors", "--dataset", "small", "--device", "cpu")
    refused(result, "784 pixels", "196 pixels")
