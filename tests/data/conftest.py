"""An empty cache for MNIST, and a server on this machine in the mirrors' place."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
from mirrors import DIGITS, Handler, Mirrors

from mlp.data import download, mnist
from mlp.data.formats.idx import idx_sha256
from mlp.data.formats.idx_folder import IDX_FILES, write_idx_folder


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and no trace of the user's own settings."""
    folder = tmp_path / "cache" / "mnist"
    monkeypatch.setattr(mnist, "cache_folder", lambda: folder)
    monkeypatch.setattr(mnist, "MIRRORS", ())
    for variable in ("MLP_DATA_DIR", "MLP_OFFLINE"):
        monkeypatch.delenv(variable, raising=False)
    arrays = (DIGITS.train.images, DIGITS.train.labels, DIGITS.test.images, DIGITS.test.labels)
    sums = {name: idx_sha256(array) for name, array in zip(IDX_FILES, arrays, strict=True)}
    monkeypatch.setattr(mnist, "SHA256", sums)
    return folder


@pytest.fixture
def mirrors(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirrors]:
    write_idx_folder(DIGITS, tmp_path / "served")
    mirrors = Mirrors({path.name: path.read_bytes() for path in (tmp_path / "served").iterdir()})
    handler = type("BoundHandler", (Handler,), {"mirrors": mirrors})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    root = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(mnist, "MIRRORS", (f"{root}/first/", f"{root}/second/"))
    monkeypatch.setattr(download, "TIMEOUT", 5.0)
    monkeypatch.setattr(download, "MAX_BYTES", 100_000)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    yield mirrors
    mirrors.released.set()
    server.shutdown()
    server.server_close()
    thread.join()
