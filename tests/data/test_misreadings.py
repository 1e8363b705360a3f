"""What was once misread in silence, or ended in a traceback, is read right or refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlp.common.errors import DataError
from mlp.data.formats.convert import convert
from mlp.data.inputs import Columns, Pixels
from mlp.data.interpret import Meaning
from mlp.data.load import load_dataset
from mlp.data.reading import Reading
from mlp.data.task import Task

RNG = np.random.default_rng(0)


def save(path: Path, **arrays: Any) -> str:
    np.savez(path, **arrays)
    return str(path)


def write(path: Path, text: str) -> str:
    path.write_text(text)
    return str(path)


def test_floats_from_0_to_1_are_converted_with_their_greys(tmp_path: Path) -> None:
    images = np.linspace(0, 1, 4 * 64).reshape(4, 8, 8).astype(np.float32)
    y = np.arange(4)
    source = save(tmp_path / "floats.npz", x_train=images, y_train=y, x_test=images, y_test=y)
    convert(source, tmp_path / "bytes.npz")
    with np.load(tmp_path / "bytes.npz") as written:
        found = written["x_train"]
    np.testing.assert_array_equal(found, np.rint(images.astype(float) * 255))


def test_a_column_that_the_test_rows_lack_is_told(tmp_path: Path) -> None:
    """It was taken for the last column, which is the label."""
    rows = "".join(f"{i % 7},{i},{-i},{i % 2}\n" for i in range(30))
    first = write(tmp_path / "a.csv", "index,a,b,label\n" + rows)
    other = write(tmp_path / "b.csv", "a,b,label\n" + "".join(f"{i},2,{i % 2}\n" for i in range(9)))
    with pytest.raises(DataError, match=r"lacks column 1 \(index\)"):
        load_dataset(first, reading=Reading(test_file=other))


def test_numbers_of_one_scale_each_are_no_pixels(tmp_path: Path) -> None:
    rows = RNG.uniform(0, 1, (60, 64))
    rows[:, 5] *= 20_000
    data = load_dataset(save(tmp_path / "columns.npz", X=rows, y=np.arange(60) % 2))
    assert isinstance(data.inputs, Columns)
    data = load_dataset(save(tmp_path / "digits.npz", X=RNG.integers(0, 17, (60, 64)) * 1.0,
                             y=np.arange(60) % 10))  # fmt: skip
    assert (data.inputs, data.train.images.shape[1:]) == (Pixels(0, 16, (8, 8)), (8, 8))


@pytest.mark.parametrize("word", ["NA", "NaN", "null", "n/a", "?", "None", ""])
def test_a_missing_label_is_no_class(word: str, tmp_path: Path) -> None:
    rows = "".join(f"{i},{('cat', 'dog', word)[i % 3]}\n" for i in range(60))
    told: list[str] = []
    data = load_dataset(write(tmp_path / "a.csv", "a,label\n" + rows), note=told.append)
    assert data.task.names == ("cat", "dog")
    assert any("20 rows" in sentence and "no label" in sentence for sentence in told)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_numbers_in_a_row_are_no_header(delimiter: str, tmp_path: Path) -> None:
    rows = [[5, 6, 7, 8, 9], *RNG.integers(0, 3, (30, 5)).tolist()]
    text = "\n".join(delimiter.join(map(str, row)) for row in rows) + "\n"
    data = load_dataset(write(tmp_path / "a.csv", text), reading=Reading(label="0", test=6))
    assert len(data.train) + len(data.test) == 31


def test_decimal_commas_are_numbers_in_the_first_row_too(tmp_path: Path) -> None:
    text = "".join(f"{i % 2};{i},5;{i},25\n" for i in range(30))
    data = load_dataset(write(tmp_path / "a.csv", text))
    assert (data.classes, len(data.train) + len(data.test)) == (2, 30)


@pytest.mark.parametrize("strange", [np.inf, 1e300])
def test_a_label_without_bounds_is_refused(strange: float, tmp_path: Path) -> None:
    labels = np.arange(30) % 3 * 1.0
    labels[4] = strange
    path = save(tmp_path / "a.npz", X=RNG.normal(size=(30, 3)), y=labels)
    with pytest.raises(DataError, match=r"infinite|real numbers"):
        load_dataset(path)


def test_arrays_without_a_suffix_are_the_training_set_beside_a_test_set(tmp_path: Path) -> None:
    X, y = RNG.normal(size=(30, 3)), np.arange(30) % 2
    data = load_dataset(save(tmp_path / "a.npz", X=X, y=y, X_test=X[:7], y_test=y[:7]))
    assert (len(data.train), len(data.test)) == (30, 7)
    data = load_dataset(save(tmp_path / "b.npz", X=X, y=y, X_val=X[:9], y_val=y[:9]))
    assert (len(data.train), len(data.test)) == (30, 9)


@pytest.mark.parametrize("name", ["new\xa0york", "x" * 70])
def test_names_of_classes_need_not_be_plain(name: str, tmp_path: Path) -> None:
    rows = "".join(f"{i},{(name, 'rome')[i % 2]}\n" for i in range(40))
    data = load_dataset(write(tmp_path / "a.csv", "a,label\n" + rows))
    assert (data.classes, int(data.train.labels.sum())) == (2, 16)


def test_classes_whose_names_are_cut_to_one_are_refused(tmp_path: Path) -> None:
    rows = "".join(f"{i},{'x' * 35}{'ab'[i % 2]}{'x' * 35}\n" for i in range(40))
    with pytest.raises(DataError, match=r"two classes .* printed as x"):
        load_dataset(write(tmp_path / "a.csv", "a,label\n" + rows))


def test_one_negative_number_makes_columns_of_both_splits(tmp_path: Path) -> None:
    train, test = (RNG.integers(0, 17, (30, 64)) * 1.0 for _ in range(2))
    train[3, 3] = -1
    y = np.arange(30) % 3
    path = save(tmp_path / "a.npz", x_train=train, y_train=y, x_test=test, y_test=y)
    data = load_dataset(path)
    assert (data.train.images.shape, data.test.images.shape) == ((30, 64), (30, 64))
    known = Meaning(Task(names=("0", "1", "2")), data.inputs)
    only = save(tmp_path / "b.npz", X=test, y=y)
    assert load_dataset(only, known=known).train.images.ndim == 2


def test_the_mean_of_numbers_is_that_of_the_training_rows(tmp_path: Path) -> None:
    y = RNG.normal(50, 20, 100)
    told: list[str] = []
    path = save(tmp_path / "a.npz", X=RNG.normal(size=(100, 2)), y=y)
    data = load_dataset(path, kind="regression", reading=Reading(test=40), note=told.append)
    assert abs(float(data.train.labels.mean())) < 1e-6
    assert abs(float(data.train.labels.std()) - 1) < 1e-6
    assert not any("from each class alike" in sentence for sentence in told)


def test_the_word_among_numbers_is_told_and_no_missing_value(tmp_path: Path) -> None:
    rows = [f"{i},{i % 2}" for i in range(2_400)]
    rows[2_100], rows[2_101] = ",0", "oops,1"
    with pytest.raises(DataError, match="'oops'"):
        load_dataset(write(tmp_path / "a.csv", "\n".join(["a,label", *rows]) + "\n"))
