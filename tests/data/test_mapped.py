"""Training from unpacked IDX files, which stay on disk: the same bits, and hardly any memory."""

from __future__ import annotations

import os
import struct
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from device import CountingBackend
from toys import CLASSES, toy_dataset, toy_model

import backends.cpu
from mlp.common import bounds
from mlp.common.errors import DataError
from mlp.data import dataset
from mlp.data.formats.convert import read_raw
from mlp.data.formats.idx import write_idx
from mlp.data.formats.idx_folder import TEST_FILES, TRAIN_FILES, load_idx_folder, write_idx_folder
from mlp.data.load import load_dataset
from mlp.models.metadata import metadata_of
from mlp.nn.network import MLP
from mlp.training.loop import train
from mlp.training.recipe import Recipe
from mlp.training.trainer import Trainer

DATA = toy_dataset(train=700, test=90)
SIDE = 28


@pytest.fixture(autouse=True)
def every_file_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MAPPED_FROM", 0)


def raw_folder(folder: Path, images: int) -> Path:
    """Images of nothing but paper, which as holes in their files take no room on the disk."""
    folder.mkdir()
    for (pixels, labels), count in ((TRAIN_FILES, images), (TEST_FILES, 100)):
        with (folder / pixels).open("wb") as file:
            file.write(struct.pack(">4B3I", 0, 0, 8, 3, count, SIDE, SIDE))
            file.truncate(16 + count * SIDE * SIDE)
        with (folder / labels).open("wb") as file:
            file.write(struct.pack(">4BI", 0, 0, 8, 1, count))
            file.write((b"\0\1" * count)[:count])
    return folder


def peak_of_training(folder: Path, recipe: Recipe) -> int:
    """The most bytes that Python and NumPy had allocated at once, from opening the files on."""
    tracemalloc.start()
    try:
        data = load_dataset(str(folder))
        train(MLP([data.pixels, 6, data.classes]), data, recipe)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "options",
    [
        {"batch_size": 32},
        {"batch_size": "full"},
        {"batch_size": 32, "validation": 0.2, "train_accuracy": "running"},
        {"batch_size": 50, "shuffle": False},
    ],
    ids=str,
)
def test_what_is_learnt_is_the_same_to_the_bit(tmp_path: Path, options: dict[str, Any]) -> None:
    runs = []
    for compress in (False, True):
        write_idx_folder(DATA, tmp_path / str(compress), compress=compress)
        data = load_idx_folder(tmp_path / str(compress), classes=CLASSES)
        assert isinstance(data.train.images, np.memmap) != compress
        model = toy_model()
        train(model, data, Recipe(epochs=3, **options))
        metadata = metadata_of(model)
        figures = tuple(epoch | {"seconds": None} for epoch in metadata.history)
        runs.append((model.parameters.tobytes(), replace(metadata, history=figures)))
    assert runs[0] == runs[1]


def test_the_trainer_keeps_no_copy_of_the_images(tmp_path: Path) -> None:
    write_idx_folder(toy_dataset(train=20_000), tmp_path, compress=False)
    data = load_idx_folder(tmp_path, classes=CLASSES)
    trainer = Trainer(toy_model(), data.train, Recipe())
    assert np.shares_memory(trainer.batches.images, data.train.images)


@pytest.mark.parametrize("batch_size", [32, "full"])
def test_mapped_images_that_fit_no_device_train_the_same(tmp_path: Path, batch_size: Any) -> None:
    write_idx_folder(DATA, tmp_path, compress=False)
    data, recipe = (
        load_idx_folder(tmp_path, classes=CLASSES),
        Recipe(batch_size=batch_size, epochs=3),
    )
    device = CountingBackend(working_set=100_000, free=1000)
    images = Trainer(toy_model(backend=device), data.train, recipe).batches.images
    assert isinstance(images, np.memmap)
    results = []
    for backend in (device, CountingBackend(working_set=100_000)):
        model = toy_model(backend=backend)
        train(model, data, recipe)
        results.append(backend.to_numpy(model.parameters).tobytes())
    assert results[0] == results[1]


@pytest.mark.parametrize(
    "options", [{"shuffle": True}, {"batch_size": "full"}, {"validation": 0.1}], ids=str
)
def test_memory_hardly_grows_with_the_images(
    tmp_path: Path, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What grows is each image's place in the shuffle, and its label as an index."""
    monkeypatch.setattr(
        backends.cpu, "WORKING_SET_BYTES", 64 << 10
    )  # or buffers outweigh few images
    monkeypatch.setattr(backends.cpu, "SPAN", 1)
    monkeypatch.setattr(dataset, "MOST_COPIED", 64 << 10)
    recipe = Recipe(**{"epochs": 2, "warmup": 0.0, "batch_size": 50, **options})
    few, many = 16_000, 32_000  # as many parts of a full batch, each with its gradient
    small = peak_of_training(raw_folder(tmp_path / "few", few), recipe)
    large = peak_of_training(raw_folder(tmp_path / "many", many), recipe)
    assert large - small < 0.08 * (many - few) * SIDE * SIDE


def test_mapped_files_cannot_be_written_to(tmp_path: Path) -> None:
    data = load_idx_folder(raw_folder(tmp_path / "raw", 50))
    with pytest.raises(ValueError, match="read-only"):
        data.train.images[0] = 1


def test_unpacked_files_that_cannot_be_mapped_are_refused_as_ever(tmp_path: Path) -> None:
    folder = raw_folder(tmp_path / "raw", 50)
    path = folder / TRAIN_FILES[0]
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match="too short"):
        load_idx_folder(folder)
    path.write_bytes(struct.pack(">4B3I", 0, 0, 0x0B, 3, 50, 2, 2) + bytes(50 * 8))
    with pytest.raises(DataError, match="holds int16 of shape"):
        load_idx_folder(folder)
    path.write_bytes(b"\0\0")
    with pytest.raises(DataError, match="ends within its header"):
        load_idx_folder(folder)


@pytest.mark.parametrize("name", ["digits-idx3-ubyte", "digits.npy"])
def test_a_file_of_usual_size_may_be_cut_short_once_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.undo()  # a mapped one would end this process by SIGBUS
    path, pixels = tmp_path / name, np.tile(DATA.train.images, (30, 1, 1))
    write_idx(path, pixels) if path.suffix != ".npy" else np.save(path, pixels)
    features = read_raw(path)["all"].features
    os.truncate(path, 100)
    assert np.array_equal(features, pixels)
