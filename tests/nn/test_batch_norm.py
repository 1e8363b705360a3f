"""Batch normalisation: its values, its statistics, and what carries them or refuses them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file
from toys import DATA, FAST, share_out, small_micro_batches, toy_dataset, toy_model, trained

from backends import get_backend
from mlp.common.errors import ModelError, UsageError
from mlp.models.formats.parameters import parameters_of
from mlp.models.model_file import load, save
from mlp.models.predict import predict
from mlp.nn.batch_norm import BatchNorm
from mlp.nn.layers import LAYERS
from mlp.nn.network import MLP
from mlp.nn.optim import OPTIMIZERS
from mlp.training.loop import train
from mlp.training.parallel.replica import Replica
from mlp.training.recipe import Recipe
from mlp.training.step import Step
from mlp.training.trainer import Trainer

X = np.random.default_rng(0).normal(2.0, 3.0, (5, 6))
NORMED = "batch_norm,sigmoid"


def layer_of(choice: str = "batch_norm") -> Any:
    """A layer of six units, which a network has bound."""
    return MLP([6, 6, 2], choice, dtype="float64").blocks[0][1]


def statistics(model: MLP) -> np.ndarray:
    """All running means and variances, one after another."""
    names = ("running_mean", "running_var")
    return np.concatenate([a for n, a in model.named_parameters().items() if n.endswith(names)])


def test_in_training_it_is_its_formula() -> None:
    layer = layer_of("batch_norm(0.3, 0.1)")
    layer.gain[:], layer.shift[:] = np.arange(6.0), np.arange(6.0) - 3
    expected = layer.gain * (X - X.mean(0)) / np.sqrt(X.var(0) + 0.1) + layer.shift
    np.testing.assert_allclose(layer.in_training().forward(X), expected, rtol=1e-12)


def test_the_running_statistics_follow_the_batches() -> None:
    """The variance as an unbiased estimate, which divides by N - 1; as PyTorch's do."""
    layer, others = layer_of("batch_norm(0.3)"), X[:3] * 2 - 1
    layer.in_training().forward(X)
    layer.in_training().forward(others)
    mean = 0.7 * (0.7 * 0.0 + 0.3 * X.mean(0)) + 0.3 * others.mean(0)
    variance = 0.7 * (0.7 * 1.0 + 0.3 * X.var(0, ddof=1)) + 0.3 * others.var(0, ddof=1)
    np.testing.assert_allclose(layer.running_mean, mean, rtol=1e-12)
    np.testing.assert_allclose(layer.running_var, variance, rtol=1e-12)


def test_a_trained_one_reads_each_image_alike_whatever_comes_with_it() -> None:
    layer = layer_of("batch_norm(0.3, 0.1)")
    layer.in_training().forward(X)
    kept = layer.running_mean.copy(), layer.running_var.copy()
    expected = (X - kept[0]) / np.sqrt(kept[1] + 0.1)
    np.testing.assert_allclose(layer.forward(X), expected, rtol=1e-12)
    np.testing.assert_allclose(layer.forward(X[2:3]), expected[2:3], rtol=1e-12)
    np.testing.assert_array_equal((layer.running_mean, layer.running_var), kept)


@pytest.mark.parametrize("numbers", ["eps", "momentum"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan")])
def test_numbers_out_of_their_range_are_refused(numbers: str, value: float) -> None:
    with pytest.raises(
        UsageError, match=f"{numbers} of batch_norm must be above 0.* not {value:g}"
    ):
        BatchNorm(get_backend("cpu"), "float64", **{numbers: value})
    with pytest.raises(UsageError, match=r"at most 1, not 1\.5"):
        LAYERS.make("batch_norm(1.5)", get_backend("cpu"), "float64")


# --- In training ----------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"weight_decay": 0.1, "clip_norm": 0.01}])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_no_optimizer_changes_the_statistics(optimizer: str, options: dict[str, Any]) -> None:
    if optimizer.startswith("sgd"):
        options = options | {"nesterov": True}
    model = toy_model(activation=NORMED)
    step = Step(model, Recipe(optimizer=optimizer, **options))
    x = DATA.train.images.reshape(60, 16)[:20].astype("float32") / 255
    for _ in range(3):
        model.gradients.fill(9.0)  # which the backward pass overwrites
        step.gradient(x, step.criterion.targets(DATA.train.labels[:20].astype(int)))
        before, weights = statistics(model), model.linear[0].W.copy()
        step.update(np.full(1, 0.1, "float32"))
        np.testing.assert_array_equal(statistics(model), before)
        assert (weights != model.linear[0].W).any()


@pytest.mark.parametrize("output", ["identity", "batch_norm"])
@pytest.mark.parametrize("batch_size", [8, 47, "full"])
def test_workers_and_memory_change_nothing(
    batch_size: Any, output: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch is never cut, however large; and layers without it between them may be shared out."""
    recipe = Recipe(batch_size=batch_size, **FAST)
    activation = "sigmoid" if output == "batch_norm" else NORMED
    options = {"activation": activation, "output": output, "dtype": "float64"}
    one = trained(recipe, **options)
    small_micro_batches(monkeypatch)
    share_out(monkeypatch, 2)
    np.testing.assert_allclose(trained(recipe, **options), one, rtol=0, atol=1e-11)
    trainer = Trainer(toy_model(**options), DATA.train, recipe)
    shared = output == "batch_norm"
    assert trainer.executor.group.size == (2 if shared else 1)


def test_the_full_batch_is_gradient_descent_on_all_images() -> None:
    """Three updates, each written out."""
    recipe = Recipe(
        batch_size="full", lr=0.1, epochs=3, warmup=0.0, momentum=0.0, schedule="constant"
    )
    model, other = (toy_model(activation=NORMED, dtype="float64") for _ in range(2))
    history = train(model, DATA, recipe)
    step = Step(other, recipe)
    x = DATA.train.images.reshape(60, 16) / 255.0
    targets = np.eye(5)[DATA.train.labels]
    for epoch in history.epochs:
        assert step.gradient(x, targets).item() == pytest.approx(epoch.loss, rel=1e-12)
        other.parameters -= 0.1 * other.gradients
    np.testing.assert_allclose(model.parameters, other.parameters, rtol=1e-9, atol=1e-12)


def test_one_image_has_no_statistics() -> None:
    with pytest.raises(UsageError, match="a single one has no variance"):
        layer_of().in_training().forward(X[:1])


@pytest.mark.parametrize(
    "options", [{"dropout": 0.3, "input_dropout": 0.1}, {"augment": "affine"}, {"max_norm": 1.0}]
)
def test_it_learns_beside_dropout_and_the_like(options: dict[str, Any]) -> None:
    recipe = Recipe(batch_size=10, epochs=12, lr=0.2, **options)
    model = toy_model(activation=NORMED)
    start = statistics(model)
    history = train(model, toy_dataset(train=300), recipe)
    assert history.epochs[-1].loss < history.epochs[0].loss
    assert (statistics(model) != start).all()


# --- What is kept ---------------------------------------------------------------------------------


@pytest.mark.parametrize("average", ["ema(0.8)", "swa(3)"])
def test_an_average_has_the_averaged_statistics(average: str) -> None:
    recipe = Recipe(batch_size=10, epochs=4, lr=0.2, average=average)
    model = toy_model(activation=NORMED)
    history = train(model, DATA, recipe)
    accuracy = (predict(model, DATA.test.images) == DATA.test.labels).mean()
    assert accuracy == history.epochs[-1].test_accuracy
    plain = toy_model(activation=NORMED)
    train(plain, DATA, replace(recipe, average=None))
    assert (statistics(model) != statistics(plain)).all()


def test_the_best_epoch_has_its_own_statistics() -> None:
    recipe = Recipe(batch_size=5, epochs=8, lr=0.5, validation=20, keep="best")
    model = toy_model(activation=NORMED)
    history = train(model, DATA, recipe)
    assert history.chosen < 8  # or the test would show nothing
    accuracy = (predict(model, DATA.test.images) == DATA.test.labels).mean()
    assert accuracy == history.result.test_accuracy


def test_a_replica_has_the_statistics() -> None:
    model = toy_model(activation=NORMED)
    replica = Replica(model)
    train(model, DATA, Recipe(batch_size=8, **FAST))
    np.testing.assert_array_equal(
        predict(replica, DATA.test.images), predict(model, DATA.test.images)
    )
    np.testing.assert_array_equal(statistics(replica), statistics(model))


def test_it_is_saved_and_read_and_refused_by_what_cannot_hold_it(tmp_path: Path) -> None:
    model = toy_model(activation="batch_norm(0.2),gelu")
    train(model, DATA, Recipe(batch_size=8, **FAST))
    save(model, tmp_path / "m.safetensors")
    assert {"layers.0.1.running_mean", "layers.0.1.running_var"} < set(
        load_file(tmp_path / "m.safetensors")
    )
    same = load(tmp_path / "m.safetensors")
    assert same.parameters.tobytes() == model.parameters.tobytes()
    with pytest.raises(ModelError, match=r"batch_norm\(0\.2\),gelu, with parameters"):
        parameters_of(model)


HOSTILE = {
    "a variance below 0": ([-1e-9, 1.0], "running_var of -1e-09, which must be at least 0"),
    "no number": ([float("nan"), 1.0], "not finite"),
    "infinite": ([float("inf"), 1.0], "not finite"),
    "another shape": ([1.0], "do not have the shapes"),
    "missing": (None, "do not have the shapes"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_statistics_are_refused(case: str, tmp_path: Path) -> None:
    values, sentence = HOSTILE[case]
    path, name = tmp_path / "m.safetensors", "layers.0.1.running_var"
    save(MLP([3, 2, 2], NORMED), path)
    with safe_open(path, framework="np") as file:
        metadata = file.metadata()
    tensors = load_file(path)
    del tensors[name]
    if values is not None:
        tensors[name] = np.array(values, "float32")
    save_file(tensors, path, metadata)
    with pytest.raises(ModelError, match=sentence):
        load(path)
