"""mlp predict of a PDF document: each page is a picture, and what hinders it is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import Command
from pdf_files import FOUR, SEVEN, locked, pdf_of

pytest.importorskip("pypdfium2")


def test_each_page_of_a_document_is_read(mlp: Command, reader: Path, tmp_path: Path) -> None:
    (tmp_path / "scan.pdf").write_bytes(pdf_of(SEVEN, FOUR))
    (tmp_path / "locked.pdf").write_bytes(locked())
    said = mlp("predict", "scan.pdf", "locked.pdf", "--model", reader, "--device", "cpu", "--json")
    first, second, last = json.loads(said.out)["files"]
    assert said.code == 1
    assert (first["file"], first["digit"]) == ("scan.pdf", 7)
    assert (second["file"], second["digit"]) == ("scan.pdf#2", 4)
    assert "with a password" in last["problem"]
