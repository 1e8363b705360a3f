"""Rows of arrays, whose columns have no names, for a model whose columns have some."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mlp.data.formats import convert as formats
from mlp.data.formats.request import Request
from mlp.data.formats.rows import Asked
from mlp.data.inputs import Columns, Inputs, Pixels
from mlp.data.interpret import Meaning
from mlp.data.reading import Reading
from mlp.data.task import Task

X = np.random.default_rng(3).normal(0, 1, (40, 3))
Y = np.arange(40) % 2
TASK = Task(names=("0", "1"))
NAMED = Columns(("a", "b=x", "b=y"), (0.0,) * 3, (1.0,) * 3)
NUMBERED = Columns(("column 1", "column 2", "column 3"), (0.0,) * 3, (1.0,) * 3)


def write_mat(path: Path) -> None:
    pytest.importorskip("scipy.io").savemat(path, {"X": X, "y": Y})


def write_folder(path: Path) -> None:
    path.mkdir()
    np.save(path / "X.npy", X)
    np.save(path / "y.npy", Y)


FORMS: dict[str, Callable[[Path], object]] = {
    "t.npz": lambda path: np.savez(path, X=X, y=Y),
    "both.npz": lambda path: np.savez(path, x_train=X, y_train=Y, x_test=X, y_test=Y),
    "t.npy": lambda path: np.save(path, np.column_stack([X, Y])),
    "t.mat": write_mat,
    "folder": write_folder,
}


def told_by_rows(path: Path, inputs: Inputs) -> list[str]:
    told: list[str] = []
    reading = Reading(label="-1" if path.suffix == ".npy" else None)
    request = Request(reading, note=told.append)
    asked = Asked(inputs, 3, (), TASK.names)
    assert sum(map(len, formats.read_rows(path, request, asked))) == 40
    return told


def told_by_eval(path: Path, inputs: Inputs) -> list[str]:
    told: list[str] = []
    reading = Reading(label="-1" if path.suffix == ".npy" else None)
    formats.read(path, reading, known=Meaning(TASK, inputs), note=told.append)
    return told


@pytest.mark.parametrize("told_by", [told_by_rows, told_by_eval])
@pytest.mark.parametrize("form", FORMS)
def test_the_order_in_which_columns_are_taken_is_told_once(
    form: str,
    told_by: Callable[[Path, Inputs], list[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mlp.data.formats.rows.CHUNK_BYTES", 24 * 9)  # of nine rows
    FORMS[form](tmp_path / form)
    told = told_by(tmp_path / form, NAMED)
    order = [sentence for sentence in told if "taken in the order" in sentence]
    assert len(order) == 1
    assert order[0].endswith("has no names of columns: its columns are taken in the order a, b")
    assert not [s for s in told_by(tmp_path / form, NUMBERED) if "the order" in s]


def test_pixels_have_no_names(tmp_path: Path) -> None:
    np.save(tmp_path / "t.npy", np.zeros((40, 2, 2), np.uint8))
    told: list[str] = []
    asked = Asked(Pixels(shape=(2, 2)), 4)
    request = Request(note=told.append)
    assert sum(map(len, formats.read_rows(tmp_path / "t.npy", request, asked))) == 40
    assert told == []
