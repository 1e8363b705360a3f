"""A folder of two CSV files, under either of the names that people give them."""

from __future__ import annotations

from pathlib import Path

from small_datasets import checksums, pair

from mlp.data.formats import convert as formats


def test_mnist_names_of_a_csv_pair_are_read(tmp_path: Path) -> None:
    formats.write(pair(), tmp_path / "csv", "csv")
    for file in (tmp_path / "csv").iterdir():
        file.rename(file.with_name(f"mnist_{file.name}"))
    assert checksums(formats.read_splits(tmp_path / "csv")) == checksums(pair())
