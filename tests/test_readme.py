"""What the README promises: its lines of Python run as they stand, and reach what they are for."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from source import ROOT

import mlp
from mlp.models.predict import predict

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_what_the_readme_links_to_is_there() -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in link]
    assert len(links) > 5
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.mnist
def test_the_readmes_python_trains_to_98_percent(
    mnist: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where it writes its model
    block = README.partition("## From Python")[2].partition("```python\n")[2].partition("```")[0]
    names: dict[str, Any] = {}
    exec(compile(block, "README.md", "exec"), names)
    assert names["history"].epochs[-1].test_accuracy >= 0.98
    np.testing.assert_array_equal(names["digits"], [7, 2, 1, 0, 4])
    np.testing.assert_array_equal(names["shares"].argmax(axis=1), names["digits"])
    same = names["same"].backend.to_numpy(names["same"].parameters)
    np.testing.assert_array_equal(same, names["model"].parameters)


@pytest.mark.mnist
def test_synthetic_digits_alone_teach_to_read_mnist(mnist: Path) -> None:
    """A sixth of the digits and half of the epochs of mlp train are enough for 80 %."""
    model = mlp.MLP([784, 128, 10])
    mlp.train(model, mlp.load_dataset("synthetic:10000+100"), mlp.Recipe(epochs=3))
    test = mlp.load_dataset("mnist", mnist).test
    assert np.mean(predict(model, test.images) == test.labels) >= 0.8
