"""From what the files hold to a dataset: ranges, classes, splits and missing values, decided here.

A format reads arrays and decides nothing. What is decided is kept in the dataset, and in the model
that is trained on it, so that new input is taken alike.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from mlp.common.errors import DataError
from mlp.common.quiet import quiet
from mlp.common.rng import generator
from mlp.data.arrange import arrange
from mlp.data.dataset import Dataset, Split, evenly_drawn
from mlp.data.inputs import Columns, Inputs, Pixels
from mlp.data.likely_label import likely_label
from mlp.data.one_hot import one_hot_names
from mlp.data.ranges import ranges_for, told_apart
from mlp.data.raw import TEST, TRAIN, WHOLE, RawSplit, RawSplits
from mlp.data.reading import Reading
from mlp.data.targets import as_targets, find_task, has_label
from mlp.data.task import Kind, Task
from mlp.data.unlike import told_unlike

SMALLEST_IMAGE = 7
"""The least side, in pixels, of an image that is recognised without names of its pixels."""

_PIXEL_NAME = re.compile(r"(pixel|px|p|image)?[_ ]?\d{1,6}([x_]\d{1,6}){0,2}", re.IGNORECASE)


class Meaning(NamedTuple):
    """What data for a model has to be taken as, which it was trained to read and to answer.

    Attributes:
        task: what the labels mean; None where they are found, and relabelled afterwards.
        inputs: what the values mean; None where it is found.
    """

    task: Task | None
    inputs: Inputs | None


def interpret(
    splits: RawSplits,
    name: str,
    source: str,
    reading: Reading | None = None,
    *,
    kind: Kind = "multiclass",
    known: Meaning | None = None,
    seed: int = 0,
    note: Callable[[str], None] | None = None,
) -> Dataset:
    """Make a dataset of what files hold.

    Args:
        splits: what they hold.
        name: what the dataset is called.
        source: where it is, for the messages.
        reading: the user's choices; the defaults of `Reading` unless given.
        kind: ``"regression"`` where the labels are numbers to estimate; else it is found.
        known: what a model takes the data as; found unless given.
        seed: of the draw of the test rows, where there is no test set.
        note: called with a sentence about each decision that is not plain.

    Raises:
        DataError: if the data does not make a dataset; the message names the first fault.
    """
    reading, tell = reading or Reading(), note or quiet
    splits = _shaped(splits, known.inputs if known else None, source)
    _check_shapes(splits, source)
    given = splits[WHOLE if WHOLE in splits else TRAIN]
    splits = {key: _labelled(key, split, source, tell) for key, split in splits.items()}
    whole = splits[WHOLE] if WHOLE in splits else splits[TRAIN]
    if not len(whole):
        raise DataError(f"{source} has no labels {_remedy(given, known)}")
    parts = [whole, *(split for key, split in splits.items() if key == TEST and len(split))]
    held_out, task = len(parts) == 1, known.task if known else None
    hint = "" if known else " (--test changes how many)"  # as it is with the model else
    is_of_numbers = (task.kind if task else kind) == "regression"
    if held_out and is_of_numbers:  # whose mean is that of the training rows
        is_test = _drawn(np.zeros(len(whole), np.uint8), reading, source, seed, tell, hint)
        parts = [whole[~is_test], whole[is_test]]
    if task is None or (task.kind in ("binary", "multilabel") and not _are_answers(whole)):
        task = find_task(parts, kind, reading.classes, source, tell)
    targets = [as_targets(part, task, source) for part in parts]
    if held_out and not is_of_numbers:
        is_test = _drawn(targets[0], reading, source, seed, tell, hint)
        parts = [whole[~is_test], whole[is_test]]
        targets = [targets[0][~is_test], targets[0][is_test]]
    inputs = known.inputs if known else None
    if inputs is None:
        inputs = _find_inputs(parts, reading, source)
    if not ((known and known.inputs) or (isinstance(inputs, Pixels) and inputs.is_plain)):
        tell(str(inputs))
    if known is None and isinstance(inputs, Pixels) and not held_out:
        apart = told_apart(parts[0].features, parts[1].features, inputs, source)
        if apart:
            tell(apart)
    taken: Sequence[Inputs] = [inputs] * len(parts)
    if known and isinstance(known.inputs, Pixels):
        sets = [whole] if held_out else parts
        found = ranges_for([part.features for part in sets], known.inputs, source)
        taken = [pixels for pixels, _ in found] * (len(parts) // len(sets))
        for remark in dict.fromkeys(remark for _, remark in found if remark):
            tell(remark)
    elif known and isinstance(known.inputs, Columns):
        strange = told_unlike(parts[-1].features, known.inputs, parts[-1].source or source)
        if strange:
            tell(strange)
    train, test = (
        Split(of.apply(part.features, part.source or source, part.numbers), labels)
        for of, part, labels in zip(taken, parts, targets, strict=True)
    )
    return Dataset(
        name, source, len(task.names), train, test, task, inputs=inputs, is_one_set=held_out
    )


def _remedy(given: RawSplit, known: Meaning | None) -> str:
    """Say what helps where no row has a label."""
    if known is not None and known.task is not None:
        names = known.task.names
        if known.task.kind == "regression":
            return f"to measure the model by: add the column {' and '.join(names[:8])}"
        return "to measure the model by: call their column label, or add one"
    if given.columns is None and given.features.ndim == 2:
        return "to learn from: --label 0 takes the first column for them, and --label -1 the last"
    if given.columns is None:
        return "to learn from: name the column or the file that holds them"
    spread = one_hot_names(given)
    name = ",".join(spread) if spread else likely_label(given)
    return f"to learn from: name their column with --label, such as --label {name}"


def _shaped(splits: RawSplits, known: Inputs | None, source: str) -> RawSplits:
    """Give the rows of all splits the shape of images, or of none; or a model's columns."""
    if isinstance(known, Columns):
        return {
            key: replace(split, features=arrange(split, known, source), columns=known.names)
            if split.features.ndim == 2 and split.columns is not None
            else split
            for key, split in splits.items()
        }
    shaped = {key: as_images(split) for key, split in splits.items()}
    return shaped if all(split.features.ndim == 3 for split in shaped.values()) else splits


def as_images(split: RawSplit) -> RawSplit:
    """Give rows that are images their shape, (N, height, width); leave other splits as they are."""
    features = split.features
    if features.ndim == 3:
        return split
    side = math.isqrt(features.shape[1])
    if side**2 != features.shape[1] or side < 2:
        return split
    names = split.columns
    if names is not None and not all(map(_PIXEL_NAME.fullmatch, names)):
        return split
    named = names is not None and not all(name.isdecimal() for name in names)
    if not named and (side < SMALLEST_IMAGE or not _could_be_pixels(features)):
        return split
    return replace(split, features=features.reshape(len(features), side, side), columns=None)


def _could_be_pixels(features: np.ndarray) -> bool:
    """Whether values are those of pixels: whole numbers up to 16 bits, or from 0 to 1."""
    if features.dtype.kind == "b" or not features.size:
        return True
    if not (features.min() >= 0 and features.max() <= 65535):  # nor where one is missing
        return False
    whole = features.dtype.kind != "f" or features.max() <= 1
    return bool(whole or (features == np.floor(features)).all())


def _check_shapes(splits: RawSplits, source: str) -> None:
    for key, split in splits.items():
        if not split.features.size:
            raise DataError(f"the split {key} of {source} holds no images: get it again")
    shapes = {split.features.shape[1:] for split in splits.values()}
    if len(shapes) > 1:
        told = " and ".join(" x ".join(map(str, shape)) for shape in sorted(shapes))
        raise DataError(
            f"the splits of {source} have images of different sizes ({told}): "
            "they do not belong together"
        )
    names = [split.columns for split in splits.values() if split.columns is not None]
    for ours, theirs in pairwise(names):
        if ours != theirs:
            place = next(
                i for i, pair in enumerate(zip(ours, theirs, strict=True)) if len({*pair}) > 1
            )
            raise DataError(
                f"column {place + 1} of {source} is called {ours[place]} in one split and "
                f"{theirs[place]} in the other: bring both into one order"
            )


def _labelled(key: str, split: RawSplit, source: str, tell: Callable[[str], None]) -> RawSplit:
    """Leave out the rows without a label."""
    there = has_label(split)
    if there.all():
        return split
    if there.any():
        lost = int((~there).sum())
        rows = "1 row" if lost == 1 else f"{lost:,} rows"
        tell(f"left out, as they have no label: {rows} of {source} ({key})")
    elif key == TEST:
        tell(f"the test rows of {source} have no labels and are left out")
    return split[there]


def _are_answers(split: RawSplit) -> bool:
    """Whether each row has several labels."""
    return split.labels is not None and split.labels.ndim == 2


def _drawn(
    strata: np.ndarray,
    reading: Reading,
    source: str,
    seed: int,
    tell: Callable[[str], None],
    hint: str,
) -> np.ndarray:
    """Draw the rows to hold out for the test, from each class alike: which are, shape (N,)."""
    N = len(strata)
    count = _test_count(reading.test, N, source)
    is_test = np.zeros(N, bool)
    is_test[evenly_drawn(strata, count, generator(seed, "test"))] = True
    alike = " from each class alike" if (strata != strata[0]).any() else ""
    tell(
        f"{source} has no test set: {count:,} of {N:,} rows are held out for it, drawn at "
        f"random{alike}{hint}"
    )
    return is_test


def _test_count(test: float, N: int, source: str) -> int:
    count = max(1, round(test * N)) if test < 1 else int(test)
    if count >= N:
        raise DataError(
            f"{source} has {N:,} labelled rows, of which {count:,} cannot be held out for the "
            "test: hold out fewer with --test"
        )
    return count


def _find_inputs(parts: Sequence[RawSplit], reading: Reading, source: str) -> Inputs:
    """Find the range of images, or measure the columns of the training rows."""
    features = [part.features for part in parts]
    if features[0].ndim == 3:
        height, width = features[0].shape[1:]
        return Pixels.of(features, (height, width), source)
    fill, first = reading.missing == "mean", parts[0]
    return Columns.of(features[0], first.columns, fill, first.source or source, first.numbers)
