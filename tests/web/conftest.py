"""The page's application with a model that reads."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("starlette", reason="the page needs the extra mlp-digits[draw]")
pytest.importorskip("uvicorn", reason="the page needs the extra mlp-digits[draw]")
pytest.importorskip("anyio", reason="the page needs the extra mlp-digits[draw]")

from asgi import Client

from mlp.models.model_file import save
from mlp.nn.network import MLP
from mlp.web.app import create_app
from mlp.web.model_list import ModelList


def fill(folder: Path) -> None:
    """Put models into a folder, and files that are none."""
    save(MLP([784, 10], seed=1), folder / "other.safetensors")
    save(MLP([64, 10]), folder / "small.safetensors")
    (folder / "broken.npz").write_bytes(b"PK")
    (folder / "notes.txt").write_text("secret")


@pytest.fixture(scope="session")
def client(reader: Path, tmp_path_factory: pytest.TempPathFactory) -> Client:
    """Asks an application that offers a model that reads, and those of a folder."""
    fill(folder := tmp_path_factory.mktemp("models"))
    return Client(create_app(ModelList(reader, folder)))


@pytest.fixture
def own_folder(reader: Path, tmp_path: Path) -> Client:
    """The same over a folder of the test's own, to be changed."""
    fill(tmp_path)
    return Client(create_app(ModelList(reader, tmp_path)))
