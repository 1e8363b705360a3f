"""Named arrays, as in .npz and .mat files: which are images, which labels, and of which split."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp.common.errors import DataError, UsageError
from mlp.data.arrange import told_order
from mlp.data.formats.request import Request
from mlp.data.formats.splits import TEST, TRAIN, WHOLE, RawSplits
from mlp.data.inputs import Columns
from mlp.data.one_hot import check_alone
from mlp.data.raw import VALIDATION, RawSplit

FEATURES = ("x", "images", "image", "imgs", "img", "data", "features", "inputs", "pixels", "arr0")
LABELS = ("y", "labels", "label", "targets", "target", "classes", "class", "arr1")

_SPLITS = {
    TRAIN: ("train", "training", "tr"),
    TEST: ("test", "testing", "te", "t10k"),
    VALIDATION: ("val", "valid", "validation", "dev"),
}
_WORDS = {word: split for split, words in _SPLITS.items() for word in words}
_JOINED = re.compile(rf"([xy])?({'|'.join(sorted(_WORDS, key=len, reverse=True))})([xy])?")

_LUMA = (0.299, 0.587, 0.114)  # of red, green and blue: ITU-R BT.601, as Pillow has it

AnyArray = NDArray[Any]


def role_of(name: str) -> tuple[str, str] | None:
    """Tell what an array is by its name: its split and ``"features"`` or ``"labels"``.

    It is of the whole where the name names no split; None where the name says nothing.
    """
    split, role = WHOLE, None
    for token in re.split(r"[^a-z0-9]+", name.lower().replace("arr_", "arr")):
        match = _JOINED.fullmatch(token)
        if match and not (match[1] and match[3]):
            split = _WORDS[match[2]]
            token = match[1] or match[3] or ""
        if token in FEATURES:
            role = "features"
        elif token in LABELS:
            role = "labels"
    return (split, role) if role else None


def choose(names: Iterable[str], source: object) -> dict[str, dict[str, str]]:
    """Choose among the names of arrays.

    Returns:
        By split, the name of its features and, where there are any, of its labels.

    Raises:
        DataError: if two names are the same thing, or no features are named.
    """
    names = list(names)
    found: dict[str, dict[str, str]] = {}
    for name in names:
        place = role_of(name)
        if place is None:
            continue
        split, role = place
        if role in found.setdefault(split, {}):
            raise DataError(
                f"{source} has {role} twice, {found[split][role]} and {name}: keep one of them"
            )
        found[split][role] = name
    if not found and len(names) == 1:
        found = {WHOLE: {"features": names[0]}}
    if TRAIN in found:
        found.pop(WHOLE, None)
    chosen = {split: roles for split, roles in found.items() if "features" in roles}
    if not chosen:
        raise DataError(
            f"{source} names no images: it has {', '.join(names[:8]) or 'no arrays'}, and should "
            "have x_train, y_train, x_test and y_test, or X and y"
        )
    return chosen


def join_validation(splits: RawSplits, source: object, note: Callable[[str], None]) -> RawSplits:
    """Test on validation rows where there are no test rows; else train on them, too."""
    if WHOLE in splits and len(splits) > 1 and TRAIN not in splits:  # X and X_test, say
        splits[TRAIN] = splits.pop(WHOLE)
    rows = splits.pop(VALIDATION, None)
    if rows is not None and TEST not in splits:
        note(f"{source} has rows for validation and none for the test: they are tested on")
        splits[TEST] = rows
    elif rows is not None and TRAIN in splits:
        note(
            f"{source} has rows for validation: they are trained on, unless --validation holds out"
        )
        train = splits[TRAIN]
        if train.labels is None or rows.labels is None:
            raise DataError(f"the training or validation rows of {source} lack labels: add them")
        if train.features.shape[1:] != rows.features.shape[1:]:
            raise DataError(f"training and validation rows of {source} are of different sizes")
        splits[TRAIN] = replace(
            train,
            features=np.concatenate([train.features, rows.features]),
            labels=np.concatenate([train.labels, rows.labels]),
        )
    if len(splits) == 1:
        return {WHOLE: next(iter(splits.values()))}
    return {name: splits[name] for name in (TRAIN, TEST)}


def as_splits(
    chosen: Mapping[str, Mapping[str, str]],
    arrays: Mapping[str, AnyArray],
    source: object,
    request: Request,
) -> RawSplits:
    """Make splits of the arrays that were chosen by their names; see `choose`.

    Raises:
        DataError: if an array is of another shape or dtype than images, rows or labels are.
        UsageError: if ``--label`` is no column.
    """
    splits = {}
    for split, roles in chosen.items():
        labels = arrays[roles["labels"]] if "labels" in roles else None
        features = arrays[roles["features"]]
        splits[split] = as_split(features, labels, f"{roles['features']} in {source}", request)
    tell_order(next(iter(splits.values())), source, request)
    return join_validation(splits, source, request.note)


def as_split(
    features: AnyArray, labels: AnyArray | None, source: str, request: Request
) -> RawSplit:
    """Bring an array of images or rows, and one of labels, to the axes of a `RawSplit`.

    Args:
        features: shape (N, H, W), (N, I), with a channel axis of 1, 3 or 4 values, or with N last.
        labels: shape (N,), (N, 1), (1, N) or (N, L).
        source: the array's name, for messages.
        request: whom to tell of colours and turned axes; and the label's column, where there is no
            array of labels, or the columns of a one-hot label.
    """
    if labels is not None:
        labels = _squeeze_labels(labels, source)
        if features.ndim > 1 and len(features) != len(labels) == features.shape[-1]:
            request.note(f"{source} counts its examples along the last axis")
            features = np.moveaxis(features, -1, 0)
    if features.dtype.kind not in "biuf" or features.ndim not in (2, 3, 4):
        raise _misshapen(features, source)
    if features.ndim == 4:
        features = _without_channels(features, source, request)
    features = features.astype(features.dtype.newbyteorder("="), copy=False)
    if labels is None and request.reading.label is not None and features.ndim == 2:
        is_known = request.known is not None
        features, labels = _take_column(features, request.reading.label, source, is_known)
    return RawSplit(features, labels)


def _squeeze_labels(labels: AnyArray, source: str) -> AnyArray:
    if labels.dtype.kind == "S":
        labels = np.char.decode(labels, "utf-8", "replace")
    if labels.ndim == 2 and 1 in labels.shape:
        labels = labels.reshape(-1)
    if labels.ndim not in (1, 2) or labels.dtype.kind not in "biufU":
        raise DataError(
            f"the labels of {source} are {labels.dtype} of shape {labels.shape}: save them as "
            "numbers or words of shape (count,)"
        )
    return labels.astype(labels.dtype.newbyteorder("="), copy=False)


def _without_channels(images: AnyArray, source: str, request: Request) -> AnyArray:
    """Leave out a channel axis, the last or the second; colours become grey, in the same dtype."""
    second, third, last = images.shape[1:]
    if second in (1, 3) and (last not in (1, 3, 4) or third == last):
        images = np.moveaxis(images, 1, -1)  # (N, H, W, channels)
    channels = images.shape[-1]
    if channels not in (1, 3, 4):
        raise _misshapen(images, source)
    if channels == 1:
        return images[..., 0]
    request.note(f"{source} is of colours: they are read as grey")
    grey = np.empty(images.shape[:3], images.dtype)
    for start in range(0, len(images), 1_000):  # few at a time, as floats take more room
        part = images[start : start + 1_000, ..., :3] @ np.array(_LUMA)
        grey[start : start + 1_000] = np.rint(part) if images.dtype.kind in "iu" else part
    return grey


def _take_column(
    table: AnyArray, label: str, source: str, is_known: bool
) -> tuple[AnyArray, AnyArray]:
    """Take the label's column, or the columns of a one-hot label, out of a table."""
    count, columns = table.shape[1], []
    for part in label.split(","):
        if not re.fullmatch(r"-?\d{1,9}", part.strip()) or not -count <= int(part) < count:
            raise UsageError(
                f"--label {label} is no column of {source}: give a number from 0 to {count - 1}, "
                f"or from -1 to {-count} counted from the end"
            )
        columns.append(int(part) % count)
    if len({*columns}) < len(columns):
        raise UsageError(f"--label {label} names a column twice: name each class once")
    if len(columns) > 1:
        return np.delete(table, columns, axis=1), table[:, columns]
    column = columns[0]
    if not is_known:
        check_alone(table, column, [c for c in range(count) if c != column], None, source)
    return np.delete(table, column, axis=1), table[:, column]


def tell_order(split: RawSplit, source: object, request: Request) -> None:
    """Tell that columns are taken in their order, which a model knows by their names."""
    known = request.known
    if known is None or split.features.ndim != 2 or not isinstance(known.inputs, Columns):
        return
    if order := told_order(source, None, known.inputs, "names of columns"):
        request.note(order)


def _misshapen(array: AnyArray, source: str) -> DataError:
    return DataError(
        f"{source} is {array.dtype} of shape {array.shape}: save images as numbers of shape "
        "(count, height, width), or rows as (count, columns)"
    )
