"""The data that a model is measured on: what it was trained on, unless another is named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mlp.cli import console
from mlp.cli.options import open_dataset
from mlp.common.errors import DataError, UsageError
from mlp.data.dataset import Dataset, all_as_test
from mlp.data.describe import INVERTED, MOST_EXAMINED, are_mostly_ink
from mlp.data.interpret import Meaning
from mlp.data.load import relabel_for
from mlp.data.reading import Reading
from mlp.models.metadata import DatasetSummary, inputs_of, metadata_of, task_of
from mlp.nn.network import MLP


def open_data_of(model: MLP, name: str | None, folder: Path | None) -> Dataset:
    """Load the data to measure a model on, taken as the model takes it.

    Args:
        model: the model.
        name: of the dataset; None for what the model was trained on.
        folder: where MNIST's files are; None for where they usually are.

    Returns:
        The dataset, with the labels that it comes with. Where it is one set that the model was not
        trained on, all of it is the test. If that is mostly ink, a line says so; of what the model
        was trained on, its training did.

    Raises:
        UsageError: if no name is given, and the model does not tell what it was trained on.
        DataError: if that is not to be had, or is not what it was.
    """
    metadata = metadata_of(model)
    summary, task = metadata.dataset, task_of(model)
    known = None
    if metadata.task is not None or metadata.inputs is not None:
        known = Meaning(metadata.task, inputs_of(model))
    asked = name or ("mnist" if folder is not None else _origin(summary))
    reading = Reading(**summary.reading) if summary else Reading()
    if summary is None or str(Path(asked).absolute()) != summary.origin:
        reading = replace(reading, test_file=None)  # which belongs to the file trained on
    dataset = open_dataset(asked, folder, reading=reading, kind=task.kind, known=known)
    if summary is not None and relabel_for(task, dataset).test.checksum == summary.test_sha256:
        return dataset
    if name is None and folder is None:
        raise DataError(
            f"{asked}, which the model was trained on, is not what it was then: name the data to "
            "measure it on with --dataset"
        )
    dataset = all_as_test(dataset) if dataset.is_one_set else dataset
    if dataset.test.images.nbytes <= MOST_EXAMINED and are_mostly_ink(dataset.test):
        console.warn(f"{dataset.name}: {INVERTED}")
    return dataset


def _origin(summary: DatasetSummary | None) -> str:
    """Return what the dataset that a model was trained on is found by."""
    if summary is None:
        raise UsageError(
            "the model does not tell what data it was trained on: name the data to measure it on "
            "with --dataset, such as --dataset mnist"
        )
    name = summary.origin
    if not name and summary.name.removesuffix("-overlaid") == "mnist":
        return "mnist"  # as in the files of versions that did not tell the origin
    if not name and summary.name.removesuffix("-overlaid") == "synthetic":
        return f"synthetic:{summary.train_images}+{summary.test_images}"
    if not name:
        raise UsageError(
            f"the model was trained on {summary.name}, which is in no file that it names: name the "
            "data to measure it on with --dataset"
        )
    missing = [part for part in _paths(name) if not Path(part).exists()]
    if missing:
        raise DataError(
            f"the model was trained on {missing[0]}, which is not there any more: put it back, or "
            "name the data to measure it on with --dataset"
        )
    return name


def _paths(name: str) -> list[str]:
    parts = [name] if Path(name).exists() else name.split(",")
    return [part for part in parts if Path(part).is_absolute()]
