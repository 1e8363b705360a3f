"""``mlp show mistakes``: what a network answers wrongly, the surest first."""

from __future__ import annotations

from pathlib import Path

import pytest
from view_command import DATA, lines, refusal, write_model

from mlp.data.load import Dataset, relabel_for
from mlp.data.task import Task
from mlp.models import model_file
from mlp.models.predict import predict
from mlp.nn.network import MLP


def captions(found: list[str]) -> list[str]:
    return [line for line in found if line.startswith("test image")]


def test_mistakes_are_wrong_and_the_surest_first(model: str, data: Dataset) -> None:
    found = captions(lines("mistakes", model, "--dataset", DATA, "--count", "4"))
    assert len(found) == 4
    sure = [float(line.split(", ")[-1].split("%")[0]) for line in found]
    assert sure == sorted(sure, reverse=True)
    for line in found:
        row = int(line.split()[2].rstrip(":"))
        truth, read = line.split(": ")[1].split(", ")[:2]
        assert truth == str(data.test.labels[row])
        assert read != f"read as {truth}"


def test_of_one_digit_two_are_right_and_two_wrong(model: str, data: Dataset) -> None:
    answers, labels = predict(model_file.load(model), data.test.images), data.test.labels
    digit = next(
        d for d in range(10)
        if ((answers == d) & (labels == d)).sum() > 1 and ((answers != d) & (labels == d)).sum() > 1
    )  # fmt: skip
    found = lines("mistakes", model, "--dataset", DATA, "--digit", str(digit))
    correct = [f": {digit}, read as {digit}," in line for line in captions(found)]
    assert correct == [True, True, False, False]
    assert sum("active, layer 1" in line for line in found) == 4
    assert sum(" |" in line for line in found) == 4 * 10


@pytest.mark.parametrize("size", [0.0, 1e30])
def test_mistakes_of_a_network_of_extreme_weights(size: float, tmp_path: Path) -> None:
    network = MLP([784, 12, 10], init="zeros")
    for layer in network.linear:
        layer.W[...] = size
    model_file.save(network, tmp_path / "extreme.safetensors")
    path = str(tmp_path / "extreme.safetensors")
    assert len(captions(lines("mistakes", path, "--dataset", DATA))) == 5
    assert lines("weights", path, "--count", "2")


def test_models_of_questions_are_shown(data: Dataset, tmp_path: Path) -> None:
    for task in (Task("binary", ("0 or 2",), (0, 2)), Task("multilabel")):
        path = write_model(tmp_path / task.kind, relabel_for(task, data), "binary_cross_entropy")
        found = captions(lines("mistakes", str(path), "--dataset", DATA, "--count", "1"))
        assert len(found) == 1
        assert "no class is taken for another" in refusal("confusion", str(path), "--dataset", DATA)


def test_mistakes_refuses(model: str) -> None:
    assert "0 to 9" in refusal("mistakes", model, "--dataset", DATA, "--digit", "10")
    assert "1 to 50" in refusal("mistakes", model, "--dataset", DATA, "--count", "51")
    assert "there is no model file" in refusal("mistakes", "none.safetensors")
