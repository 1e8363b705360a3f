"""docs/adding.md: what it shows is added from outside, and does what it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gradients import check_gradient
from source import ROOT
from toys import toy_dataset, toy_model

from backends import get_backend
from mlp.cli.show import VIEWS
from mlp.common.errors import UsageError
from mlp.common.plugins import load_plugins
from mlp.common.registry import Registry
from mlp.data.formats import registry as dataset_formats
from mlp.data.load import load_dataset
from mlp.models.formats import registry as model_formats
from mlp.models.model_file import load, save
from mlp.models.predict import probabilities
from mlp.nn.initializers import INITIALIZERS
from mlp.nn.layers import LAYERS
from mlp.nn.losses import LOSSES
from mlp.nn.optim import OPTIMIZERS
from mlp.nn.schedules import SCHEDULES
from mlp.training.loop import train
from mlp.training.recipe import Recipe

TEXT = (ROOT / "docs" / "adding.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
DATA = toy_dataset()
REGISTRIES: tuple[Registry[Any], ...] = (
    LAYERS, LOSSES, OPTIMIZERS, INITIALIZERS, SCHEDULES, VIEWS,
    dataset_formats.FORMATS, model_formats.FORMATS,
)  # fmt: skip


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The page's blocks as one file, imported; every registry is put back afterwards."""
    path = tmp_path_factory.mktemp("outside") / "my_parts.py"
    path.write_text("from __future__ import annotations\n\n" + "\n".join(BLOCKS), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        for registry in REGISTRIES:
            patch.setattr(registry, "_entries", dict(registry._entries))
        patch.setitem(sys.modules, "my_parts", None)
        load_plugins(str(path))
        yield path


def test_each_part_is_short() -> None:
    assert len(BLOCKS) >= 8
    for block in BLOCKS:
        assert len(block.splitlines()) <= 45


@pytest.mark.parametrize("layer", ["bent_identity", "bent_identity(0.25)", "scale", "scale,tanh"])
@pytest.mark.parametrize("loss", ["cross_entropy", "pseudo_huber(0.5)"])
@pytest.mark.usefixtures("plugin")
def test_gradients_of_layers_and_losses(layer: str, loss: str) -> None:
    model = toy_model(activation=layer, output="tanh", dtype="float64", seed=3)
    criterion = LOSSES.make(loss, 5, model.backend, "float64")
    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=(6, 16)), rng.integers(0, 5, 6)

    def value() -> float:
        return float(criterion.forward(model.forward(x), labels).item())

    value()
    model.backward(criterion.backward())
    check_gradient("parameters", value, model.parameters, model.gradients)


@pytest.mark.parametrize("batch_size", [8, "full"])
@pytest.mark.usefixtures("plugin")
def test_all_parts_train_together_and_are_saved(
    batch_size: int | str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the number of workers: a layer with parameters between two is not shared out."""
    recipe = Recipe(
        batch_size=batch_size,  # type: ignore[arg-type]
        loss="pseudo_huber(2)", optimizer="signum", schedule="exponential(0.1)", lr=0.01,
        epochs=150 if batch_size == "full" else 20,
    )  # fmt: skip
    options = {"activation": "scale,bent_identity", "init": "laplace(0.2)", "dtype": "float64"}
    model = toy_model(**options)
    before = train(toy_model(**options), DATA, Recipe(epochs=1, lr=1e-9)).epochs[0]
    history = train(model, DATA, recipe)
    assert history.epochs[-1].train_accuracy > max(0.8, before.train_accuracy)
    monkeypatch.setattr("backends.cpu.usable_cores", lambda: 2)
    monkeypatch.setattr("mlp.training.parallel.tensor_parallel.WORTH_A_SHARD", 1.0)
    shared = toy_model(**options)
    train(shared, DATA, recipe)
    np.testing.assert_allclose(shared.parameters, model.parameters, rtol=0, atol=1e-9)
    save(model, tmp_path / "m.safetensors")
    same = load(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(same.parameters, model.parameters)
    images = DATA.test.images
    np.testing.assert_array_equal(probabilities(same, images), probabilities(model, images))


@pytest.mark.usefixtures("plugin")
def test_they_are_listed_and_their_numbers_are_read() -> None:
    assert "bent_identity(bend)" in LAYERS.describe()
    with pytest.raises(UsageError, match="bent_identity"):
        LAYERS.parse("bent_identity(1, 2)")


def run(plugin: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "mlp", *arguments],
        cwd=plugin.parent, capture_output=True, text=True, check=False,
        env=os.environ | {"MLP_PLUGINS": str(plugin), "PYTHONPATH": str(ROOT), "COLUMNS": "200"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_command_line_has_them(plugin: Path) -> None:
    """Formats, options, help texts and views, by way of MLP_PLUGINS."""
    text = run(plugin, "train", "--help")
    assert "--optimizer" in text  # which has two choices now
    for name in ("bent_identity(bend)", "pseudo_huber(delta)", "signum", "exponential(end)"):
        assert name in text, name
    run(plugin, "data", "convert", "--help")
    data = load_dataset("synthetic:200+50")
    model = plugin.parent / "m.safetensors"
    run(
        plugin, "train", "--dataset", "synthetic:300+50", "--hidden", "8", "--epochs", "1",
        "--activation", "bent_identity", "--optimizer", "signum", "--lr", "0.001",
        "--out", str(model),
    )  # fmt: skip
    assert "layer 2: " in run(plugin, "show", "norms", str(model))
    weights = plugin.parent / "m.plain"
    run(plugin, "convert", str(model), str(weights))
    run(plugin, "convert", str(weights), str(plugin.parent / "again.safetensors"))
    again = load(plugin.parent / "again.safetensors")
    np.testing.assert_array_equal(again.linear[0].W, load(model).linear[0].W)
    assert len(data.train) == 200


def test_a_dataset_is_kept_in_a_format_of_ones_own(plugin: Path) -> None:
    folder, stack = plugin.parent / "digits.npz", plugin.parent / "digits.stack"
    data = load_dataset("synthetic:60+20")
    np.savez(
        folder, x_train=data.train.images, y_train=data.train.labels,
        x_test=data.test.images, y_test=data.test.labels,
    )  # fmt: skip
    run(plugin, "data", "convert", str(folder), str(stack))
    same = load_dataset(str(stack))
    np.testing.assert_array_equal(same.train.images, data.train.images)
    np.testing.assert_array_equal(same.test.labels, data.test.labels)


@pytest.mark.usefixtures("plugin")
def test_a_callback_stops_a_run() -> None:
    callback = sys.modules["my_parts"].StopAtAccuracy(0.6)
    history = train(toy_model(), DATA, Recipe(batch_size=8, epochs=200), callbacks=[callback])
    assert history.epochs[-1].train_accuracy >= 0.6
    assert len(history.epochs) < 200
    assert "has reached" in (history.stopped or "")


@pytest.mark.usefixtures("plugin")
def test_they_compute_alike_on_another_device() -> None:
    pytest.importorskip("device")
    from device import CountingBackend

    models = [
        toy_model(activation="scale,bent_identity", backend=backend)
        for backend in (get_backend("cpu"), CountingBackend())
    ]
    recipe = Recipe(batch_size=8, epochs=2, loss="pseudo_huber", optimizer="signum", lr=0.01)
    for model in models:
        train(model, DATA, recipe)
    ours, theirs = (model.backend.to_numpy(model.parameters) for model in models)
    np.testing.assert_allclose(theirs, ours, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["no_such_module", "missing.py"])
def test_a_plugin_that_is_not_there_is_told_in_a_sentence(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mlp", "--help"],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env=os.environ | {"MLP_PLUGINS": name},
    )  # fmt: skip
    assert done.returncode == 2
    assert re.fullmatch(
        rf"mlp: MLP_PLUGINS names {name}, which cannot be imported .*\n", done.stderr
    )
