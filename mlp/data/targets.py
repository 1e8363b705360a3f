"""What the labels of a file mean: found in them, and turned into those that a network learns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp.common.errors import DataError
from mlp.common.printable import printable_name
from mlp.data.raw import MISSING, RawSplit
from mlp.data.task import Kind, Task

MOST_CLASSES = 1 << 16
"""As many as labels of two bytes can tell apart."""

Note = Callable[[str], None]


def has_label(raw: RawSplit) -> NDArray[np.bool_]:
    """Tell which rows have a label, shape (N,); a missing one is NaN, or an empty word."""
    labels = raw.labels
    if labels is None:
        return np.zeros(len(raw), bool)
    missing: Any = np.zeros(labels.shape, bool)
    if labels.dtype.kind == "f":
        missing = np.isnan(labels)
    elif labels.dtype.kind in "UO":
        missing = np.isin(np.char.lower(np.char.strip(labels.astype(str))), list(MISSING))
    present: NDArray[np.bool_] = ~missing.reshape(len(raw), -1).any(axis=1)
    return present


def find_task(
    splits: Sequence[RawSplit], kind: Kind, classes: int | None, source: str, note: Note
) -> Task:
    """Find out what the labels of a dataset's splits mean.

    Args:
        splits: the training split first; each row has a label.
        kind: ``"regression"`` where they are numbers to estimate; else they are classes, or 0 and
            1 of several questions.
        classes: how many classes there are; None where the labels show it.
        source: where they are, for the messages.
        note: called with a sentence about what is not plain.

    Raises:
        DataError: if they are all alike, or mean nothing of the kind.
    """
    arrays = [_plain(split.labels) for split in splits]
    if kind == "regression":
        return _numbers(arrays[0], splits[0].answers, source)
    names = splits[0].label_names
    if arrays[0].ndim == 2:
        return _questions(arrays, names, kind, source, note)
    values = np.unique(np.concatenate(arrays))  # (C,), sorted
    if values.dtype.kind == "f":
        if not np.isfinite(values).all():
            raise DataError(f"a label of {source} is infinite: correct it")
        shown = next((value for value in values if value != np.floor(value)), values[-1])
        raise DataError(
            f"the labels of {source} are real numbers such as {shown:g}, and no classes: add "
            "--task regression to estimate them, or name another label"
        )
    if classes is None:
        _check_few(values, len(arrays[0]), source)
    own = np.unique(arrays[0])
    if len(own) < 2:
        raise DataError(
            f"all {len(arrays[0]):,} training labels of {source} are {own[0]}: a network needs two "
            "classes or more to learn from, so name another label or add rows of other classes"
        )
    unseen = [str(value) for value in values if value not in own]
    if unseen:
        note(f"class {', '.join(unseen[:5])} is in the test rows alone, so it cannot be learnt")
    found = _names(values, names)
    if classes is not None:
        found = _all_names(values, found, classes, source)
    if len(found) > MOST_CLASSES:
        raise DataError(f"{source} has {len(found):,} classes, over the limit of {MOST_CLASSES:,}")
    task = Task(names=found)
    if len({*task.names}) < len(found):
        alike = next(name for i, name in enumerate(task.names) if name in task.names[:i])
        raise DataError(
            f"two classes of {source} are both printed as {alike}: give them names that "
            "differ in their first 30 characters"
        )
    return task


def as_targets(raw: RawSplit, task: Task, source: str) -> NDArray[Any]:
    """Turn labels into those that a network for the task learns.

    Args:
        raw: each row has a label.
        task: what they mean; see `find_task`.
        source: where they are, for the messages.

    Returns:
        The classes, uint8 or uint16 of shape (N,); or 0 and 1, uint8 of shape (N, L); or
        standardised numbers, float32 of shape (N, L).

    Raises:
        DataError: if a label is none of the task's.
    """
    labels = _plain(raw.labels)
    if task.kind == "regression":
        numbers = _as_numbers(labels, source)
        if numbers.shape[1] != len(task.mean):
            raise DataError(
                f"{source} has {numbers.shape[1]} numbers a row to estimate, where "
                f"{len(task.mean)} belong"
            )
        scaled: NDArray[np.float32] = (
            (numbers - np.array(task.mean)) / np.array(task.deviation)
        ).astype(np.float32)
        return scaled
    if task.kind != "multiclass":
        if labels.ndim != 2 or labels.shape[1] != len(task.names):
            raise DataError(
                f"the labels of {source} have the shape {labels.shape}, where answers to "
                f"{len(task.names)} questions belong"
            )
        return labels.astype(np.uint8)
    if labels.ndim == 2:  # one-hot
        labels = labels.argmax(axis=1)
        found = _names(np.arange(labels.max(initial=0) + 1), raw.label_names)
        values = np.arange(len(found))
    else:
        values = np.unique(labels)
        found = _names(values, raw.label_names)
    number = {name: i for i, name in enumerate(task.names)}
    found = tuple(map(printable_name, found))  # as the task has them
    for name, value in zip(found, values, strict=True):
        if name not in number and (labels == value).any():
            row = int((labels == value).argmax())
            raise DataError(
                f"row {row + 1:,} of {source} has the label {name}, which is none of "
                f"{_listed(task.names)}: correct it, leave the row out, or train on data that "
                "has this class"
            )
    numbers_of = np.array([number.get(name, 0) for name in found], np.int64)
    dtype = np.uint8 if len(task.names) <= 256 else np.uint16
    classes: NDArray[Any] = numbers_of[np.searchsorted(values, labels)].astype(dtype)
    return classes


def _plain(labels: NDArray[Any] | None) -> NDArray[Any]:
    """Return labels as int64, float64 (where one is no whole number) or words."""
    assert labels is not None  # rows without labels are sorted out before
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    kind = labels.dtype.kind
    if kind in "UO":
        words = np.char.strip(labels.astype(str))
        try:
            labels, kind = words.astype(np.float64), "f"
        except ValueError:
            return words
    if kind == "b":
        return labels.astype(np.int64)
    if kind == "f":
        whole = np.isfinite(labels).all() and (labels == np.floor(labels)).all()
        return labels.astype(np.int64 if whole and np.abs(labels).max(initial=0) < 2**53 else float)
    return labels.astype(np.int64)


def _names(values: NDArray[Any], names: tuple[str, ...]) -> tuple[str, ...]:
    """Name classes: as the file does by their numbers, or by what they are called."""
    if names and values.dtype.kind == "i" and values.min() >= 0 and values.max() < len(names):
        return tuple(names[value] for value in values)
    return tuple(map(str, values.tolist()))


def _all_names(
    values: NDArray[Any], found: tuple[str, ...], classes: int, source: str
) -> tuple[str, ...]:
    """Name as many classes as are asked for, also those that do not occur."""
    if len(found) == classes:
        return found
    first = 0 if values.dtype.kind == "i" and values[-1] < classes else 1
    if values.dtype.kind == "i" and first <= values[0] and values[-1] < first + classes:
        return tuple(map(str, range(first, first + classes)))
    raise DataError(
        f"{source} has the classes {_listed(found)}, which are {len(found):,} and not {classes:,}: "
        "give their number, or leave it out"
    )


def _check_few(values: NDArray[Any], N: int, source: str) -> None:
    """Refuse classes that hardly any two rows share: numbers to estimate, or the rows' own."""
    C = len(values)
    if values.dtype.kind != "i":
        if are_rows_own(C, N):
            raise DataError(
                f"the labels of {source} are {C:,} words in {N:,} rows, such as {values[0]}, which "
                "name the rows and are no classes: name another label with --label, and leave this "
                "column out with --drop"
            )
        return
    span = int(values[-1]) - int(values[0]) + 1
    if are_rows_own(C, N) or (C > 50 and N < 4 * C and 0.9 * span > C):
        raise DataError(
            f"the labels of {source} have {C:,} values in {N:,} rows, too many for classes: add "
            "--task regression to estimate them as numbers, or name another label"
        )


def are_rows_own(C: int, N: int) -> bool:
    """Whether so many different values are hardly ever shared by two of so many rows."""
    return C > 50 and 2 * N < 3 * C


def _questions(
    arrays: Sequence[NDArray[Any]], names: tuple[str, ...], kind: Kind, source: str, note: Note
) -> Task:
    """Find out whether columns of 0 and 1 are one-hot classes or answers to questions."""
    L = arrays[0].shape[1]
    if any(labels.shape[1:] != (L,) or not np.isin(labels, (0, 1)).all() for labels in arrays):
        raise DataError(
            f"{source} has several labels a row that are not all 0 or 1: give each row one class, "
            "or the answers to the same questions, or add --task regression"
        )
    names = names if len(names) == L else tuple(map(str, range(L)))
    one_hot = all((labels.sum(axis=1) == 1).all() for labels in arrays)
    if one_hot and kind == "multiclass":
        if len(np.unique(arrays[0].argmax(axis=1))) < 2:
            raise DataError(f"all training labels of {source} are of one class: add others")
        note(f"labels are one-hot: {L} classes, one a row")
        return Task(names=names)
    return Task("multilabel", names)


def _numbers(labels: NDArray[Any], answers: tuple[str, ...], source: str) -> Task:
    numbers = _as_numbers(labels, source)  # (N, L)
    mean, deviation = numbers.mean(axis=0), numbers.std(axis=0)
    if not (deviation > 1e-12 * np.maximum(1.0, np.abs(mean))).all():
        raise DataError(
            f"a label of {source} is {mean[int(deviation.argmin())]:g} in all training rows, so "
            "that there is nothing to estimate: name another label"
        )
    L = numbers.shape[1]
    names = answers
    if len({*names}) != L:
        names = ("value",) if L == 1 else tuple(f"value {i + 1}" for i in range(L))
    return Task("regression", names, (), tuple(mean.tolist()), tuple(deviation.tolist()))


def _as_numbers(labels: NDArray[Any], source: str) -> NDArray[np.float64]:
    if labels.dtype.kind == "U":
        raise DataError(
            f"the labels of {source} are words such as {str(labels.flat[0])[:20]!r}, and not "
            "numbers to estimate: leave --task regression away, or name another label"
        )
    numbers = labels.astype(np.float64).reshape(len(labels), -1)  # (N, L)
    if not np.isfinite(numbers).all():
        row = int((~np.isfinite(numbers)).any(axis=1).argmax())
        raise DataError(f"the label in row {row + 1:,} of {source} is infinite: correct it")
    return numbers


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:10])
    return f"{shown}, …" if len(names) > 10 else shown
