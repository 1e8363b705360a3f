"""What docs/data.md shows of one's own data runs, in the order in which it stands there."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command import in_this_process
from documented import commands
from hard_pictures import draw_digit
from PIL import Image
from source import ROOT

PAGE = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")


def write_files(folder: Path, reader: Path) -> None:
    """Write the files that the page's commands name."""
    rng = np.random.default_rng(0)
    shutil.copy(reader, folder / "digits.safetensors")
    petals = rng.normal(np.repeat([[1, 5], [4, 2], [7, 7]], 40, axis=0), 0.5)
    kinds = np.repeat(["setosa", "virginica", "versicolor"], 40)
    rows = [f"{a:.2f},{b:.2f},{kind}" for (a, b), kind in zip(petals, kinds, strict=True)]
    (folder / "flowers.csv").write_text("\n".join(["length,width,species", *rows]))
    rooms = rng.integers(1, 7, 120)
    areas = rooms * 20 + rng.random(120) * 30
    prices = 1_000 * rooms + 50 * areas
    table = [f"{r},{a:.2f},{p:.0f}" for r, a, p in zip(rooms, areas, prices, strict=True)]
    (folder / "houses.csv").write_text("\n".join(["rooms,area,price", *table]))
    for digit in range(10):
        place = folder / "drawings" / str(digit)
        place.mkdir(parents=True)
        for k in range(2):
            ink = draw_digit(digit, 100 + 10 * k)
            page = np.pad(255 * (1 - ink), 30, constant_values=255)
            Image.fromarray(page.astype(np.uint8)).save(place / f"{k}.png")


def test_the_commands_run(
    reader: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("MLP_OFFLINE", "1")
    mlp = in_this_process(tmp_path, monkeypatch, capsys)
    write_files(tmp_path, reader)
    shown = commands(PAGE)
    assert len(shown) >= 9
    for command in shown:
        _, *arguments = shlex.split(command)
        done = mlp(*arguments)
        assert done.code == 0, f"{command}: {done.err}"
    estimated = (tmp_path / "prices.csv").read_text().splitlines()
    assert estimated[0] == "id,price"
    true = [float(r.split(",")[2]) for r in (tmp_path / "houses.csv").read_text().splitlines()[1:]]
    found = [float(row.split(",")[1]) for row in estimated[1:]]
    assert np.corrcoef(true, found)[0, 1] > 0.99
    answers = (tmp_path / "answers.csv").read_text().splitlines()
    kinds = [r.split(",")[2] for r in (tmp_path / "flowers.csv").read_text().splitlines()[1:]]
    assert (
        np.mean([row.split(",")[1] == kind for row, kind in zip(answers[1:], kinds, strict=True)])
        > 0.95
    )


def test_the_python_runs() -> None:
    block = PAGE.partition("```python\n")[2].partition("```")[0]
    names: dict[str, Any] = {}
    exec(compile(block, "data.md", "exec"), names)
    assert names["history"].epochs[-1].test_accuracy > 0.85
    assert names["data"].task.names == ("other", "same")
