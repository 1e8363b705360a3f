"""A server on this machine that serves four small files as MNIST's mirrors do, or misbehaves."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import numpy as np

from mlp.data.dataset import Dataset, Split
from mlp.data.formats.idx import idx_sha256
from mlp.data.formats.idx_folder import IDX_FILES, write_idx_folder


def digits(count: int) -> Split:
    # Noise, so that packing does not make the files too short to be cut.
    images = np.random.default_rng(count).integers(0, 256, (count, 9, 8), dtype=np.uint8)
    return Split(images, (np.arange(count) % 10).astype(np.uint8))


DIGITS = Dataset("mnist", "test", 10, digits(400), digits(300))
FIRST = f"{IDX_FILES[0]}.gz"


class Mirrors:
    """A server on this machine with two mirrors, each of which answers as ``behave`` says."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.behave: dict[str, Behaviour] = {"first": serve, "second": serve}
        self.requests: list[tuple[str, str]] = []
        self.released = threading.Event()  # lets go of the requests that hang


class Handler(BaseHTTPRequestHandler):
    mirrors: ClassVar[Mirrors]

    def do_GET(self) -> None:
        _, mirror, name = self.path.split("/")
        self.mirrors.requests.append((mirror, name))
        self.mirrors.behave[mirror](self, self.mirrors.files[name])

    def send(
        self, body: bytes, status: int = 200, length: int | None = None, kind: str = "gzip"
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", f"application/{kind}")
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


Behaviour = Callable[[Handler, bytes], None]


def serve(handler: Handler, body: bytes) -> None:
    handler.send(body)


def assert_is_digits(found: Dataset, source: Path) -> None:
    assert (found.name, found.source, found.classes) == ("mnist", str(source), 10)
    assert found.train.checksum == DIGITS.train.checksum
    assert found.test.checksum == DIGITS.test.checksum


def assert_holds_only_the_files(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == sorted(f"{n}.gz" for n in IDX_FILES)


@contextmanager
def mirroring(folder: Path) -> Iterator[tuple[Mirrors, tuple[str, str]]]:
    """Serve `DIGITS`, whose files are made in a folder; yields the server and the two URLs."""
    write_idx_folder(DIGITS, folder)
    mirrors = Mirrors({path.name: path.read_bytes() for path in folder.iterdir()})
    handler = type("BoundHandler", (Handler,), {"mirrors": mirrors})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    root = f"http://127.0.0.1:{server.server_port}"
    try:
        yield mirrors, (f"{root}/first/", f"{root}/second/")
    finally:
        mirrors.released.set()
        server.shutdown()
        server.server_close()
        thread.join()


def checksums() -> dict[str, str]:
    """What `mlp.data.mnist.SHA256` must be for `DIGITS`."""
    arrays = (DIGITS.train.images, DIGITS.train.labels, DIGITS.test.images, DIGITS.test.labels)
    return {name: idx_sha256(array) for name, array in zip(IDX_FILES, arrays, strict=True)}
