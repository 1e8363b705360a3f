"""The CPU and another device compute the same: each operation, gradients, steps and whole runs.

The other device is the first CUDA device, and everywhere the counting one, so that these tests are
themselves tested. A tolerance is a share of the largest element: both round each operation alike
but sum in another order, so that differences grow with the length of the sums and the steps.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from operations import OPERATIONS, WITHOUT_VALUES, arrays
from source import ROOT, USING_XP, xp_calls
from toys import TRUE_LOSSES, toy_dataset, toy_model

from backends import Backend, BackendError, get_backend
from mlp.data.batches import Batches
from mlp.models.predict import predict, probabilities
from mlp.nn.accuracy import CorrectCount
from mlp.nn.layers import LAYERS
from mlp.nn.losses import LOSSES
from mlp.nn.network import MLP
from mlp.training.loop import train
from mlp.training.recipe import Recipe

CPU = get_backend("cpu")
DTYPES = ["float32", "float64"]
DATA = toy_dataset(train=61)
TOLERANCE = {"float32": 2e-6, "float64": 4e-15}
"""Of one operation or one pass: some 16 roundings, of 1.2e-7 and 2.2e-16."""


def close(actual: np.ndarray, expected: np.ndarray, dtype: str, factor: float = 1.0) -> None:
    assert (actual.dtype, actual.shape) == (expected.dtype, expected.shape)
    largest = np.abs(expected).max() if expected.dtype.kind == "f" else 0.0
    np.testing.assert_allclose(actual, expected, rtol=0, atol=factor * TOLERANCE[dtype] * largest)


# Operations


@pytest.mark.parametrize("dtype", DTYPES)
def test_operations(dtype: str, backend: Backend) -> None:
    wrong = {}
    for operation, function in OPERATIONS.items():
        expected = arrays(dtype)
        function(CPU.xp, expected)
        there = {name: backend.asarray(array.copy()) for name, array in arrays(dtype).items()}
        try:
            function(backend.xp, there)
            for name, array in expected.items():
                close(backend.to_numpy(there[name]), array, dtype, factor=4.0)
        except Exception as error:
            wrong[operation] = error
    assert wrong == {}


def test_every_operation_of_the_source_is_tested() -> None:
    used = {name for path in USING_XP for _, name, _, _ in xp_calls(path.read_text())}
    tested = {operation.split()[0] for operation in OPERATIONS}
    assert used - tested - WITHOUT_VALUES == set()


# Gradients


def gradients(model: MLP, loss: str) -> list[np.ndarray]:
    """The loss, all gradients and the correct answers of one batch of 28, on the host."""
    rng = np.random.default_rng(1)
    backend = model.backend
    x = backend.asarray(rng.normal(size=(28, 16)), model.dtype)
    labels = backend.asarray(rng.integers(0, 5, 28))
    criterion = LOSSES[loss](5, backend, model.dtype)
    correct = CorrectCount(5, backend, model.dtype)
    outputs = model.forward(x)
    value = criterion.forward(outputs, labels)
    correct.add(outputs, criterion.targets(labels))
    model.backward(criterion.backward())
    return [backend.to_numpy(a) for a in (value, model.gradients, correct.total)]


def pairs(*choices: Iterable[Any]) -> list[tuple[Any, ...]]:
    """Each choice's values at least once, in as few rows as that takes."""
    columns = [list(values) for values in choices]
    longest = max(map(len, columns))
    return [tuple(column[i % len(column)] for column in columns) for i in range(longest)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("loss", "activation"), pairs(LOSSES, LAYERS))
def test_gradients(loss: str, activation: str, dtype: str, backend: Backend) -> None:
    options: dict[str, Any] = {"activation": activation, "dtype": dtype}
    expected = gradients(toy_model(**options), loss)
    actual = gradients(toy_model(backend=backend, **options), loss)
    assert expected[-1] > 0  # answers are counted at all
    for ours, theirs in zip(actual, expected, strict=True):
        close(ours, theirs, dtype, factor=4.0)


# Runs

ALL_OF_SGD: dict[str, Any] = {
    "nesterov": True, "weight_decay": 0.01, "clip_norm": 0.5, "clip_value": 0.2,
}  # fmt: skip


def run(recipe: Recipe, backend: Backend, steps: int | None = None, **options: Any) -> Any:
    """Train; return the history and the parameters on the host, after some steps if told."""
    model = toy_model(backend=backend, **{"activation": "tanh", **options})
    if steps is None:
        history = train(model, DATA, recipe)
        return history, backend.to_numpy(model.parameters)
    some = toy_dataset(train=7 * steps)
    train(model, some, recipe)
    return None, backend.to_numpy(model.parameters)


@pytest.mark.parametrize(("steps", "factor"), [(1, 4.0), (20, 40.0)])
@pytest.mark.parametrize(
    ("options", "dtype"),
    [({}, "float32"), ({"momentum": 0.0}, "float64"), *((ALL_OF_SGD, dtype) for dtype in DTYPES)],
    ids=["momentum", "no momentum", "all", "all in float64"],
)
def test_steps(
    steps: int, factor: float, options: dict[str, Any], dtype: str, backend: Backend
) -> None:
    recipe = Recipe(batch_size=7, epochs=1, lr=0.1, warmup=0, **options)
    _, expected = run(recipe, CPU, steps, dtype=dtype)
    _, actual = run(recipe, backend, steps, dtype=dtype)
    close(actual, expected, dtype, factor)


@pytest.mark.parametrize(("batch_size", "dtype"), [(8, "float32"), ("full", "float64")])
@pytest.mark.parametrize("loss", TRUE_LOSSES)
def test_three_epochs(loss: str, batch_size: Any, dtype: str, backend: Backend) -> None:
    recipe = Recipe(loss=loss, batch_size=batch_size, epochs=3, lr=0.1)
    history, parameters = run(recipe, backend, dtype=dtype)
    expected, theirs = run(recipe, CPU, dtype=dtype)
    close(parameters, theirs, dtype, factor=100.0)
    for epoch, other in zip(history.epochs, expected.epochs, strict=True):
        assert epoch.loss == pytest.approx(other.loss, rel=100 * TOLERANCE[dtype])
        assert abs(epoch.train_accuracy - other.train_accuracy) < 1.5 / 61  # an image at most
        assert abs(epoch.test_accuracy - other.test_accuracy) < 1.5 / 20


REGULARISED: dict[str, dict[str, Any]] = {
    "turned": {"augment": "affine"},
    "elastic": {"augment": "elastic(2, 4)"},
    "thicker": {"augment": "thickness"},
    "all deformations": {"augment": "affine,elastic,thickness", "batch_size": "full"},
    "dropout": {"dropout": 0.5, "input_dropout": 0.2},
    "max-norm": {"max_norm": 0.5},
    "clipped": {"clip_norm": 0.1, "clip_value": 0.05},
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", REGULARISED)
def test_regularised_epochs(name: str, dtype: str, backend: Backend) -> None:
    """What is drawn on the device is drawn alike, and a captured step draws anew each time."""
    recipe = Recipe(**{"batch_size": 8, "epochs": 4, "lr": 0.1, **REGULARISED[name]})
    plain = Recipe(batch_size=recipe.batch_size, epochs=4, lr=0.1)
    _, parameters = run(recipe, backend, dtype=dtype)
    _, theirs = run(recipe, CPU, dtype=dtype)
    close(parameters, theirs, dtype, factor=200.0)
    with pytest.raises(AssertionError):  # the recipe does something
        close(parameters, run(plain, CPU, dtype=dtype)[1], dtype, factor=200.0)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("batch_size", ["full", 8])
def test_statistics_of_batches(batch_size: Any, dtype: str, backend: Backend) -> None:
    """Those that batch normalisation follows are among the parameters."""
    recipe = Recipe(batch_size=batch_size, epochs=4, lr=0.1)
    _, expected = run(recipe, CPU, dtype=dtype, activation="batch_norm,tanh")
    _, actual = run(recipe, backend, dtype=dtype, activation="batch_norm,tanh")
    close(actual, expected, dtype, factor=100.0)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("batch_size", ["full", 47])
def test_micro_batches(
    batch_size: Any, dtype: str, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = Recipe(batch_size=batch_size, epochs=4, lr=0.1)
    _, expected = run(recipe, CPU, dtype=dtype)
    memory = type(backend).memory
    monkeypatch.setattr(
        type(backend), "memory", lambda self: memory(self)._replace(working_set=4000)
    )
    _, actual = run(recipe, backend, dtype=dtype)
    close(actual, expected, dtype, factor=100.0)


@pytest.mark.parametrize("batch_size", [8, "full", 47])
def test_images_that_stay_on_the_host_train_the_same(
    batch_size: Any, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = Recipe(batch_size=batch_size, epochs=4, lr=0.1)
    _, resident = run(recipe, backend)
    memory = type(backend).memory
    monkeypatch.setattr(type(backend), "memory", lambda self: memory(self)._replace(free=0))
    assert Batches(DATA.train.images, DATA.train.labels, toy_model(backend=backend)).on_host
    _, brought = run(recipe, backend)
    assert brought.tobytes() == resident.tobytes()


@pytest.mark.parametrize("batch_size", [8, "full"])
def test_captured_steps_are_the_steps(
    batch_size: Any, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The learning rate changes at every step, which a replay has to see."""
    recipe = Recipe(batch_size=batch_size, epochs=4, lr=0.1, schedule="cosine")
    _, captured = run(recipe, backend)
    monkeypatch.setattr(type(backend), "capture", lambda self, step: step)
    _, anew = run(recipe, backend)
    close(captured, anew, "float32", factor=40.0)


def test_a_run_repeats_itself(backend: Backend) -> None:
    recipe = Recipe(batch_size=8, epochs=3, lr=0.1)
    assert run(recipe, backend)[1].tobytes() == run(recipe, backend)[1].tobytes()


def test_both_devices_live_in_one_process(backend: Backend) -> None:
    """Steps on one between steps on the other change neither."""
    recipe = Recipe(batch_size=8, epochs=2, lr=0.1)
    alone = run(recipe, backend)[1]
    model, other = (toy_model(activation="tanh", backend=device) for device in (backend, CPU))
    train(model, DATA, recipe, on_step=lambda *_: train(other, DATA, recipe))
    np.testing.assert_array_equal(backend.to_numpy(model.parameters), alone)


@pytest.mark.parametrize("dtype", DTYPES)
def test_predictions(dtype: str, backend: Backend) -> None:
    ours, theirs = toy_model(dtype=dtype, backend=backend), toy_model(dtype=dtype)
    images = DATA.test.images
    np.testing.assert_array_equal(predict(ours, images), predict(theirs, images))
    close(probabilities(ours, images), probabilities(theirs, images), dtype, factor=4.0)


def test_a_difference_would_be_seen(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """A learning rate that is off by one part in ten thousand is no rounding."""
    _, expected = run(Recipe(batch_size=7, epochs=1, lr=0.1, warmup=0), CPU, 20)
    _, actual = run(Recipe(batch_size=7, epochs=1, lr=0.1001, warmup=0), backend, 20)
    with pytest.raises(AssertionError):
        close(actual, expected, "float32", 40.0)


@pytest.mark.parametrize(
    ("option", "outcome"), [([], {"skipped": 1}), (["--require-cuda"], {"errors": 1})]
)
def test_a_missing_device_is_a_skip_or_a_failure(
    option: list[str],
    outcome: dict[str, int],
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A run of its own, in which no device is to be had."""

    def get_none(*_: Any, **__: Any) -> Backend:
        raise BackendError("there is none")

    monkeypatch.setattr("backends.get_backend", get_none)
    pytester.makeconftest((ROOT / "tests" / "conftest.py").read_text())
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.cuda
        def test_on_a_device(cuda):
            raise AssertionError("a device was found")
        """
    )
    pytester.makeini("[pytest]\nmarkers = cuda: needs a device")
    done = pytester.runpytest_inprocess("-ra", "-p", "no:xdist", *option)
    done.assert_outcomes(**outcome)
    done.stdout.fnmatch_lines(["*no CUDA device: there is none*"])
