"""The script that varies the constants of the handwriting pipeline."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hard_pictures import Scene, page_of, photograph
from PIL import Image

from bench import handwriting_constants as script
from mlp.handwriting import constants


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A seven and a row of two digits, and a blank page whose label is wrong."""
    lines = ["file,label"]
    for name, digits in (("7", [7]), ("40", [4, 0]), ("1", [])):
        page = page_of(*digits, height=64, gap=19)
        Image.fromarray(photograph(page, Scene())).save(tmp_path / f"{name}.png")
        lines.append(f"{name}.png,{name}")
    (tmp_path / "labels.csv").write_text("\n".join([*lines, ""]))
    return tmp_path


def test_a_number_is_varied_and_put_back(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(script, "SHARE", 1.0)  # nothing is so sharp, or everything is
    monkeypatch.setattr(constants, "LEAST_SHARPNESS", 50.0)
    monkeypatch.setattr(sys, "argv", ["script", str(folder), "--only", "LEAST_SHARPNESS"])
    script.main()
    out = capsys.readouterr().out.splitlines()
    assert out[0] == f"as it stands: 2 of 3 in {folder.name}"
    assert out[-1] == "| LEAST_SHARPNESS | 50 | 0: 0 | 100: -2 |"
    assert constants.LEAST_SHARPNESS == 50


@pytest.mark.parametrize(
    ("value", "expected"), [(2, (1, 3)), (32, (26, 38)), (0.5, (0.4, 0.6)), (4.0, (3.2, 4.8))]
)
def test_whole_numbers_stay_whole(value: float, expected: tuple[float, float]) -> None:
    assert script.varied(value) == pytest.approx(expected)
    assert all(isinstance(other, type(value)) for other in script.varied(value))


def test_every_number_is_varied_but_the_facts() -> None:
    assert {"SPECK", "FINE", "LEAST_SHARPNESS"} <= set(script.names())
    assert not script.FACTS & set(script.names())
    assert len(script.names()) > 80
