"""What the tests of the comparison share: a tiny dataset, a job, and arms that are scripts."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bench.harness.arms import Arm, Setting
from bench.harness.job import Job, write_dataset, write_weights
from mlp.data.dataset import Dataset, Split


@pytest.fixture(scope="session")
def dataset() -> Dataset:
    """Images whose class is the row that is inked."""
    labels = (np.arange(320) % 10).astype(np.uint8)
    images = np.zeros((320, 28, 28), np.uint8)
    images[np.arange(320), labels] = 255
    split = Split(images, labels)
    return Dataset("rows", "a test", 10, split, split[:60])


@pytest.fixture
def job(dataset: Dataset, tmp_path: Path) -> Job:
    """784-4-10 on these images."""
    write_dataset(dataset, tmp_path)
    write_weights(tmp_path / "w.npz", (784, 4, 10), 0)
    return Job(data=str(tmp_path), weights=str(tmp_path / "w.npz"), sizes=(784, 4, 10))


@pytest.fixture
def stub(tmp_path: Path) -> Callable[[str], Arm]:
    """Make an arm whose process is a script."""

    def make(text: str) -> Arm:
        script = tmp_path / "stub.py"
        script.write_text(text)
        return Arm("stub", (sys.executable, str(script)), (Setting(),))

    return make
