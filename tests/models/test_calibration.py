"""The fitted temperature, the calibration error, and both where models are trained and measured."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from mlp.cli import app
from mlp.data.dataset import hold_out
from mlp.data.load import load_dataset
from mlp.data.task import Task
from mlp.models.calibration import COLDEST, expected_calibration_error, fit_temperature
from mlp.models.metadata import metadata_of, temperature_of
from mlp.models.model_file import load, save
from mlp.models.predict import probabilities
from mlp.nn.network import MLP
from mlp.training.loop import train
from mlp.training.recipe import Recipe

CLASSES, QUESTIONS = Task(), Task("multilabel", ("a", "b", "c"))


def drawn(temperature: float, n: int = 40_000) -> tuple[np.ndarray, np.ndarray]:
    """Logits whose labels are drawn from softmax(logits / temperature)."""
    rng = np.random.default_rng(3)
    logits = rng.normal(0, 3, (n, 10))
    noise = rng.gumbel(size=logits.shape)
    return logits, (logits / temperature + noise).argmax(axis=1)


# The temperature


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_that_labels_were_drawn_at_is_found(temperature: float) -> None:
    logits, labels = drawn(temperature)
    assert fit_temperature(logits, labels, CLASSES) == pytest.approx(temperature, rel=0.03)


def test_questions_have_a_temperature_too() -> None:
    rng = np.random.default_rng(4)
    logits = rng.normal(0, 4, (20_000, 3))
    labels = (rng.random(logits.shape) < 1 / (1 + np.exp(-logits / 2))).astype(np.uint8)
    assert fit_temperature(logits, labels, QUESTIONS) == pytest.approx(2, rel=0.05)
    predicted = QUESTIONS.probabilities(logits, logits=True)
    found = fit_temperature(predicted, labels, QUESTIONS, logits=False)
    assert found == pytest.approx(2, rel=0.05)


def test_activations_have_a_temperature_too() -> None:
    logits, labels = drawn(2.0)
    predicted = CLASSES.probabilities(logits, logits=True)
    found = fit_temperature(predicted, labels, CLASSES, logits=False)
    assert found == pytest.approx(2, rel=0.03)


def test_no_temperature_has_a_lower_cross_entropy() -> None:
    logits, labels = drawn(1.7, 500)

    def cross_entropy(temperature: float) -> float:
        predicted = CLASSES.probabilities(logits, logits=True, temperature=temperature)
        return float(-np.log(predicted[np.arange(len(labels)), labels]).mean())

    found = fit_temperature(logits, labels, CLASSES)
    assert cross_entropy(found) <= min(cross_entropy(found * f) for f in (0.99, 0.999, 1.001, 1.01))


def test_images_that_are_all_right_do_not_make_it_certain() -> None:
    logits = np.eye(10) * 3
    assert fit_temperature(logits, np.arange(10), CLASSES) == pytest.approx(COLDEST)


def test_a_temperature_changes_no_answer_and_one_changes_nothing() -> None:
    logits, _ = drawn(1.0, 1000)
    plain = CLASSES.probabilities(logits, logits=True)
    for temperature in (0.3, 1.0, 5.0):
        predicted = CLASSES.probabilities(logits, logits=True, temperature=temperature)
        np.testing.assert_array_equal(predicted.argmax(axis=1), plain.argmax(axis=1))
        np.testing.assert_allclose(predicted.sum(axis=1), 1)
    predicted = CLASSES.probabilities(logits, logits=True, temperature=2.0)
    np.testing.assert_allclose(
        CLASSES.probabilities(plain, logits=False, temperature=2.0), predicted, rtol=1e-9
    )


# The calibration error


def test_the_calibration_error_by_hand() -> None:
    # One bin: sure by 0.9 and 0.92 of two answers, one right. Another: 0.5, and right.
    predicted = np.array([[0.9, 0.1], [0.08, 0.92], [0.5, 0.5]])
    task = Task(names=("a", "b"))
    error = expected_calibration_error(predicted, np.array([0, 0, 0]), task)
    assert error == pytest.approx((abs(1 - 1.82) + 0.5) / 3)


def test_what_is_certain_and_right_has_no_error_and_certain_and_wrong_has_all() -> None:
    predicted = np.eye(10)
    assert expected_calibration_error(predicted, np.arange(10), CLASSES) == 0
    assert expected_calibration_error(predicted, (np.arange(10) + 1) % 10, CLASSES) == 1


def test_every_question_counts() -> None:
    predicted = np.array([[0.9, 0.2, 0.6]])
    labels = np.array([[1, 0, 0]])
    error = expected_calibration_error(predicted, labels, QUESTIONS)
    assert error == pytest.approx((0.1 + 0.2 + 0.6) / 3)


def test_fitting_mends_the_error() -> None:
    logits, labels = drawn(2.5)
    before = CLASSES.probabilities(logits, logits=True)
    fitted = fit_temperature(logits, labels, CLASSES)
    after = CLASSES.probabilities(logits, logits=True, temperature=fitted)
    assert expected_calibration_error(before, labels, CLASSES) > 0.1
    assert expected_calibration_error(after, labels, CLASSES) < 0.01


# Training and measuring


def test_training_fits_it_on_the_validation_split_alone(tmp_path: Path) -> None:
    data = load_dataset("synthetic:300+60")
    model = MLP([784, 12, 10])
    train(model, data, Recipe(epochs=2, batch_size=30, validation=100))
    _, held_out = hold_out(data, 100, seed=0)
    fitted = fit_temperature(
        model.forward((held_out.images.reshape(100, -1) / 255.0).astype(np.float32)),
        held_out.labels,
        CLASSES,
    )
    assert temperature_of(model) == pytest.approx(fitted, rel=1e-3) != 1.0
    before = probabilities(model, data.test.images)
    save(model, tmp_path / "m")
    np.testing.assert_array_equal(probabilities(load(tmp_path / "m"), data.test.images), before)
    model.metadata = replace(metadata_of(model), temperature=None)
    assert not np.allclose(probabilities(model, data.test.images), before)

    train(model, data, Recipe(epochs=1))
    assert temperature_of(model) == 1.0


def test_eval_tells_the_calibration_error(tmp_path: Path) -> None:
    data = load_dataset("synthetic:300+60")
    model = MLP([784, 12, 10])
    train(model, data, Recipe(epochs=2, batch_size=30, validation=100))
    save(model, path := tmp_path / "m.safetensors")
    arguments = ["eval", str(path), "--dataset", "synthetic:300+60"]
    result = json.loads(CliRunner().invoke(app, [*arguments, "--json"]).stdout)
    predicted = probabilities(model, data.test.images)
    error = expected_calibration_error(predicted, data.test.labels, CLASSES)
    assert result["expected_calibration_error"] == pytest.approx(error)
    assert result["temperatures"] == [temperature_of(model)]
    told = CliRunner().invoke(app, arguments).stdout
    assert f"expected calibration error {error:.2%}" in told
