"""The training loop: learning, what it tells, how it ends, what it holds out."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest
from toys import CLASSES, DATA, FAST, TRUE_LOSSES, toy_model, trained

from mlp.common.errors import DivergedError, ModelError, UsageError
from mlp.data.dataset import Dataset, Split, hold_out
from mlp.data.load import load_dataset
from mlp.data.task import Task
from mlp.models.metadata import Initialisation, metadata_of, temperature_of
from mlp.nn.losses import LOSSES
from mlp.nn.network import MLP
from mlp.training.loop import train
from mlp.training.recipe import Recipe

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
    metadata = metadata_of(model)
    assert len(metadata.history) == 4
    assert metadata.test_accuracy == history.epochs[-1].test_accuracy
    assert metadata.recipe == asdict(recipe)
    assert metadata.initialisation == Initialisation("he_normal", "zeros", 0)
    assert metadata.dataset is not None
    assert metadata.dataset.train_sha256 == DATA.train.checksum


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


@pytest.mark.parametrize("batch_size", [7, "full"])
def test_a_run_that_is_not_measured_trains_the_same(batch_size: Any) -> None:
    recipe, model, told = Recipe(batch_size=batch_size, validation=9, **FAST), toy_model(), []
    history = train(model, DATA, recipe, measured=False, on_epoch=told.append)
    np.testing.assert_array_equal(model.parameters, trained(recipe))
    assert history.epochs == told == []
    metadata = metadata_of(model)
    assert (metadata.recipe, metadata.task) == (asdict(recipe), DATA.task)
    assert (metadata.dataset, metadata.temperature, metadata.epoch) == (None, None, None)


@pytest.mark.parametrize("choice", [{"keep": "best"}, {"patience": 2}])
def test_what_is_not_measured_cannot_choose(choice: Any) -> None:
    with pytest.raises(UsageError, match="leave out the patience and keep the last network"):
        train(toy_model(), DATA, Recipe(validation=9, **choice), measured=False)


@pytest.mark.parametrize("batch_size", [7, "full"])
def test_a_running_accuracy_counts_the_updates_alone(batch_size: Any) -> None:
    """Not the forward pass that tells the loss of the first batch."""
    runs = [
        train(toy_model(), DATA, Recipe(
            batch_size=batch_size, train_accuracy="running", loss_on=told, **FAST
        )).epochs
        for told in ("updates", "first_batch")
    ]  # fmt: skip
    assert [e.train_accuracy for e in runs[0]] == [e.train_accuracy for e in runs[1]]


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
    assert len(history.epochs) == at_step // 8 == len(metadata_of(model).history)
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
    kept, held_out = hold_out(DATA, validation, recipe.seed)
    assert len(held_out) == count
    rest = Dataset("rest", "tests", CLASSES, kept, DATA.test)
    np.testing.assert_array_equal(model.parameters, trained(recipe, rest))
    assert (history.epochs[-1].validation_accuracy is None) == (count == 0)


def test_a_validation_share_of_a_count_is_the_share_of_right_answers() -> None:
    history = train(toy_model(), DATA, Recipe(batch_size=8, validation=10, **FAST))
    accuracy = history.epochs[-1].validation_accuracy
    assert accuracy is not None
    assert accuracy * 10 == pytest.approx(round(accuracy * 10))


def test_a_set_sorted_by_class_is_learnt_and_calibrated() -> None:
    plain = load_dataset("synthetic:1000+300")
    order = np.argsort(plain.train.labels, kind="stable")
    train_split = Split(plain.train.images[order], plain.train.labels[order])
    model = MLP([784, 32, 10])
    history = train(model, replace(plain, train=train_split), Recipe(epochs=5, validation=0.1))
    last = history.epochs[-1]
    assert last.validation_accuracy is not None
    assert last.validation_accuracy > 0.7
    assert last.test_accuracy > 0.7
    assert 0.5 < temperature_of(model) < 2.0


@pytest.mark.parametrize("validation", [60, 1e9, 0.999])
def test_holding_out_everything_is_refused(validation: float) -> None:
    with pytest.raises(UsageError, match="hold out fewer"):
        train(toy_model(), DATA, Recipe(validation=validation))


@pytest.mark.parametrize("sizes", [(15, 5), (16, 4), (16, 6)])
def test_a_network_of_other_widths_is_refused(sizes: tuple[int, int]) -> None:
    with pytest.raises(ModelError, match="16 pixels and 5 classes"):
        train(MLP(sizes), DATA, Recipe())
