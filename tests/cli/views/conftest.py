"""A network that has many mistakes, and a terminal that asks for nothing."""

from __future__ import annotations

import pytest
from view_command import DATA, write_model

from mlp.data.load import Dataset, load_dataset


@pytest.fixture(scope="session")
def data() -> Dataset:
    return load_dataset(DATA)


@pytest.fixture(scope="session")
def model(data: Dataset, tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_model(tmp_path_factory.mktemp("model") / "digits.safetensors", data))


@pytest.fixture(autouse=True)
def no_wishes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what a developer's own terminal asks for."""
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
