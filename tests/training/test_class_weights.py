"""Classes that count more: as if their rows were there more often."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from toys import CLASSES, small_micro_batches, toy_dataset, trained

from mlp.common.errors import UsageError
from mlp.data.dataset import Split
from mlp.data.load import load_dataset
from mlp.data.task import Task
from mlp.models.metrics import score
from mlp.models.predict import predict
from mlp.nn.network import MLP
from mlp.training.class_weights import weigh_classes
from mlp.training.loop import train
from mlp.training.recipe import Recipe

NAMES = ("ant", "bee", "cow", "a=b", "elk")
TASK = Task(names=NAMES)


def rows(*counts: int) -> Split:
    labels = np.repeat(np.arange(len(counts)), counts).astype(np.uint8)
    return Split(np.zeros((len(labels), 2, 2), np.uint8), labels)


def weights_of(choice: str, split: Split | None = None, task: Task = TASK) -> list[float]:
    """The weight of the first row of each class that is there."""
    split = split or rows(1, 1, 1, 1, 1)
    weighed = weigh_classes(split, task, CLASSES, choice)
    assert weighed.weights is not None
    _, first = np.unique(split.labels, return_index=True)
    return [float(weight) for weight in weighed.weights[first]]


def test_balanced_classes_count_alike_and_one_on_average() -> None:
    split = rows(6, 1, 0, 3, 2)
    weighed = weigh_classes(split, TASK, CLASSES, "balanced").weights
    assert weighed is not None
    totals = np.bincount(split.labels, weighed)
    np.testing.assert_allclose(totals[totals > 0], 3.0)
    assert weighed.mean() == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("1, 2, 3, 4, 0", [1.0, 2.0, 3.0, 4.0, 0.0]),
        ("bee=2,a=b=0.5", [1.0, 2.0, 1.0, 0.5, 1.0]),
        ("elk = 1e3", [1.0, 1.0, 1.0, 1.0, 1000.0]),
    ],
)
def test_weights_are_given_in_order_or_by_name(choice: str, expected: list[float]) -> None:
    assert weights_of(choice) == expected


def test_rows_keep_the_weights_that_they_had() -> None:
    split = replace(rows(1, 1), weights=np.array([0.5, 3.0]))
    weighed = weigh_classes(split, Task(names=("a", "b")), 2, "a=4")
    assert weighed.weights is not None
    assert weighed.weights.tolist() == [2.0, 3.0]


def test_yes_and_no_are_the_classes_of_a_question() -> None:
    answers = np.array([[1], [0], [0], [0]], np.uint8)
    split = Split(np.zeros((4, 2, 2), np.uint8), answers)
    task = Task("binary", ("yes",), (1,))
    assert weigh_classes(split, task, 1, "yes=3").weights.tolist() == [3, 1, 1, 1]  # type: ignore[union-attr]
    balanced = weigh_classes(split, task, 1, "balanced").weights
    np.testing.assert_allclose(balanced, [2, 2 / 3, 2 / 3, 2 / 3])


@pytest.mark.parametrize(
    ("choice", "split", "task", "words"),
    [
        ("1,2", rows(1, 1), TASK, "2 class weights for 5 classes"),
        ("eel=2", rows(1, 1), TASK, "elk"),
        ("0,0,1,1,1", rows(1, 1), TASK, "count nothing"),
        ("balanced", rows(1, 1), Task("regression", ("y",)), "leave the class weight away"),
        ("balanced", rows(1, 1), Task("multilabel", ("a", "b")), "leave the class weight away"),
    ],
)
def test_what_cannot_be_weighed_is_refused(
    choice: str, split: Split, task: Task, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        weigh_classes(split, task, CLASSES, choice)


def test_a_weight_of_two_is_having_the_rows_twice() -> None:
    data = toy_dataset()
    again = data.train.labels == 3
    twice = Split(
        np.concatenate([data.train.images, data.train.images[again]]),
        np.concatenate([data.train.labels, data.train.labels[again]]),
    )
    recipe = Recipe(batch_size="full", epochs=5, lr=0.1, warmup=0.0)
    there = trained(recipe, replace(data, train=twice), dtype="float64")
    weighed = trained(replace(recipe, class_weight="3=2"), data, dtype="float64")
    np.testing.assert_allclose(weighed, there, rtol=1e-10, atol=1e-12)


def test_a_rare_class_is_found_once_it_counts_as_much() -> None:
    """Of two overlapping clouds, 40 to 1, the rare one is seen with balanced weights."""
    rng = np.random.default_rng(0)

    def rows(common: int, rare: int) -> tuple[np.ndarray, np.ndarray]:
        labels = np.repeat([0, 1], [common, rare])
        return rng.normal(labels[:, None] * 1.5, 1.0, (len(labels), 2)), labels

    (X, y), (X_test, y_test) = rows(2000, 50), rows(500, 500)
    data = load_dataset(((X, y), (X_test, y_test)))
    balanced = {}
    for choice in (None, "balanced"):
        model = MLP([2, 8, 2])
        train(model, data, Recipe(epochs=5, lr=0.05, class_weight=choice))
        answers = predict(model, X_test)
        balanced[choice] = score(answers, y_test, 2).balanced_accuracy
    assert balanced["balanced"] > balanced[None] + 0.1


@pytest.mark.parametrize("batch_size", ["full", 1000])
@pytest.mark.parametrize("shuffle", [True, False])
def test_weights_that_are_alike_change_nothing_in_large_batches(
    batch_size: int | str, shuffle: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch of several micro-batches is a mean over the weights of all of them."""
    small_micro_batches(monkeypatch)
    recipe = Recipe(
        batch_size=batch_size, epochs=2, lr=0.05, warmup=0.0, momentum=0.5, shuffle=shuffle
    )  # type: ignore[arg-type]
    data = toy_dataset(train=2_300)
    plain = trained(recipe, data, dtype="float64")
    weighed = trained(replace(recipe, class_weight="5,5,5,5,5"), data, dtype="float64")
    np.testing.assert_allclose(weighed, plain, rtol=1e-9, atol=1e-12)


def test_weights_mean_the_same_in_large_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = Recipe(batch_size=700, epochs=2, lr=0.05, warmup=0.0, class_weight="1,2,3,4,0.5")
    data = toy_dataset(train=2_300)
    whole = trained(recipe, data, dtype="float64")
    small_micro_batches(monkeypatch)
    np.testing.assert_allclose(trained(recipe, data, dtype="float64"), whole, rtol=1e-9, atol=1e-12)
