"""Loading a dataset by its name: read from files, downloaded, or drawn by the project itself."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mlp.common.choices import did_you_mean, no_such
from mlp.common.errors import DataError, UsageError
from mlp.common.quiet import quiet
from mlp.data.dataset import Dataset, Split
from mlp.data.download import Progress
from mlp.data.formats import convert as formats
from mlp.data.formats.request import Request
from mlp.data.hands import HANDS
from mlp.data.in_memory import SOURCE, Arrays, are_real, from_arrays
from mlp.data.inputs import Columns
from mlp.data.interpret import Meaning, interpret
from mlp.data.mnist import MnistUnavailable, load_mnist
from mlp.data.openml import NAME, TAKES, read_openml
from mlp.data.reading import Reading
from mlp.data.relabel import as_binary, overlay
from mlp.data.synthetic import load_synthetic
from mlp.data.task import Kind, Task

__all__ = ["Dataset", "Split", "as_binary", "load_dataset", "overlay", "relabel_for"]

HAND = re.compile(rf"({'|'.join(HANDS)})(?::(\d{{1,12}})\+(\d{{1,12}}))?")
"""The names of datasets that are drawn, with the numbers of their images."""

BUILT_IN = ("auto", "mnist", *HANDS)


def load_dataset(
    name: str | Path | Arrays = "auto",
    folder: str | Path | None = None,
    *,
    reading: Reading | None = None,
    kind: Kind = "multiclass",
    known: Meaning | None = None,
    note: Callable[[str], None] | None = None,
    progress: Progress | None = None,
    **choices: Any,
) -> Dataset:
    """Load a dataset by its name, or make one of arrays.

    Args:
        name: arrays or frames, ``(X, y)`` or ``((X, y), (X_test, y_test))``; or the name of a
            dataset: ``"mnist"``; ``"synthetic"``, or ``"synthetic:N+M"`` for N training and M test
            images; ``"continental"`` likewise, by the same pen with the 1, 7 and 9 of other
            countries, ``"tall"`` with long stems, and ``"slim"`` two thirds as wide; a file or
            folder in any format that `mlp.data.formats` reads; ``"openml:NAME"``, see
            `mlp.data.openml`; or ``"auto"`` for MNIST where it is found or can be downloaded, and
            else synthetic digits. Several, with commas between, are joined: trained on together,
            tested on the first; see `join`.
        folder: where MNIST's files are; nothing else is then tried.
        reading: the user's choices in reading files; the defaults of `Reading` unless given.
        kind: ``"regression"`` where labels are numbers to estimate; of arrays, numbers with
            fractions are so without it.
        known: what a model takes the data of files as; found unless given.
        note: called with a sentence when ``"auto"`` falls back on synthetic digits, and about what
            is found in files.
        progress: called as a download goes on.
        **choices: fields of `Reading` by their names, such as ``test=0.2`` or ``label="species"``.

    Raises:
        DataError: if the data is missing or damaged.
        UsageError: if there is no such dataset, or no such choice.
    """
    if choices:
        reading = _chosen(reading or Reading(), choices)
    if isinstance(name, Path):
        name = str(name)
    if not isinstance(name, str):
        return _of_arrays(name, reading, kind, known, note)
    if "," in name and not _is_there(name):
        parts: list[Dataset] = []
        for part in name.split(","):
            if parts and known is None:  # the others are taken as the first
                inputs = parts[0].inputs if isinstance(parts[0].inputs, Columns) else None
                known = Meaning(parts[0].task, inputs)
            parts.append(
                load_dataset(
                    part,
                    reading=reading if _has_choices(part) else None,
                    kind=kind,
                    known=known,
                    note=note,
                    progress=progress,
                )
            )
        return dataclasses.replace(join(parts), origin=name)
    if known is not None and isinstance(known.inputs, Columns) and not _has_choices(name):
        raise UsageError(f"the model reads columns of numbers, and {name} is images: name a table")
    if folder is not None and name not in ("auto", "mnist"):
        raise UsageError(f"a data folder is for MNIST: name that folder as the dataset, not {name}")
    if (
        known is None
        and reading is not None
        and (HAND.fullmatch(name) or name in ("auto", "mnist"))
    ):
        _refuse(reading, f"the dataset {name}", followed=())
    if name == "mnist" or (name == "auto" and folder is not None):
        return dataclasses.replace(load_mnist(folder, progress=progress), origin="mnist")
    if name == "auto":
        try:
            return dataclasses.replace(load_mnist(progress=progress), origin="mnist")
        except MnistUnavailable as error:
            if note is not None:
                note(f"{error}. Going on with synthetic digits, which the project draws itself.")
            name = "synthetic"
    if match := HAND.fullmatch(name):
        hand, *counts = match.groups()
        drawn = [int(count) for count in counts if count is not None]
        return dataclasses.replace(load_synthetic(*drawn, hand=hand), origin=name)
    if _is_there(name):
        found = formats.read(name, reading, kind=kind, known=known, note=note)
        chosen = reading.chosen() if reading else {}
        return dataclasses.replace(found, origin=str(Path(name).absolute()), reading=chosen)
    if NAME.fullmatch(name):
        reading = reading or Reading()
        _refuse(reading, name, followed=TAKES)
        request = Request(reading, note=note or quiet, known=formats.asked_of(known))
        raw = read_openml(name, request)
        found = interpret(raw, name, name, reading, kind=kind, known=known, note=note)
        return dataclasses.replace(found, origin=name, reading=reading.chosen())
    meant = did_you_mean(name.partition(":")[0], BUILT_IN)
    raise UsageError(
        f"there is no dataset {name!r}{meant}: choose mnist, synthetic, synthetic:N+M, "
        "continental, tall, slim, openml:NAME, or a file or folder in one of the formats that "
        "mlp data info reads"
    )


def _is_there(name: str) -> bool:
    """Whether there is a file or folder; a name that no system takes is none's."""
    try:
        return Path(name).exists()
    except OSError:
        return False


def _has_choices(name: str) -> bool:
    """Whether there is a choice in reading a dataset of this name."""
    return _is_there(name) or NAME.fullmatch(name) is not None


def _chosen(reading: Reading, choices: Mapping[str, Any]) -> Reading:
    names = [field.name for field in dataclasses.fields(Reading)]
    for name in choices:
        if name not in names:
            raise UsageError(no_such("choice in reading data", name, names))
    return dataclasses.replace(reading, **choices)


def _refuse(reading: Reading, what: str, followed: Collection[str]) -> None:
    """Refuse choices that nothing would follow."""
    for choice in reading.chosen():
        if choice not in followed:
            flag = choice.replace("_", "-")
            raise UsageError(f"--{flag} means nothing for {what}: leave it away")


def _of_arrays(
    arrays: Arrays,
    reading: Reading | None,
    kind: Kind,
    known: Meaning | None,
    note: Callable[[str], None] | None,
) -> Dataset:
    if known is None and reading is not None:
        _refuse(reading, "arrays", followed=("classes", "test", "missing"))
    raw = from_arrays(arrays, Request(reading or Reading(), note=note or quiet))
    if known is None and kind == "multiclass" and any(are_real(s.labels) for s in raw.values()):
        kind = "regression"
    return interpret(raw, "arrays", SOURCE, reading, kind=kind, known=known, note=note)


def join(datasets: Sequence[Dataset]) -> Dataset:
    """Put the training images of several datasets together.

    The first dataset's come last, and only they are held out for validation, as they resemble the
    test images, which are the first dataset's alone; see `hold_out`.

    Raises:
        DataError: if the images' sizes differ.
        UsageError: if the classes differ.
    """
    first, *others = datasets
    for other in others:
        if (other.classes, other.task) != (first.classes, first.task):
            raise UsageError(f"{first.name} and {other.name} have other classes: take them apart")
        if other.train.images.shape[1:] != first.train.images.shape[1:]:
            raise DataError(
                f"images of {first.name} are {first.train.images.shape[1:]} pixels but those of "
                f"{other.name} {other.train.images.shape[1:]}: bring them to one size first"
            )
    splits = [dataset.train for dataset in (*others, first)]
    return dataclasses.replace(
        first,
        name="+".join(dataset.name for dataset in datasets),
        source=" and ".join(dataset.source for dataset in datasets),
        train=Split(
            np.concatenate([split.images for split in splits]),
            np.concatenate([split.labels for split in splits]),
        ),
        validation_start=sum(len(other.train) for other in others) + first.validation_start,
    )


def relabel_for(task: Task, dataset: Dataset) -> Dataset:
    """Relabel a dataset for the task of a model; for several questions, overlay its images too.

    Args:
        task: what the model answers.
        dataset: images of one class each, or labelled for this kind of task already.
    """
    if dataset.task.kind == task.kind:
        return dataset
    if task.kind == "binary":
        return as_binary(dataset, task.positive)
    return overlay(dataset)
