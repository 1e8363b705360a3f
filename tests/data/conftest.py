"""An empty cache for MNIST, and a server on this machine in the mirrors' place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from mirrors import Mirrors, checksums, mirroring

from mlp.data import download, mnist


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and no trace of the user's own settings."""
    folder = tmp_path / "cache" / "mnist"
    monkeypatch.setattr(mnist, "cache_folder", lambda: folder)
    monkeypatch.setattr(mnist, "MIRRORS", ())
    for variable in ("MLP_DATA_DIR", "MLP_OFFLINE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(mnist, "SHA256", checksums())
    return folder


@pytest.fixture
def mirrors(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirrors]:
    with mirroring(tmp_path / "served") as (mirrors, urls):
        monkeypatch.setattr(mnist, "MIRRORS", urls)
        monkeypatch.setattr(download, "TIMEOUT", 5.0)
        monkeypatch.setattr(download, "MAX_BYTES", 100_000)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        yield mirrors
