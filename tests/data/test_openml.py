"""OpenML's data sets by name: what is asked for, what becomes of the frame, what is refused."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mlp.common.errors import DataError, UsageError
from mlp.data.interpret import Meaning
from mlp.data.load import load_dataset
from mlp.data.mnist import cache_folder

pd = pytest.importorskip("pandas")
datasets = pytest.importorskip("sklearn.datasets")


def flowers(rows: int = 60) -> Any:
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 3, rows)
    return pd.DataFrame(
        {
            "length": rng.normal(kind, 0.1),
            "ringed": rng.integers(0, 2, rows).astype(bool),
            "count": pd.Categorical([str(n) for n in rng.integers(0, 9, rows)]),
            "place": [f"field {n}" for n in rng.integers(0, 2, rows)],
            "kind": pd.Categorical(np.array(["iris", "lily", "rose"])[kind]),
        }
    )


class Shelf:
    """What stands for OpenML: a frame, and what was asked for."""

    def __init__(self, frame: Any, target_names: list[str]) -> None:
        self.frame, self.target_names = frame, target_names
        self.asked: list[dict[str, Any]] = []

    def __call__(self, **asked: Any) -> Any:
        self.asked.append(asked)
        if asked.get("name") == "nothing":
            raise ValueError("No known dataset nothing.\n\x1b[31mdetails")
        return SimpleNamespace(frame=self.frame, target_names=self.target_names)


@pytest.fixture
def shelf(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    monkeypatch.delenv("MLP_OFFLINE", raising=False)
    shelf = Shelf(flowers(), ["kind"])
    monkeypatch.setattr(datasets, "fetch_openml", shelf)
    return shelf


def test_the_target_is_the_label_and_numbers_are_the_columns(shelf: Shelf) -> None:
    data = load_dataset("openml:flowers", drop="place")
    assert data.task.names == ("iris", "lily", "rose")
    assert data.inputs is not None
    assert data.inputs.to_json()["names"] == ("length", "ringed", "count")
    assert len(data.train) + len(data.test) == 60
    assert (data.origin, data.reading) == ("openml:flowers", {"drop": "place"})
    other = load_dataset("openml:flowers", label="ringed", drop="place,kind")
    assert len(other.task.names) == 2


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("openml:flowers", {"name": "flowers", "version": "active"}),
        ("openml:wine-quality_(red).1@2", {"name": "wine-quality_(red).1", "version": "2"}),
        ("openml:61", {"data_id": 61}),
    ],
)
def test_a_name_a_version_or_a_number_is_asked_for(
    name: str, asked: dict[str, Any], shelf: Shelf
) -> None:
    load_dataset(name, drop="place")
    assert asked.items() <= shelf.asked[0].items()
    assert Path(shelf.asked[0]["data_home"]) == cache_folder().parent


def test_a_missing_value_is_filled_or_refused_and_words_are_named(shelf: Shelf) -> None:
    shelf.frame.loc[3, "count"] = None
    with pytest.raises(DataError, match="count of openml:flowers in row 4 has no value"):
        load_dataset("openml:flowers", drop="place")
    assert load_dataset("openml:flowers", drop="place", missing="mean").train.images.size
    shelf.frame["note"] = [f"row {n}" for n in range(60)]
    with pytest.raises(DataError, match=r"\(note\) .* holds 60 different words, such as 'row 0'"):
        load_dataset("openml:flowers")


def test_a_models_columns_are_found_by_name_whatever_order_they_come_in(shelf: Shelf) -> None:
    first = load_dataset("openml:flowers")
    shelf.frame = shelf.frame[["kind", "place", "count", "length", "ringed"]].assign(note="new")
    known = Meaning(first.task, first.inputs)
    again = load_dataset("openml:flowers", known=known)
    assert again.train.images.tolist() == first.train.images.tolist()


def test_a_set_without_one_target_asks_for_the_label(shelf: Shelf) -> None:
    shelf.target_names = []
    with pytest.raises(DataError, match="does not say which column is its label"):
        load_dataset("openml:flowers", drop="place")
    assert load_dataset("openml:flowers", label="kind", drop="place").classes == 3


def test_what_cannot_be_fetched_says_so_in_one_line(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(
        DataError, match=r"cannot fetch openml:nothing \(No known .*openml.org"
    ) as e:
        load_dataset("openml:nothing")
    assert "\n" not in str(e.value)
    assert "\x1b" not in str(e.value)
    with pytest.raises(UsageError, match="--size means nothing for openml:flowers"):
        load_dataset("openml:flowers", size=28)
    monkeypatch.setenv("MLP_OFFLINE", "1")
    with pytest.raises(DataError, match="MLP_OFFLINE forbids asking for openml:flowers"):
        load_dataset("openml:flowers")
    assert len(shelf.asked) == 1


@pytest.mark.parametrize("name", ["openml:", "openml:a b", "openml:iris@x", "openml:../etc"])
def test_what_is_no_name_of_openml_is_no_dataset(name: str, shelf: Shelf) -> None:
    with pytest.raises(UsageError, match="there is no dataset"):
        load_dataset(name)
    assert not shelf.asked
