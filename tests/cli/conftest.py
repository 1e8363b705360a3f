"""The command line, run in this process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from command import Command, Result, in_this_process
from photos import DIGITS, picture


@pytest.fixture
def mlp(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    return in_this_process(tmp_path, monkeypatch, capsys)


@pytest.fixture
def predict(reader: Path, mlp: Command) -> Command:
    """Run ``mlp predict`` with a model that reads, and return what it said."""

    def run(*arguments: Any, model: Path | None = reader) -> Result:
        chosen = ["--model", model] if model else []
        return mlp("predict", *arguments, *chosen, "--device", "cpu")

    return run


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos of some digits with their labels, one of which is wrong, and a blank page."""
    folder = tmp_path_factory.mktemp("photos")
    for digit in DIGITS:
        picture(digit).save(folder / f"digit-{digit}.png")
    picture().save(folder / "empty.png")
    rows = [f"digit-{digit}.png,{digit if digit != 3 else 8}" for digit in DIGITS]
    (folder / "labels.csv").write_text("\n".join(["file,label", *rows, "empty.png,1", ""]))
    return folder
