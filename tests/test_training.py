"""The training loop: pieces, seeds, precision, buffers, interrupts, divergence, held-out images."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from toys import CLASSES, TRUE_LOSSES, toy_dataset, toy_model

import backends.cpu
from backends.cpu import CpuBackend, CpuNamespace
from mlp.batches import Batches
from mlp.datasets.dataset import Dataset, Split
from mlp.errors import DivergedError, ModelError, UsageError
from mlp.layers import Buffers
from mlp.losses import LOSSES
from mlp.network import MLP
from mlp.recipe import Recipe
from mlp.task import Task
from mlp.training import Trainer, train

DATA = toy_dataset()  # 60 images
FAST = {"epochs": 4, "lr": 0.2, "warmup": 0.0}


def trained(recipe: Recipe, data: Dataset = DATA, **options: Any) -> np.ndarray:
    """The parameters after a run."""
    model = toy_model(**options)
    train(model, data, recipe)
    parameters: np.ndarray = model.parameters
    return parameters


@pytest.fixture
def one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a span be one update."""
    monkeypatch.setattr(backends.cpu, "AHEAD", 1)


def small_pieces(monkeypatch: pytest.MonkeyPatch, size: int = 3000) -> None:
    """Let a piece hold a few images only."""
    monkeypatch.setattr(backends.cpu, "PIECE_BYTES", size)


# Learning


@pytest.mark.parametrize("loss", TRUE_LOSSES)
@pytest.mark.parametrize(("batch_size", "lr"), [(7, 0.05), ("full", 0.2)])
def test_it_learns(loss: str, batch_size: Any, lr: float) -> None:
    recipe = Recipe(loss=loss, batch_size=batch_size, epochs=60, lr=lr)
    history = train(toy_model(12, activation="tanh"), DATA, recipe)
    assert len(history.epochs) == 60
    assert history.epochs[-1].loss < 0.5 * history.epochs[0].loss
    assert history.epochs[-1].train_accuracy > 0.9
    assert history.epochs[-1].validation_accuracy is None
    assert history.train_seconds == pytest.approx(sum(e.seconds for e in history.epochs))


def test_the_model_is_told_of_its_training() -> None:
    model, recipe = toy_model(), Recipe(**FAST)
    history = train(model, DATA, recipe)
    assert len(model.about["history"]) == 4
    assert model.about["test_accuracy"] == history.epochs[-1].test_accuracy
    assert model.about["recipe"]["lr"] == recipe.lr
    assert model.about["dataset"]["train_sha256"] == DATA.train.checksum


def test_epochs_are_told_as_they_come() -> None:
    told: list[Any] = []
    history = train(toy_model(), DATA, Recipe(**FAST), on_epoch=told.append)
    assert told == history.epochs
    assert [epoch.epoch for epoch in told] == [1, 2, 3, 4]


@pytest.mark.usefixtures("one_at_a_time")
def test_steps_are_told_with_the_images_seen() -> None:
    seen: list[tuple[int, float]] = []
    recipe = Recipe(batch_size=25, **(FAST | {"epochs": 2}))
    history = train(
        toy_model(), DATA, recipe, on_step=lambda n, loss: seen.append((n, loss.item()))
    )
    assert [n for n, _ in seen] == [25, 50, 60] * 2  # the tail batch has 10
    assert np.mean([loss for _, loss in seen[:3]]) == pytest.approx(history.epochs[0].loss)


def test_weight_decay_shrinks_the_weights_and_not_the_biases() -> None:
    """On blank images the weights have no gradient, so that decay is all that moves them."""
    blank = Split(np.zeros((30, 4, 4), np.uint8), DATA.train.labels[:30])
    data = Dataset("blank", "tests", CLASSES, blank, blank)
    plain = {"batch_size": 6, "epochs": 2, "lr": 0.1, "momentum": 0, "warmup": 0}
    decayed, kept = MLP([16, CLASSES], dtype="float64"), MLP([16, CLASSES], dtype="float64")
    train(kept, data, Recipe(schedule="constant", **plain))  # type: ignore[arg-type]
    train(decayed, data, Recipe(schedule="constant", weight_decay=0.5, **plain))  # type: ignore[arg-type]
    np.testing.assert_allclose(decayed.linear[0].W, kept.linear[0].W * 0.95**10, rtol=1e-12)
    np.testing.assert_array_equal(decayed.linear[0].b, kept.linear[0].b)


# What is measured


def test_the_running_accuracy_is_taken_before_each_update() -> None:
    """With one image a batch and no learning to speak of, it is the accuracy of the start."""
    start = toy_model()
    right = (start.forward(DATA.train.images.reshape(60, 16) / np.float32(255)).argmax(axis=1)
             == DATA.train.labels).mean()  # fmt: skip
    recipe = Recipe(batch_size=7, epochs=2, lr=1e-9, warmup=0, train_accuracy="running")
    history = train(toy_model(), DATA, recipe)
    assert [epoch.train_accuracy for epoch in history.epochs] == [pytest.approx(right)] * 2


@pytest.mark.parametrize("batch_size", [7, "full"])
def test_measuring_another_way_trains_the_same(batch_size: Any) -> None:
    recipe = Recipe(batch_size=batch_size, **FAST)
    other = Recipe(
        batch_size=batch_size, train_accuracy="running", loss_on="first_batch", report_every=3,
        **FAST,
    )  # fmt: skip
    np.testing.assert_array_equal(trained(recipe), trained(other))


def test_epochs_are_reported_every_so_often_and_at_the_end() -> None:
    seen: list[int] = []
    recipe = Recipe(batch_size=8, report_every=3, epochs=6, lr=0.1)
    history = train(toy_model(), DATA, recipe, on_epoch=lambda epoch: seen.append(epoch.epoch))
    assert seen == [1, 4, 6] == [epoch.epoch for epoch in history.epochs]


def test_the_loss_of_the_first_batch_is_taken_after_the_epoch() -> None:
    model = toy_model(dtype="float64")
    history = train(model, DATA, Recipe(batch_size=8, loss_on="first_batch", **FAST))
    x = DATA.train.images[:8].reshape(8, 16) / 255
    criterion = LOSSES["cross_entropy"](CLASSES, model.backend, "float64")
    expected = criterion.forward(model.forward(x), DATA.train.labels[:8].astype(int)).item()
    assert history.epochs[-1].loss == pytest.approx(expected, rel=1e-12)


def questions_of_classes(questions: int) -> Dataset:
    """Is the class below 1, below 2, ...: labels of shape (N, L)."""

    def asked(split: Split) -> Split:
        answers = split.labels[:, None] <= np.arange(questions)
        return Split(split.images, answers.astype(np.uint8))

    task = Task("multilabel" if questions > 1 else "binary", tuple("abcd"[:questions]))
    return Dataset("asked", "tests", questions, asked(DATA.train), asked(DATA.test), task)


@pytest.mark.parametrize("questions", [1, 4])
def test_yes_or_no_questions_are_learnt(questions: int) -> None:
    recipe = Recipe(loss="binary_cross_entropy", batch_size=8, epochs=40, lr=0.05)
    history = train(MLP([16, 12, questions], "tanh"), questions_of_classes(questions), recipe)
    assert history.epochs[-1].train_accuracy > 0.9


def test_questions_have_no_running_accuracy() -> None:
    recipe = Recipe(loss="binary_cross_entropy", train_accuracy="running")
    with pytest.raises(UsageError, match="one class an image"):
        train(MLP([16, 12, 4]), questions_of_classes(4), recipe)


# Pieces


@pytest.mark.parametrize("batch_size", ["full", 60, 47])
@pytest.mark.parametrize("loss", LOSSES)
def test_pieces_give_the_same_as_one(
    loss: str, batch_size: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = Recipe(loss=loss, batch_size=batch_size, epochs=5, lr=0.1)
    whole = trained(recipe, dtype="float64")
    small_pieces(monkeypatch)
    trainer = Trainer(toy_model(dtype="float64"), DATA.train, recipe)
    assert len(list(trainer.batches.pieces(0, 60))) > 5
    np.testing.assert_allclose(trained(recipe, dtype="float64"), whole, rtol=0, atol=1e-12)


def test_pieces_report_the_same_losses(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = Recipe(batch_size=47, **FAST)
    whole = [epoch.loss for epoch in train(toy_model(dtype="float64"), DATA, recipe).epochs]
    small_pieces(monkeypatch)
    pieces = [epoch.loss for epoch in train(toy_model(dtype="float64"), DATA, recipe).epochs]
    np.testing.assert_allclose(pieces, whole, rtol=1e-12)


def test_a_piece_of_one_image_still_works(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = Recipe(batch_size="full", **FAST)
    whole = trained(recipe, dtype="float64")
    small_pieces(monkeypatch, 1)
    np.testing.assert_allclose(trained(recipe, dtype="float64"), whole, rtol=0, atol=1e-12)


def test_bytes_kept_give_the_same_as_floats_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    floats = Batches(DATA.train.images, DATA.train.labels, toy_model())
    small_pieces(monkeypatch, 300)
    bytes_ = Batches(DATA.train.images, DATA.train.labels, toy_model())
    assert (floats.images.dtype, bytes_.images.dtype) == (np.float32, np.uint8)
    for x, y in zip(floats.slice(3, 9), bytes_.slice(3, 9), strict=True):
        np.testing.assert_array_equal(x, y)
    rows = np.array([5, 0, 59, 7])
    for x, y in zip(floats.gather(rows), bytes_.gather(rows), strict=True):
        np.testing.assert_array_equal(x, y)


# Lanes and spans


def share_out(monkeypatch: pytest.MonkeyPatch, lanes: int) -> None:
    """Let each update be shared among so many lanes, however small it is."""
    monkeypatch.setattr(backends.cpu, "_cores", lambda: lanes)
    monkeypatch.setattr("mlp.training.WORTH_SHARING", 0.0)


LARGE: list[dict[str, Any]] = [
    {"batch_size": "full"}, {"batch_size": 47},  # a tail of 13
    {"batch_size": 59, "nesterov": True, "weight_decay": 0.01, "clip_norm": 0.5},  # a tail of 1
]  # fmt: skip


@pytest.mark.parametrize("options", LARGE, ids=["full", "47", "59"])
@pytest.mark.parametrize("piece_bytes", [3000, 8 << 20])
@pytest.mark.parametrize("lanes", [2, 3])
def test_lanes_give_the_same_as_one(
    lanes: int, piece_bytes: int, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = Recipe(**options, **FAST)
    one = trained(recipe, dtype="float64")
    small_pieces(monkeypatch, piece_bytes)
    share_out(monkeypatch, lanes)
    assert len(Trainer(toy_model(), DATA.train, recipe).lanes) == lanes
    shared = trained(recipe, dtype="float64")
    np.testing.assert_allclose(shared, one, rtol=0, atol=1e-12)
    assert trained(recipe, dtype="float64").tobytes() == shared.tobytes()


@pytest.mark.parametrize("batch_size", [47, "full"])
def test_lanes_count_and_tell_the_same(batch_size: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = Recipe(batch_size=batch_size, train_accuracy="running", **FAST)
    one = train(toy_model(dtype="float64"), DATA, recipe).epochs
    share_out(monkeypatch, 3)
    shared = train(toy_model(dtype="float64"), DATA, recipe).epochs
    for epoch, other in zip(shared, one, strict=True):
        assert epoch.loss == pytest.approx(other.loss, rel=1e-12)
        assert epoch.train_accuracy == other.train_accuracy


def test_captured_lanes_are_the_lanes(monkeypatch: pytest.MonkeyPatch) -> None:
    share_out(monkeypatch, 3)
    small_pieces(monkeypatch)
    recipe = Recipe(batch_size=47, **FAST)
    captured = trained(recipe)
    monkeypatch.setattr(CpuBackend, "capture", lambda self, step: step)
    assert trained(recipe).tobytes() == captured.tobytes()


def test_an_error_in_a_lane_comes_through(monkeypatch: pytest.MonkeyPatch) -> None:
    share_out(monkeypatch, 2)
    trainer = Trainer(toy_model(), DATA.train, Recipe(batch_size="full", **FAST))
    trainer.lanes[1].model.layers[0].forward = lambda x: 1 / 0  # type: ignore[assignment]
    with pytest.raises(ZeroDivisionError):
        trainer.epoch(0)


@pytest.mark.parametrize("batch_size", [1, 7, 8])
@pytest.mark.parametrize("lanes", [1, 2])
def test_a_span_of_updates_is_the_updates(
    batch_size: int, lanes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether each is taken by itself, some together or all, gathered ahead or not."""
    recipe, results = Recipe(batch_size=batch_size, **FAST), set()
    monkeypatch.setattr(backends.cpu, "_cores", lambda: lanes)
    for ahead in (1, 3, 64):
        monkeypatch.setattr(backends.cpu, "AHEAD", ahead)
        results.add(trained(recipe).tobytes())
    assert len(results) == 1


# One seed, one result


@pytest.mark.parametrize("batch_size", [8, "full"])
def test_the_same_seed_gives_the_same_bytes(batch_size: Any) -> None:
    recipe = Recipe(batch_size=batch_size, seed=3, **FAST)
    assert trained(recipe, seed=3).tobytes() == trained(recipe, seed=3).tobytes()


def test_other_seeds_give_other_starts_and_other_orders() -> None:
    first, second = Recipe(batch_size=8, seed=3, **FAST), Recipe(batch_size=8, seed=4, **FAST)
    assert not np.array_equal(trained(first, seed=3), trained(first, seed=4))
    assert not np.array_equal(trained(first), trained(second))


def test_without_shuffling_the_order_is_the_files() -> None:
    """Neither the seed nor a batch's place in the epoch depends on chance then."""
    recipes = [Recipe(batch_size=8, shuffle=False, seed=seed, **FAST) for seed in (3, 4)]
    np.testing.assert_array_equal(trained(recipes[0]), trained(recipes[1]))
    assert not np.array_equal(trained(recipes[0]), trained(Recipe(batch_size=8, seed=3, **FAST)))


def test_the_order_of_the_images_is_no_matter_to_a_full_batch() -> None:
    recipe = Recipe(batch_size="full", **FAST)
    order = np.random.default_rng(0).permutation(60)
    turned = Dataset(
        "t", "tests", CLASSES, Split(DATA.train.images[order], DATA.train.labels[order]), DATA.test
    )
    np.testing.assert_allclose(
        trained(recipe, turned, dtype="float64"), trained(recipe, dtype="float64"), atol=1e-12
    )


def test_an_epoch_visits_every_image_once() -> None:
    """The images are marked by one lit pixel each, whose weights alone then move."""
    images = np.zeros((30, 6, 5), np.uint8)
    images.reshape(30, 30)[np.arange(30), np.arange(30)] = 255
    split = Split(images, (np.arange(30) % CLASSES).astype(np.uint8))
    data = Dataset("lit", "tests", CLASSES, split, split)
    model = MLP([30, CLASSES], init="zeros", bias=False, dtype="float64")
    train(
        model,
        data,
        Recipe(batch_size=4, epochs=1, lr=1.0, momentum=0, schedule="constant", warmup=0),
    )
    # A visit moves the row of image n by (1/N) (t - 1/5), with N = 4, and 2 in the tail batch.
    moved = 1.0 * (np.eye(CLASSES)[split.labels] - 1 / CLASSES)
    sizes = moved[:, :1] / model.linear[0].W[:, :1]
    np.testing.assert_allclose(model.linear[0].W * sizes, moved, atol=1e-15)
    assert sorted(np.round(sizes.ravel(), 12)) == [2.0] * 2 + [4.0] * 28


# Precision


@pytest.mark.parametrize("batch_size", [8, "full"])
def test_float32_follows_float64(batch_size: Any) -> None:
    """After 32 and 4 steps the difference is some hundred roundings of 6e-8."""
    recipe = Recipe(batch_size=batch_size, **FAST)
    single, double = trained(recipe), trained(recipe, dtype="float64")
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, double, rtol=0, atol=2e-5)
    assert not np.array_equal(single, double)


# Buffers


def poison(array: np.ndarray) -> None:
    array.fill(np.nan if array.dtype.kind == "f" else np.iinfo(array.dtype).max)


@pytest.fixture
def buffers(monkeypatch: pytest.MonkeyPatch) -> list[Buffers]:
    """All buffers that are made from here on."""
    made: list[Buffers] = []
    create = Buffers.__init__

    def noting(self: Buffers, *args: Any) -> None:
        create(self, *args)
        made.append(self)

    monkeypatch.setattr(Buffers, "__init__", noting)
    return made


VARIETY = [
    Recipe(batch_size=8, **FAST),
    Recipe(batch_size=8, nesterov=True, weight_decay=0.01, clip_norm=0.5, clip_value=0.2, **FAST),
    Recipe(batch_size="full", loss="quadratic", **FAST),
    Recipe(batch_size=25, loss="binary_cross_entropy", **FAST),
]


@pytest.mark.parametrize("recipe", VARIETY, ids=["plain", "all of sgd", "full", "binary"])
@pytest.mark.parametrize("piece_bytes", [3000, 8 << 20])
def test_nothing_is_read_that_an_earlier_step_left(
    recipe: Recipe, piece_bytes: int, buffers: list[Buffers], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every scratch array is filled with NaN between the steps, captured ones included."""
    monkeypatch.setattr(backends.cpu, "_cores", lambda: 1)  # so that nothing is gathered ahead
    small_pieces(monkeypatch, piece_bytes)
    clean = trained(recipe)
    buffers.clear()
    trainer = Trainer(model := toy_model(), DATA.train, recipe)
    poisoned = 0

    def poison_all(*_: Any) -> None:
        nonlocal poisoned
        scratch = [model.gradients, trainer.optimizer.scratch, trainer.optimizer.norm]
        for array in [a for b in buffers for a in b._arrays.values()] + scratch:
            poison(array)
            poisoned += 1

    for number in range(recipe.epochs):
        losses = trainer.epoch(number, poison_all)
        assert np.isfinite(losses).all()
    assert poisoned > 40
    np.testing.assert_array_equal(model.parameters, clean)


@pytest.mark.parametrize("recipe", VARIETY, ids=["plain", "all of sgd", "full", "binary"])
def test_nothing_is_read_before_it_is_written(
    recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every buffer is filled with NaN whenever it is handed out."""
    clean = trained(recipe)
    hand_out = Buffers.__call__

    def poisoned(self: Buffers, *args: Any, **kwargs: Any) -> np.ndarray:
        array = hand_out(self, *args, **kwargs)
        poison(array)
        return array

    monkeypatch.setattr(Buffers, "__call__", poisoned)
    monkeypatch.setattr(CpuBackend, "capture", lambda self, step: step)
    np.testing.assert_array_equal(trained(recipe), clean)


def test_alternating_batch_sizes_do_not_disturb_each_other() -> None:
    def gradients(model: MLP, x: np.ndarray, labels: np.ndarray) -> np.ndarray:
        criterion.forward(model.forward(x), labels)
        model.backward(criterion.backward())
        return model.gradients.copy()

    rng = np.random.default_rng(0)
    batches = [(rng.normal(size=(n, 16)), rng.integers(0, CLASSES, n)) for n in (5, 3, 5, 1, 3)]
    one = toy_model(dtype="float64")
    criterion = LOSSES["cross_entropy"](CLASSES, one.backend, "float64")
    together = [gradients(one, *batch) for batch in batches]
    apart = [gradients(toy_model(dtype="float64"), *batch) for batch in batches]
    np.testing.assert_array_equal(together, apart)


def test_the_callers_arrays_are_left_alone() -> None:
    data = toy_dataset()
    arrays = [data.train.images, data.train.labels, data.test.images, data.test.labels]
    for array in arrays:
        array.flags.writeable = False
    copies = [array.copy() for array in arrays]
    for batch_size in (7, "full"):
        trained(Recipe(batch_size=batch_size, **FAST), data)  # type: ignore[arg-type]
    for array, copy in zip(arrays, copies, strict=True):
        np.testing.assert_array_equal(array, copy)


# Captured steps


@pytest.mark.parametrize("recipe", VARIETY, ids=["plain", "all of sgd", "full", "binary"])
@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "sigmoid", "tanh", "identity"])
@pytest.mark.parametrize("piece_bytes", [3000, 8 << 20])
def test_captured_steps_are_the_steps(
    recipe: Recipe, activation: str, piece_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_pieces(monkeypatch, piece_bytes)
    captured = trained(recipe, activation=activation)
    monkeypatch.setattr(CpuBackend, "capture", lambda self, step: step)
    assert trained(recipe, activation=activation).tobytes() == captured.tobytes()


def test_a_captured_step_sees_what_changes_in_its_arrays() -> None:
    backend = CpuBackend()
    x, y = np.zeros(2), np.zeros(2)
    calls = 0

    def step() -> np.ndarray:
        nonlocal calls
        calls += 1
        backend.xp.add(x, 1.0, out=y)
        return y

    captured = backend.capture(step)
    for value in range(5):
        x[:] = value
        np.testing.assert_array_equal(captured(), [value + 1, value + 1])
    assert calls == 2  # once to make its buffers, once to be recorded


@pytest.mark.parametrize("call", [lambda xp, x: xp.add(x, 1.0), lambda xp, x: xp.sum(x)])
def test_recording_refuses_a_call_without_out(call: Callable[..., Any]) -> None:
    xp = CpuNamespace()
    with pytest.raises(RuntimeError, match="out="):
        xp.record(lambda: call(xp, np.zeros(2)))
    call(xp, np.zeros(2))  # outside a recording it is fine


# The end of a run


@pytest.mark.usefixtures("one_at_a_time")
@pytest.mark.parametrize("at_step", [0, 1, 8 * 2 + 3])
def test_an_interrupt_keeps_the_last_finished_epoch(at_step: int) -> None:
    recipe, steps = Recipe(batch_size=8, **FAST), 0
    finished: list[np.ndarray] = [toy_model().parameters.copy()]
    model = toy_model()

    def interrupt(*_: Any) -> None:
        nonlocal steps
        if steps == at_step:
            raise KeyboardInterrupt
        steps += 1

    history = train(
        model, DATA, recipe, on_step=interrupt,
        on_epoch=lambda epoch: finished.append(model.parameters.copy()),
    )  # fmt: skip
    assert history.interrupted
    assert len(history.epochs) == at_step // 8 == len(model.about["history"])
    np.testing.assert_array_equal(model.parameters, finished[-1])


def test_an_interrupt_between_epochs_keeps_the_epoch() -> None:
    def interrupt(epoch: Any) -> None:
        raise KeyboardInterrupt

    model = toy_model()
    history = train(model, DATA, Recipe(batch_size=8, **FAST), on_epoch=interrupt)
    assert (history.interrupted, len(history.epochs)) == (True, 1)
    assert not np.array_equal(model.parameters, toy_model().parameters)


@pytest.mark.parametrize("batch_size", [8, "full"])
@pytest.mark.parametrize("lr", [1e3, 1e10, 1e20, 1e37])
def test_a_diverging_run_says_where_and_keeps_the_last_finished_epoch(
    lr: float, batch_size: Any
) -> None:
    """Whatever happens first, no number that is not finite is left in the network."""
    model = toy_model()
    finished = [model.parameters.copy()]
    recipe = Recipe(loss="quadratic", batch_size=batch_size, epochs=20, lr=lr, schedule="constant")
    with pytest.raises(DivergedError) as error:
        train(
            model, DATA, recipe,
            on_epoch=lambda epoch: finished.append(model.parameters.copy()),
        )  # fmt: skip
    sentence = str(error.value)
    assert f"epoch {len(finished)}, step " in sentence
    assert "--lr" in sentence
    assert "\n" not in sentence
    np.testing.assert_array_equal(model.parameters, finished[-1])
    assert np.isfinite(model.parameters).all()


def test_a_run_that_diverges_in_its_last_update_is_no_success() -> None:
    """The loss of the last update is taken before it, so the loss alone does not show this."""
    model = toy_model()
    recipe = Recipe(batch_size="full", epochs=1, lr=1e300, schedule="constant", warmup=0)
    with pytest.raises(DivergedError):
        train(model, DATA, recipe)
    np.testing.assert_array_equal(model.parameters, toy_model().parameters)


def test_a_start_that_is_too_large_is_told_from_a_rate_that_is() -> None:
    model = toy_model(init="normal(1e30)")
    with pytest.raises(DivergedError, match=r"epoch 1, step 1, before any update.*--init"):
        train(model, DATA, Recipe(loss="quadratic", **FAST))


# Held-out images


@pytest.mark.parametrize(("validation", "count"), [(0.25, 15), (10, 10), (1, 1), (0.001, 0)])
def test_held_out_images_are_not_trained_on(validation: float, count: int) -> None:
    recipe = Recipe(batch_size=8, **FAST)
    model = toy_model()
    history = train(model, DATA, Recipe(batch_size=8, validation=validation, **FAST))
    rest = Dataset("rest", "tests", CLASSES, DATA.train[: 60 - count], DATA.test)
    np.testing.assert_array_equal(model.parameters, trained(recipe, rest))
    assert (history.epochs[-1].validation_accuracy is None) == (count == 0)


def test_a_validation_share_of_a_count_is_the_share_of_right_answers() -> None:
    history = train(toy_model(), DATA, Recipe(batch_size=8, validation=10, **FAST))
    accuracy = history.epochs[-1].validation_accuracy
    assert accuracy is not None
    assert accuracy * 10 == pytest.approx(round(accuracy * 10))


@pytest.mark.parametrize("validation", [60, 1e9, 0.999])
def test_holding_out_everything_is_refused(validation: float) -> None:
    with pytest.raises(UsageError, match="hold out fewer"):
        train(toy_model(), DATA, Recipe(validation=validation))


@pytest.mark.parametrize("sizes", [(15, 5), (16, 4), (16, 6)])
def test_a_network_of_other_widths_is_refused(sizes: tuple[int, int]) -> None:
    with pytest.raises(ModelError, match="16 pixels and 5 classes"):
        train(MLP(sizes), DATA, Recipe())


# Memory


def peaks(trainer: Trainer, number: int) -> list[int]:
    """The most bytes in use at once in each step of an epoch, over those in use before it.

    NumPy tells tracemalloc of its arrays, as Python does of its objects. NumPy's iterators over
    broadcast arrays also keep a buffer of 8,192 elements, whatever the batch: made small here.
    """
    result: list[int] = []
    before = 0

    def note(*_: Any) -> None:
        nonlocal before
        before_next, peak = tracemalloc.get_traced_memory()
        result.append(peak - before)
        before = before_next
        tracemalloc.reset_peak()

    buffered = np.setbufsize(16)
    tracemalloc.start()
    try:
        trainer.epoch(number, note)
    finally:
        tracemalloc.stop()
        np.setbufsize(buffered)
    return result[1:]  # the first holds the epoch's order and learning rates


def steady(recipe: Recipe, **options: Any) -> list[int]:
    """The peaks of the steps of a fourth epoch: of 1,000 images, so that no array is small."""
    data = toy_dataset(train=4000, side=8)
    trainer = Trainer(toy_model(inputs=64, **options), data.train, recipe)
    for number in range(3):
        trainer.epoch(number)
    return peaks(trainer, 3)


LIMIT = 3000
"""Bytes. NumPy's iterators and Python's views take up to 2,100; 1,000 float32 take 4,000."""

STEADY = {
    "relu": Recipe(batch_size=1000, **FAST),
    "leaky_relu": Recipe(batch_size=1000, nesterov=True, weight_decay=0.01, **FAST),
    "sigmoid": Recipe(batch_size=1000, loss="quadratic", momentum=0, clip_norm=0.5, **FAST),
    "tanh": Recipe(batch_size=1000, loss="binary_cross_entropy", clip_value=0.2, **FAST),
}


@pytest.mark.usefixtures("one_at_a_time")
@pytest.mark.parametrize("activation", STEADY)
def test_a_steady_step_allocates_nothing(activation: str) -> None:
    assert max(steady(STEADY[activation], activation=activation)) < LIMIT


def test_nor_does_one_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    small_pieces(monkeypatch, 100_000)
    assert max(steady(Recipe(batch_size=2000, **FAST))) < LIMIT


@pytest.mark.usefixtures("one_at_a_time")
def test_an_allocation_in_a_step_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loss's row of maxima, in a new array: the smallest that depends on the batch."""
    criterion = LOSSES["cross_entropy"]
    forward = criterion.forward

    def allocating(self: Any, outputs: np.ndarray, *args: Any) -> Any:
        outputs.max(axis=1)  # (N,)
        return forward(self, outputs, *args)

    monkeypatch.setattr(criterion, "forward", allocating)
    monkeypatch.setattr(CpuBackend, "capture", lambda self, step: step)
    assert min(steady(Recipe(batch_size=1000, **FAST))) > LIMIT
