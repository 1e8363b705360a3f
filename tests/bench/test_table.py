"""The table of the newest GPU run."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import table


def test_nothing_measured_shows_no_figure(tmp_path: Path) -> None:
    assert table.newest(tmp_path) is None
    assert table.markdown(None).startswith("Not measured yet")


def test_the_table_is_put_between_its_marks(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{table.BEGIN}\nold\n{table.END}\nafter\n")
    table.write(readme, "new")
    assert readme.read_text() == f"before\n{table.BEGIN}\nnew\n{table.END}\nafter\n"
    readme.write_text("no marks")
    with pytest.raises(ValueError, match="has no place for the table: add the lines"):
        table.write(readme, "new")
