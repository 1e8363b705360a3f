"""A network starts from the parameters of another, with a new last layer for other classes."""

from __future__ import annotations

import dataclasses

import pytest
from toys import DATA, toy_dataset, toy_model

from mlp.common.errors import ModelError
from mlp.data.task import Task
from mlp.models.metadata import Metadata, metadata_of
from mlp.training.architecture import Architecture
from mlp.training.start import architecture_from, needs_new_layer, start_from

TASK = Task(names=tuple("01234"))
SAME = dataclasses.replace(DATA, task=TASK)


def test_for_the_same_classes_all_parameters_are_taken() -> None:
    model = toy_model(activation="tanh", bias=False, dtype="float64", seed=3)
    model.metadata = Metadata(task=TASK)
    architecture = architecture_from(model, Architecture(), SAME, "cross_entropy")
    network = start_from(model, architecture, SAME, "cross_entropy", 0)
    assert not needs_new_layer(model, SAME)
    assert repr(network) == repr(model)
    assert network.parameters.tobytes() == model.parameters.tobytes()
    assert network.parameters is not model.parameters
    assert metadata_of(network).initialisation is None


@pytest.mark.parametrize(
    ("loss", "output"), [("cross_entropy", "identity"), ("quadratic", "sigmoid")]
)
def test_for_other_classes_the_last_layer_is_drawn(loss: str, output: str) -> None:
    model = toy_model(seed=3)
    model.metadata = Metadata(task=TASK)
    other = dataclasses.replace(DATA, task=Task(names=tuple("abcde")))
    assert needs_new_layer(model, other)
    architecture = architecture_from(model, Architecture(init="zeros"), other, loss)
    network = start_from(model, architecture, other, loss, 0)
    assert network.output == output
    for old, new in zip(model.linear[:-1], network.linear[:-1], strict=True):
        assert old.W.tobytes() == new.W.tobytes()
        assert old.b.tobytes() == new.b.tobytes()
    assert not network.linear[-1].W.any()


def test_images_of_another_size_are_refused() -> None:
    model, data = toy_model(), toy_dataset(side=5)
    architecture = architecture_from(model, Architecture(), data, "cross_entropy")
    with pytest.raises(ModelError, match="16 pixels"):
        start_from(model, architecture, data, "cross_entropy", 0)
