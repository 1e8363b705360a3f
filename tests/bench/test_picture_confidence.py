"""The weights of confidence are those of a logistic regression, and a folder is read for it."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from hard_pictures import Scene, page_of, photograph
from PIL import Image

from bench.picture_confidence import fit, main


def test_weights_of_known_odds_are_found_and_none_is_below_0() -> None:
    rng = np.random.default_rng(0)
    logits, columns = rng.normal(2, 1, 40_000), rng.exponential(size=(40_000, 3))
    right = rng.random(40_000) < 1 / (1 + np.exp(columns @ [0.5, 1.5, -0.3] - logits))
    assert fit(logits, columns, right)[2] == 0
    right = rng.random(40_000) < 1 / (1 + np.exp(columns @ [0.5, 1.5, 0] - logits))
    np.testing.assert_allclose(fit(logits, columns, right), [0.5, 1.5, 0], atol=0.06)


def test_folders_are_read_and_the_weights_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ["file,label"]
    for digit in (1, 3, 5, 7, 8):
        picture = photograph(page_of(digit, height=60), Scene(), seed=digit)
        Image.fromarray(picture).save(tmp_path / f"{digit}.png")
        lines.append(f"{digit}.png,{digit if digit < 8 else 2}")
    Image.new("L", (40, 40), 255).save(tmp_path / "blank.png")
    (tmp_path / "labels.csv").write_text("\n".join([*lines, "blank.png,4"]))
    monkeypatch.setattr(sys, "argv", ["bench", str(tmp_path), "--test", str(tmp_path)])
    main()
    told = capsys.readouterr().out
    assert told.count("4 of     6") == 4  # as it stands and fitted, of either
    assert "DOUBT_BY_SPREAD = " in told
