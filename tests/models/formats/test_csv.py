"""Weights as CSV files: as the other program writes them, and refused where not sound."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_networks import TABLES, assert_not_read, reference, write_tables

from mlp.models.formats.convert import write_model


def test_the_files_are_those_that_the_others_write(tmp_path: Path) -> None:
    write_model(reference(), tmp_path / "tables")
    written = {path.name: path.read_text() for path in (tmp_path / "tables").iterdir()}
    assert written == {**TABLES, "network.csv": "activation,output\nrelu,identity\n"}


BAD_TABLES: dict[str, tuple[dict[str, str | None], str]] = {
    "no weights": ({"w1": None}, "holds no w1.csv"),
    "a bias missing": ({"b2": None}, "weights of 3 layers but biases of 1"),
    "a layer missing": ({"w2": None, "b2": None}, "holds b3.csv but not all"),
    "no header": ({"w1": "111.0,112.0\n121.0,122.0\n"}, "w1.csv begins with numbers"),
    "no numbers": ({"w1": "w10,w11\n"}, "w1.csv holds no numbers"),
    "nothing": ({"b1": ""}, "b1.csv holds no numbers"),
    "text": ({"w1": "w10,w11\n1.0,two\n3.0,4.0\n"}, "w1.csv is not a table of numbers"),
    "ragged": ({"w1": "w10,w11\n1.0\n3.0,4.0\n"}, "w1.csv is not a table of numbers"),
    "a column too many": ({"w1": "w10\n1.0,2.0\n3.0,4.0\n"}, "2 columns under a header of 1"),
    "not a number": ({"w1": "w10,w11\nnan,2.0\n3.0,4.0\n"}, "not finite"),
    "too large": ({"w1": "w10,w11\n1e999,2.0\n3.0,4.0\n"}, "not finite"),
    "no chain": ({"w2": "w20\n1.0\n"}, r"do not make a chain"),
    "a bias too long": ({"b2": "b20\n3.0\n4.0\n"}, r"do not make a chain"),
    "a wide bias": ({"b2": "b20,b21\n3.0,4.0\n"}, "where a bias has one"),
    "no activations": ({"network": "relu,identity\n"}, "does not tell the activations"),
}


@pytest.mark.parametrize("case", BAD_TABLES)
def test_bad_tables_are_refused(tmp_path: Path, case: str) -> None:
    changes, sentence = BAD_TABLES[case]
    assert_not_read(write_tables(tmp_path / "bad", **changes), sentence)
