"""Every range that a model learnt, asked with every other: read alike everywhere, or refused."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mlp.common.errors import DataError
from mlp.data.inputs import Pixels
from mlp.data.intake import Intake
from mlp.data.interpret import Meaning, interpret
from mlp.data.ranges import ranges_for
from mlp.data.raw import TEST, TRAIN, WHOLE, RawSplit
from mlp.models.metadata import Metadata
from mlp.models.predict import predict
from mlp.nn.network import MLP

RNG = np.random.default_rng(3)
LABELS = np.arange(60) % 3
BYTES = RNG.integers(0, 256, (60, 8, 8), dtype=np.uint8)
BYTES[:, 0, :2] = 0, 255

Scaled = Callable[[np.ndarray], np.ndarray]

SCALES: dict[str, Scaled] = {
    "bytes": lambda a: a,
    "floats of bytes": lambda a: a.astype(np.float32),
    "0..1": lambda a: a / 255.0,
    "bool": lambda a: a > 127,
    "bitmap": lambda a: (a > 127).astype(np.uint8),
    "0..15": lambda a: a // 16,
    "0..16": lambda a: np.rint(a / 255 * 16),
    "0..31": lambda a: a // 8,
    "0..100": lambda a: a / 255 * 100,
    "0..4080": lambda a: a.astype(np.uint16) * 16,
    "0..65535": lambda a: a.astype(np.uint16) * 257,
    "-1..1": lambda a: (a / 127.5 - 1).astype(np.float32),
    "-128..127": lambda a: (a.astype(np.int16) - 128).astype(np.int8),
    "z": lambda a: ((a / 255 - 0.1307) / 0.3081).astype(np.float32),
}


def learnt(name: str) -> Pixels:
    """What a model of images of this scale reads."""
    return Pixels.of([SCALES[name](BYTES)], (8, 8), "tests")


def by_eval(pixels: Pixels, images: np.ndarray) -> tuple[np.ndarray, bool]:
    told: list[str] = []
    raw = {key: RawSplit(images, LABELS) for key in (TRAIN, TEST)}
    known = Meaning(None, pixels)
    dataset = interpret(raw, "drawn", "tests", known=known, note=told.append)
    return dataset.test.images, any("paler" in sentence for sentence in told)


def by_rows(pixels: Pixels, images: np.ndarray) -> tuple[np.ndarray, bool]:
    intake = Intake(pixels, 64, "tests")
    return intake.take(RawSplit(images)), intake.remark is not None


def by_python(pixels: Pixels, images: np.ndarray) -> tuple[np.ndarray, bool]:
    seen: list[np.ndarray] = []

    class Seeing(MLP):
        def forward(self, X: Any) -> Any:
            seen.append(np.array(X))
            return super().forward(X)

    model = Seeing([64, 3])
    model.metadata = Metadata(inputs=pixels)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        predict(model, images)
    return np.concatenate(seen).reshape(-1, 8, 8) * 255, bool(told)


@pytest.mark.parametrize("ask", [by_eval, by_rows, by_python])
@pytest.mark.parametrize("model", SCALES)
def test_each_range_asked_of_each_model_is_read_or_refused(
    model: str, ask: Callable[[Pixels, np.ndarray], tuple[np.ndarray, bool]]
) -> None:
    read, refused = 0, []
    for asked, scaled in SCALES.items():
        try:
            taken, told = ask(learnt(model), scaled(BYTES))
        except DataError:
            refused.append(asked)
            continue
        if told:
            assert asked not in (model, "0..1", "bool"), asked
            continue
        read += 1
        expected = SCALES["bool"](BYTES) * 255.0 if asked in ("bool", "bitmap") else BYTES * 1.0
        wrong = np.abs(taken.astype(float) - expected).max()
        assert wrong <= 16, f"{asked} of {model}"  # a step of the coarsest scale
    assert read >= 2
    assert model not in refused


@pytest.mark.parametrize("model", ["bytes", "0..16", "0..65535", "0..100"])
def test_shares_and_bools_are_read_by_every_model_whose_paper_is_0(model: str) -> None:
    for asked in ("0..1", "bool"):
        for ask in (by_eval, by_rows, by_python):
            taken, told = ask(learnt(model), SCALES[asked](BYTES))
            assert not told
            assert np.abs(taken - (BYTES if asked == "0..1" else (BYTES > 127) * 255.0)).max() <= 1


@pytest.mark.parametrize("kinds", [("bytes", "0..1"), ("0..1", "bytes"), ("bool", "bytes")])
def test_each_split_has_a_range_of_its_own(kinds: tuple[str, str]) -> None:
    train, test = (RawSplit(SCALES[kind](BYTES), LABELS) for kind in kinds)
    known = Meaning(None, Pixels(shape=(8, 8)))
    dataset = interpret({TRAIN: train, TEST: test}, "drawn", "tests", known=known)
    for split, kind in zip((dataset.train, dataset.test), kinds, strict=True):
        expected = (BYTES > 127) * np.uint8(255) if kind == "bool" else BYTES
        np.testing.assert_array_equal(split.images, expected)


def test_a_set_without_a_test_has_one_range() -> None:
    images = np.concatenate([BYTES[:50] / 255 * 0.5, BYTES[50:] / 255])
    known = Meaning(None, Pixels(shape=(8, 8)))
    dataset = interpret({WHOLE: RawSplit(images, LABELS)}, "drawn", "tests", known=known)
    both = np.concatenate([dataset.train.images, dataset.test.images])
    assert np.sort(both.max(axis=(1, 2))).tolist() == [128] * 50 + [255] * 10


def test_splits_that_make_the_models_range_together_are_read_as_in_training() -> None:
    splits = [BYTES / 255.0 * 3, BYTES / 255.0]
    inputs = Pixels.of(splits, (8, 8), "tests")
    (first, silent), (second, told) = ranges_for(splits, inputs, "tests")
    assert (first, second, silent) == (inputs, inputs, None)
    assert told is not None
    assert "paler" in told


FULL: dict[str, Scaled] = {
    "1": lambda a: (a > 127).astype(np.uint8),
    "3": lambda a: a // 64,
    "7": lambda a: a // 32,
    "15": lambda a: a // 16,
    "16": lambda a: np.rint(a / 255 * 16),
    "31": lambda a: a // 8,
    "63": lambda a: a // 4,
    "64": lambda a: np.rint(a / 255 * 64),
    "100": lambda a: np.rint(a / 255 * 100),
}


@pytest.mark.parametrize("ask", [by_eval, by_rows, by_python])
@pytest.mark.parametrize(
    ("model", "asked"),
    [
        (model, asked)
        for model in ("7", "16", "31", "63", "100", "255", "4095")
        for asked in FULL
        if float(model) >= 3.9 * float(asked)  # as of two bits fewer
    ],
)
def test_many_images_that_fill_another_range_are_refused(
    model: str, asked: str, ask: Callable[[Pixels, np.ndarray], tuple[np.ndarray, bool]]
) -> None:
    with pytest.raises(DataError, match=f"go from 0 to {asked}, where"):
        ask(Pixels(0.0, float(model), (8, 8)), FULL[asked](BYTES))


@pytest.mark.parametrize("ask", [by_eval, by_rows, by_python])
@pytest.mark.parametrize(
    "images",
    [
        BYTES // 8 + np.arange(60, dtype=np.uint8)[:, None, None] % 3,  # pale ink varies
        np.rint(BYTES * 0.2),  # to 51, which is no full scale
        np.where(np.arange(60)[:, None, None] % 4, 0, BYTES // 8),  # fifteen, and blank ones
    ],
)
def test_pale_images_are_told_and_answered(
    images: np.ndarray, ask: Callable[[Pixels, np.ndarray], tuple[np.ndarray, bool]]
) -> None:
    taken, told = ask(Pixels(shape=(8, 8)), images)
    assert told
    np.testing.assert_allclose(taken, images, rtol=0, atol=1e-3)


@pytest.mark.parametrize("top", [17, 31, 63, 64, 100, 127])
def test_a_pale_picture_is_answered(top: int) -> None:
    images = np.rint(BYTES[:1] / 255 * top).astype(np.uint8)
    for ask in (by_rows, by_python):
        taken, told = ask(Pixels(shape=(8, 8)), images)
        assert told
        np.testing.assert_allclose(taken, images, rtol=0, atol=1e-3)


def test_floats_far_below_one_are_of_no_model_of_shares() -> None:
    for ask in (by_eval, by_rows, by_python):
        for model in (Pixels(shape=(8, 8)), Pixels(0.0, 1.0, (8, 8))):
            with pytest.raises(DataError, match=r"go from 0 to 0\.0039"):
                ask(model, BYTES / 255.0 / 255.0)


def test_splits_that_fill_their_range_differently_are_told_or_refused() -> None:
    told: list[str] = []
    train = RawSplit(SCALES["0..100"](BYTES), LABELS)
    for name in ("0..16", "pale", "0..100"):
        values = np.rint(BYTES / 255 * 50) if name == "pale" else SCALES[name](BYTES)
        raw = {TRAIN: train, TEST: RawSplit(values, LABELS)}
        if name == "0..16":
            with pytest.raises(DataError, match="0 to 100, and the test images 0 to 16: bring all"):
                interpret(raw, "drawn", "tests")
            continue
        interpret(raw, "drawn", "tests", note=told.append)
    assert [sentence for sentence in told if "paler" in sentence] == [
        "the training images of tests have pixels 0 to 100, and the test images 0 to 63: the one "
        "are read as paler than the other"
    ]
